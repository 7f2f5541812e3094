import { sampleSelfTimes } from "./self-times.ts";

/** A request that every child process handles: it profiles itself and responds with `SelfTimes`. */
export const profileRequest = "profile";

/** How long to profile, in milliseconds. It must be shorter than a load. */
const profileMs = 1500;

/**
 * Responds to the requests that the parent of this process sends over IPC (see `startChild`), and
 * exits when the parent disconnects.
 */
export function handleRequests<Request>(handle: (request: Request) => Promise<unknown>): void {
  process.on("message", async (request) => {
    const isProfile = request === profileRequest;
    process.send?.(await (isProfile ? sampleSelfTimes(profileMs) : handle(request as Request)));
  });
  process.on("disconnect", () => process.exit());
}
