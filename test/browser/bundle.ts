import { isBuiltin } from "node:module";
import { type Plugin, rolldown } from "rolldown";

const source = new URL("../../src/index.ts", import.meta.url).pathname;
const generated = new URL("../../gen/gitpod/v1/runner_service_pb.ts", import.meta.url).pathname;
const entry = "bundle-entry";

/** What an app that calls GetRunner imports: the client and the whole contract. */
const entryCode = `
  export { createRunnerClient } from ${JSON.stringify(source)};
  export * from ${JSON.stringify(generated)};
`;

/**
 * Bundles the client and the types of the contract for a browser, minified.
 *
 * Throws an Error if the bundle would import a Node.js module.
 */
export async function bundleForBrowser(): Promise<string> {
  const plugin: Plugin = {
    name: "bundle-entry",
    resolveId(id, importer) {
      if (isBuiltin(id)) {
        throw new Error(`${importer} imports ${id}, which is not available in browsers`);
      }
      return id === entry ? id : undefined;
    },
    load: (id) => (id === entry ? entryCode : undefined),
  };
  const build = await rolldown({ input: entry, platform: "browser", plugins: [plugin] });
  const { output } = await build.generate({ format: "esm", minify: true });
  await build.close();
  const [chunk, ...others] = output;
  if (others.length > 0) {
    throw new Error(
      `expected a single bundle file, but there are more: ${others.map((file) => file.fileName)}`,
    );
  }
  return chunk.code;
}
