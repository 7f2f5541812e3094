import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";

/** How often a runner renews its registration, in milliseconds; `RunnerStatus.updated_at` says so. */
export const heartbeatIntervalMs = 30_000;

/**
 * Returns how long before `at` a runner last reported, in milliseconds, or
 * undefined when it never did. `at` is now by default.
 *
 * The age is 0 when the report comes from the future: clocks of two machines
 * differ a little, and a runner is not to blame for that.
 */
export function heartbeatAgeMs(runner: Runner, at: Date = new Date()): number | undefined {
  const reported = runner.status?.updatedAt;
  return reported && Math.max(0, at.getTime() - timestampMs(reported));
}
