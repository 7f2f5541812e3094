import { setTimeout } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import type { RunnerService } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import type { FakeClock } from "../fake-clock.ts";
import type { Action } from "../lane.ts";

/** The process, its clock, and a runner whose heartbeat follows the clock. */
export interface ProcessTarget {
  readonly clock: FakeClock | undefined;
  readonly heartbeatId: string;
  readonly probe: Client<typeof RunnerService>;
}

/** The interval of the heartbeat, in seconds. */
export const heartbeatSeconds = 30;

/** Jumps of the wall clock, stops, and signals that must not end the server. */
export const processActions: readonly Action<ProcessTarget>[] = [
  {
    name: "clock jumps",
    whySkipped: (_, { clock }) =>
      clock ? undefined : "libfaketime is not installed (Debian: apt-get install faketime)",
    async run(lane, { clock, heartbeatId, probe }) {
      const seconds = lane.random.pick([60, 3600, 86_400]) * lane.random.pick([1, -1]);
      clock?.jumpTo(seconds);
      await lane.until("heartbeat by the new time", async () => {
        const { runner } = await probe.getRunner({ runnerId: heartbeatId });
        const now = Date.now() / 1000 + seconds;
        const age = now - Number(runner?.status?.updatedAt?.seconds);
        return age > -1 && age < heartbeatSeconds + 1;
      });
      await lane.pause(0, 1000);
    },
  },
  {
    name: "stopped for a second (SIGSTOP, SIGCONT)",
    async run(lane) {
      await lane.server.stopFor(1000);
      await setTimeout(500);
    },
  },
  {
    name: "signals that mean nothing to it",
    async run(lane) {
      const signals = ["SIGCONT", "SIGWINCH", "SIGCHLD", "SIGURG", "SIGPIPE"] as const;
      for (const signal of lane.random.shuffle(signals)) {
        lane.server.kill(signal);
        await lane.pause(0, 100);
      }
    },
  },
];
