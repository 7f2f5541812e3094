/** With fewer runners, loading leaves too little behind for the time that it takes to look for it. */
const manyRunners = 10_000;

/**
 * Returns what loading so many runners took of memory, and needs no longer, to the operating system.
 *
 * V8 grows the part of its heap for young objects while many of them stay, as in loading, to over 100 MB,
 * and makes it no smaller for a server that has something to do. To sweep the heap takes about
 * a microsecond a runner, in which nothing is served: do it before anything is.
 */
export async function releaseLoadingMemory(runners: number): Promise<void> {
  // A Node.js that was built without its inspector has no other way.
  if (runners < manyRunners || !process.features.inspector) {
    return;
  }
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.collectGarbage");
  session.disconnect();
}
