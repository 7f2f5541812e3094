/** With fewer runners, the memory released is not worth the duration of the garbage collection. */
const minRunners = 10_000;

/**
 * Releases memory to the operating system after `runners` runners were loaded.
 *
 * Many objects survive while runners are loaded, so V8 grows the young generation of its heap to
 * over 100 MB. It does not shrink it while the process is busy, but a full garbage collection does.
 * The collection takes about 1 µs per runner and blocks the event loop, so call this function
 * before serving requests.
 */
export async function releaseLoadingMemory(runners: number): Promise<void> {
  // The inspector triggers the collection. Node.js may be built without it.
  if (runners < minRunners || !process.features.inspector) {
    return;
  }
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.collectGarbage");
  session.disconnect();
}
