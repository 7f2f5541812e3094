import { defineConfig } from "rolldown";
import packageJson from "./package.json" with { type: "json" };

// Bundles runnerctl with all that it needs: one file is read in a fraction of the
// time that its hundreds take. As CommonJS, which Node.js has loaded sooner. The
// library is not bundled; tsc builds it.
export default defineConfig({
  input: "src/cli/main.ts",
  platform: "node",
  // For the oldest Node.js that the package takes.
  transform: { target: packageJson.engines.node.replace(">=", "node") },
  // Of packages that have both, the modules: the others cannot be bundled by parts.
  resolve: { mainFields: ["module", "main"] },
  // For terminals only, and it looks for files of its own.
  external: ["pino-pretty"],
  output: {
    dir: "dist/cli",
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    minify: true,
    codeSplitting: {
      // What is needed together is in one file, along with all that it imports.
      groups: [
        { name: "program", test: /\/src\/cli\/program\.ts$/, priority: 1 },
        {
          name: "runner-commands",
          test: /\/src\/cli\/commands\/(get|status|config|verify|watch|wait)\.ts$/,
        },
      ],
    },
  },
});
