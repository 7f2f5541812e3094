/**
 * Returns the text of a fixture file with these runners, all of one version. The version is in
 * several fields, so that a mix of two versions shows.
 */
export function fixtureText(file: string, ids: readonly string[], version: string, padding = 0) {
  const runners = ids.map((runnerId) => ({
    runnerId,
    name: version,
    status: {
      phase: "RUNNER_PHASE_ACTIVE",
      version,
      message: `${"x".repeat(padding)} ${version}`,
    },
  }));
  if (/\.ya?ml$/.test(file)) {
    return runners.map(yamlDocument).join("---\n");
  }
  return runners.map((runner) => `${JSON.stringify({ runner })}\n`).join("");
}

function yamlDocument({
  runnerId,
  name,
  status,
}: {
  runnerId: string;
  name: string;
  status: object;
}) {
  return `runner:\n  runnerId: ${runnerId}\n  name: ${name}\n  status: ${JSON.stringify(status)}\n`;
}

/** Returns the version of a runner, undefined if it is a mix of several ones. */
export function versionOf(runner: {
  readonly name: string;
  readonly status?: { readonly version: string; readonly message: string } | undefined;
}): string | undefined {
  const { name, status } = runner;
  return status?.version === name && status.message.endsWith(` ${name}`) ? name : undefined;
}

let versions = 0;

/** Returns the name of a new version. All names have the same length. */
export function newVersion(): string {
  return `v${String(++versions).padStart(6, "0")}`;
}
