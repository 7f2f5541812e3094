import { setTimeout } from "node:timers/promises";

/**
 * Collects all garbage on SIGUSR2, so that the memory of a process can be compared, and then
 * says so on standard output.
 */
process.on("SIGUSR2", async () => {
  // Twice: what finalizers release in between is collected too.
  for (let round = 0; round < 2; round++) {
    globalThis.gc?.();
    await setTimeout(500);
  }
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(`garbage collected, ${heapUsed + external} bytes in use\n`);
});
