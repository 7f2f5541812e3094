import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import {
  type GetRunnerResponse,
  GetRunnerResponseSchema,
} from "../gen/gitpod/v1/runner_service_pb.ts";
import { openFileRunnerStore } from "../src/fixture/file-runner-store.ts";

/** The bearer token of all calls. */
export const token = "bench-token-0123456789abcdef0123456789";

/** The fixture that all calls get: an AWS runner with every field set. */
export const sampleFile = join(
  import.meta.dirname,
  "../examples/runners/aws-enterprise-active.json",
);

/** The id of the runner in {@link sampleFile}. */
export const sampleId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

/** The fixed clock of the servers: the sample has a heartbeat, and its bytes must stay the same. */
export const now = () => new Date(Date.UTC(2027, 0, 1));

/** Returns the response that every server must give for {@link sampleId}. */
export async function expectedResponse(): Promise<GetRunnerResponse> {
  const store = await openFileRunnerStore({ paths: [sampleFile], watch: false, now });
  const runner = store.get(sampleId);
  if (runner === undefined) {
    throw new Error(`${sampleFile} does not contain the runner ${sampleId}`);
  }
  return create(GetRunnerResponseSchema, { runner });
}

/** Returns the id of one of many runners. It only depends on the index; index 0 is the sample. */
export function manyId(index: number): string {
  if (index === 0) {
    return sampleId;
  }
  const hex = createHash("sha256").update(String(index)).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
}

/** Generates the lines of an NDJSON file: `count` copies of the sample that differ in their id. */
export async function* manyLines(count: number): AsyncGenerator<string> {
  const line = `${JSON.stringify(JSON.parse(await readFile(sampleFile, "utf8")))}\n`;
  for (let index = 0; index < count; index++) {
    yield line.replace(sampleId, manyId(index));
  }
}
