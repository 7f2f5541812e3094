import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { dateOption } from "./option.ts";

/** The heartbeat interval of a runner, in milliseconds; see `RunnerStatus.updated_at`. */
export const heartbeatIntervalMs = 30_000;

/**
 * Returns the age of a runner's last heartbeat at the time `at` (default: now), in milliseconds.
 * Returns undefined if the runner has never reported.
 *
 * Returns 0 for a heartbeat later than `at`, because the clocks of two machines can differ.
 *
 * Throws a RangeError if `at` is not a valid date.
 */
export function heartbeatAgeMs(runner: Runner, at?: Date): number | undefined {
  const time = dateOption("at", at).getTime();
  const reported = runner.status?.updatedAt;
  return reported && Math.max(0, time - timestampMs(reported));
}
