import {
  clone,
  create,
  equals,
  type JsonValue,
  toBinary,
  toJson,
  toJsonString,
} from "@bufbuild/protobuf";

import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type GetRunnerResponse,
  GetRunnerResponseSchema,
  RunnerStatusSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { openFileRunnerStore } from "../../src/server/index.ts";
import { responses } from "../support/arbitrary-response.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const bytesOf = (text: string | Uint8Array) => Buffer.from(text).toString("latin1");

/** The ways in which a file may say the same. */
const spellings: Record<string, (message: GetRunnerResponse) => { name: string; text: string }> = {
  "as the runtime writes it": (message) => ({
    name: "a.ndjson",
    text: toJsonString(GetRunnerResponseSchema, message),
  }),
  "in other words": (message) => {
    const json = toJson(GetRunnerResponseSchema, message, {
      alwaysEmitImplicit: true,
      useProtoFieldName: true,
    });
    const text = JSON.stringify(backwards(json), null, 1);
    return { name: "a.json", text: text.replace(/("latency": ")(?=\d)/, "$1+") };
  },
};

/** The same with the members of its objects in the opposite order. */
function backwards(json: JsonValue): JsonValue {
  if (Array.isArray(json)) {
    return json.map(backwards);
  }
  return typeof json === "object" && json !== null
    ? Object.fromEntries(
        Object.entries(json)
          .reverse()
          .map(([name, value]) => [name, backwards(value)]),
      )
    : json;
}

function expectBytes(
  served: ReturnType<Awaited<ReturnType<typeof openFileRunnerStore>>["peek"]>,
  message: GetRunnerResponse,
): void {
  expect(served?.encode("json", "identity")).toBe(
    bytesOf(toJsonString(GetRunnerResponseSchema, message)),
  );
  expect(served?.encode("proto", "identity")).toBe(
    bytesOf(toBinary(GetRunnerResponseSchema, message)),
  );
  const response = create(GetRunnerResponseSchema, { runner: served?.runner as never });
  expect(equals(GetRunnerResponseSchema, response, message)).toBe(true);
}

describe.each(Object.entries(spellings))("a runner in a file, %s,", (_, spell) => {
  test("is served as the runtime writes it", async (context) => {
    const folder = makeTempFolder(context);
    const check = async (message: GetRunnerResponse) => {
      const { name, text } = spell(message);
      const store = await openFileRunnerStore({ paths: [folder.write(name, text)], watch: false });
      expectBytes(store.peek(message.runner?.runnerId ?? ""), message);
    };
    await fc.assert(fc.asyncProperty(responses, check));
  });

  test("is served so with its heartbeat, too", async (context) => {
    const folder = makeTempFolder(context);
    const first = new Date("2026-01-01T00:00:00.250Z");
    let now = first;
    const check = async (original: GetRunnerResponse) => {
      const message = clone(GetRunnerResponseSchema, original);
      const runner = message.runner as NonNullable<typeof message.runner>;
      runner.status ??= create(RunnerStatusSchema);
      runner.status.updatedAt = timestampFromDate(first);
      const { name, text } = spell(message);
      const path = folder.write(name, `{"$serve":{"heartbeat":"1.5s"},${text.slice(1)}`);
      const store = await openFileRunnerStore({ paths: [path], watch: false, now: () => now });
      for (const [passed, beats] of [
        [0, 0],
        [1499, 0],
        [1500, 1],
        [4499, 2],
        [-1, 0],
      ] as const) {
        now = new Date(first.getTime() + passed);
        runner.status.updatedAt = timestampFromDate(new Date(first.getTime() + beats * 1500));
        expectBytes(store.peek(runner.runnerId), message);
      }
    };
    await fc.assert(fc.asyncProperty(responses, check));
  });
});
