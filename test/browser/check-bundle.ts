// Fails if the client bundle for browsers is too large. Run it with `npm run check:bundle`.
import { gzipSync } from "node:zlib";
import { bundleForBrowser } from "./bundle.ts";

/** The maximum gzipped size, in bytes. */
const limit = 40_000;

const code = await bundleForBrowser();
const size = gzipSync(code, { level: 9 }).length;
const formatKilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} KB`;
process.stdout.write(
  `client and types for browsers: ${formatKilobytes(size)} gzipped (${formatKilobytes(code.length)} minified), limit ${formatKilobytes(limit)}\n`,
);
if (size > limit) {
  process.exitCode = 1;
}
