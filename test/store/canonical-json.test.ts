import { equals, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { GetRunnerResponseSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { messageFromCanonicalJson } from "../../src/store/canonical-json.ts";
import { responses } from "../support/arbitrary-response.ts";

test("what the runtime writes is read, and is what was written", () => {
  fc.assert(
    fc.property(responses, (message) => {
      const read = messageFromCanonicalJson(
        GetRunnerResponseSchema,
        toJson(GetRunnerResponseSchema, message),
      );
      expect(read && equals(GetRunnerResponseSchema, read, message)).toBe(true);
    }),
  );
});

test("what the runtime would not write is not read", () => {
  // Values that look like others, or mean nothing.
  const others = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<JsonValue>(
      ...[null, "", 0, 1, -1, 1.5, 2 ** 32, true, false, [], {}, "0", "AA", "AA==", "A_==", "AB=="],
      ...[
        "\ud800",
        "1s",
        "1.0s",
        "+1s",
        "0s",
        "-0.5s",
        "RUNNER_KIND_UNSPECIFIED",
        "RUNNER_KIND_LOCAL",
      ],
      ...["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.10Z", "2026-01-01T01:00:00+01:00"],
      ...["2026-02-30T00:00:00Z", "0000-12-31T23:59:59Z", "+010000-01-01T00:00:00Z"],
      ...["2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-01-31T00:00:00.120Z"],
      ...["2026-01-01T00:00:00.000Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:00"],
    ),
  );
  const names = fc.constantFrom("runner_id", "name", "createdAt", "kind", "__proto__", "future");
  const changes = fc.record({ at: fc.nat(), value: others, name: fc.option(names) });
  fc.assert(
    fc.property(responses, changes, (message, { at, value, name }) => {
      const json = toJson(GetRunnerResponseSchema, message);
      const places = placesIn(json);
      const [owner, key] = places[at % places.length] as [object, string];
      // Unlike an assignment, this makes a member of "__proto__", as JSON.parse does.
      Object.defineProperty(owner, name ?? key, { value, enumerable: true });
      const read = messageFromCanonicalJson(GetRunnerResponseSchema, json);
      if (read !== undefined) {
        const again = toJson(GetRunnerResponseSchema, read);
        expect(JSON.stringify(again)).toBe(JSON.stringify(json));
        const expected = fromJson(GetRunnerResponseSchema, json);
        expect(equals(GetRunnerResponseSchema, read, expected)).toBe(true);
      }
    }),
    { numRuns: 6000 },
  );
});

/** Everything in JSON, as what it is in and by which name. */
function placesIn(json: JsonValue): [object, string][] {
  return typeof json === "object" && json !== null
    ? Object.entries(json).flatMap(([key, value]) => [
        [json, key] as [object, string],
        ...placesIn(value),
      ])
    : [];
}
