import { fileURLToPath } from "node:url";

/**
 * Returns the folder of the sample runners. It is in the package, as far from the bundle in
 * `dist/cli` as from this file.
 */
export function sampleRunnersFolder(): string {
  return fileURLToPath(new URL("../../examples/runners", import.meta.url));
}
