// Fails when the client has become too large for a browser. Run it as `npm run check:bundle`.
import { gzipSync } from "node:zlib";
import { bundleForBrowser } from "./bundle.ts";

const limit = 40_000;

const code = await bundleForBrowser();
const size = gzipSync(code, { level: 9 }).length;
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} KB`;
process.stdout.write(
  `client and types for a browser: ${kilobytes(size)} gzipped (${kilobytes(code.length)} minified), at most ${kilobytes(limit)}\n`,
);
if (size > limit) {
  process.exitCode = 1;
}
