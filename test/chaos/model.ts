/** How long the server may take to serve what is on disk, in milliseconds; see docs/server.md. */
export const servedWithinMs = 2000;

/** The time to read the files and to make a call, on a busy machine, in milliseconds. */
export const marginMs = 1000;

/** The version of a runner that is on no disk. */
export const absent = "absent";

/**
 * The model of what should be served: the last valid content of each file, as versions of runners.
 * Times are in milliseconds, and stand still while the server is stopped.
 */
export interface Model {
  /** The runners that have ever been on disk. */
  readonly ids: readonly string[];
  /** Returns the version that should be served once the server has noticed all changes. */
  expected(id: string): string;
  /**
   * Announces a change before it is made: the version may be served from now on. Several versions
   * may be announced before {@link Model.commit}; the last one is expected in the end.
   */
  announce(id: string, version: string): void;
  /** Says that the announced change is made: earlier versions may be served only for a while. */
  commit(id: string): void;
  /** Returns what is wrong with a response to a call that started at `startedAt`, if anything. */
  check(id: string, version: string, startedAt: number): string | undefined;
}

interface Version {
  readonly name: string;
  /** When it was replaced. Infinity if it is current. */
  until: number;
}

/** Creates a model without runners. `now` is the clock of the server's running time. */
export function createModel(now: () => number): Model {
  const versions = new Map<string, Version[]>();
  const limitMs = servedWithinMs + marginMs;
  const versionsOf = (id: string) => versions.get(id) ?? [{ name: absent, until: Infinity }];
  const expected = (id: string) => versionsOf(id).at(-1)?.name ?? absent;
  return {
    get ids() {
      return [...versions.keys()];
    },
    expected,
    announce(id, name) {
      const recent = versionsOf(id).filter(({ until }) => until > now() - 60_000);
      versions.set(id, [...recent, { name, until: Infinity }]);
    },
    commit(id) {
      for (const version of versionsOf(id).slice(0, -1)) {
        version.until = Math.min(version.until, now());
      }
    },
    check(id, name, startedAt) {
      const same = versionsOf(id).filter((version) => version.name === name);
      const until = Math.max(...same.map((version) => version.until));
      if (until + limitMs >= startedAt) {
        return undefined;
      }
      return same.length === 0
        ? `${id} is ${name}, which was never valid; expected ${expected(id)}`
        : `${id} is still ${name} after ${((startedAt - until) / 1000).toFixed(1)} s; expected ${expected(id)}`;
    },
  };
}
