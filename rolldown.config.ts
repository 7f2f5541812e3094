import { defineConfig } from "rolldown";
import packageJson from "./package.json" with { type: "json" };

// Bundles runnerctl with its dependencies, because one file loads in a fraction of
// the time of hundreds. The format is CommonJS, which Node.js loads faster than ESM.
// The library is not bundled; tsc builds it.
export default defineConfig({
  input: "src/cli/main.ts",
  platform: "node",
  // The oldest Node.js version that the package supports.
  transform: { target: packageJson.engines.node.replace(">=", "node") },
  // Prefer ESM over CommonJS, which cannot be tree-shaken.
  resolve: { mainFields: ["module", "main"] },
  // Only used on terminals, and it loads files from its own folder at run time.
  external: ["pino-pretty"],
  output: {
    dir: "dist/cli",
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    minify: true,
    codeSplitting: {
      // Modules that are needed together go into one file, with all their imports. What only some
      // commands need is in files of its own, so that the most frequent ones start fast.
      groups: [
        { name: "program", test: /\/src\/cli\/program\.ts$/, priority: 1 },
        {
          name: "runner-commands",
          test: /\/src\/cli\/commands\/(?!serve|completion|watch|wait|version)[^/]+\.ts$/,
        },
      ],
    },
  },
});
