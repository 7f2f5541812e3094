import { describe, expect, test } from "vitest";
import { type FixtureError, openFileRunnerStore } from "../../src/server/index.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const id = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const documented = new URL("../documented-response.json", import.meta.url).pathname;

/** The mistakes in files, a line each, without the folder they are in. */
async function mistakesIn(files: Record<string, string | Uint8Array>): Promise<string[]> {
  const folder = makeTempFolder();
  for (const [name, content] of Object.entries(files)) {
    folder.write(name, content);
  }
  const error = await open([folder.path]).catch((reason: FixtureError) => reason);
  return error instanceof Error ? error.message.replaceAll(`${folder.path}/`, "").split("\n") : [];
}

const open = (paths: string[]) => openFileRunnerStore({ paths, watch: false });

/** A runner with these members, each in a line of its own, from the fourth line on. */
function runnerWith(...members: string[]): string {
  const lines = [`    "runnerId": "${id}"`, ...members.map((member) => `    ${member}`)];
  return `{\n  "runner": {\n${lines.join(",\n")}\n  }\n}\n`;
}

describe("a mistake in JSON is told with its place, its field and what would be right:", () => {
  test.each([
    // Names.
    ['"runerId": "x"', "4:5: runner.runerId: is no field of Runner: did you mean runnerId?"],
    ['"phase": 1', "4:5: runner.phase: is no field of Runner: it belongs in status"],
    [
      '"creator": { "zzz": 1 }',
      "4:18: runner.creator.zzz: is no field of Subject, which has id, principal",
    ],
    [
      '"creator": { "a b": 1 }',
      '4:18: runner.creator["a b"]: is no field of Subject, which has id, principal',
    ],
    [
      '"__proto__": {}',
      "4:5: runner.__proto__: is no field of Runner, which has runnerId, createdAt, updatedAt, name, spec, status, creator, kind, provider, runnerManagerId",
    ],
    ['"name": "a", "name": "b"', "4:18: runner.name: is there twice, first at 4:5: keep one"],
    ['"name": "a", "na\\u006de": "b"', "4:18: runner.name: is there twice, first at 4:5: keep one"],
    ['"runner_id": "x"', "4:5: runner.runner_id: is the same as runnerId, set at 3:5: keep one"],
    // Values.
    ['"name": 5', "4:13: runner.name: must be a string, not 5: put it in quotes"],
    ['"name": ["a"]', "4:13: runner.name: must be a string, not a list"],
    [
      '"name": "\\ud800"',
      "4:13: runner.name: must be Unicode: half of a surrogate pair stands alone",
    ],
    [
      '"spec": { "configuration": { "autoUpdate": "yes" } }',
      '4:48: runner.spec.configuration.autoUpdate: must be true or false, not "yes"',
    ],
    [
      '"spec": { "configuration": { "updateWindow": { "startHour": -1 } } }',
      "4:65: runner.spec.configuration.updateWindow.startHour: must be a whole number from 0 to 4294967295, not -1",
    ],
    [
      '"spec": { "configuration": { "updateWindow": { "startHour": 1.5 } } }',
      "4:65: runner.spec.configuration.updateWindow.startHour: must be a whole number from 0 to 4294967295, not 1.5",
    ],
    [
      '"status": { "publicKey": "x%" }',
      '4:30: runner.status.publicKey: must be bytes in base64, not "x%"',
    ],
    [
      '"createdAt": "yesterday"',
      '4:18: runner.createdAt: must be a time, like "2026-11-23T08:00:00Z", not "yesterday"',
    ],
    [
      '"status": { "gatewayInfo": { "latency": "5 min" } }',
      '4:45: runner.status.gatewayInfo.latency: must be a duration in seconds, like "1.5s", not "5 min"',
    ],
    [
      '"kind": "RUNNER_KIND_REMOT"',
      '4:13: runner.kind: is no RunnerKind: "RUNNER_KIND_REMOT"; did you mean RUNNER_KIND_REMOTE?',
    ],
    [
      '"kind": "remote"',
      '4:13: runner.kind: is no RunnerKind: "remote"; did you mean RUNNER_KIND_REMOTE?',
    ],
    [
      '"kind": "zzz"',
      '4:13: runner.kind: is no RunnerKind: "zzz"; there are RUNNER_KIND_UNSPECIFIED, RUNNER_KIND_LOCAL, RUNNER_KIND_REMOTE, RUNNER_KIND_LOCAL_CONFIGURATION',
    ],
    [
      '"kind": true',
      '4:13: runner.kind: must be the name of a RunnerKind, like "RUNNER_KIND_LOCAL", not true',
    ],
    ['"spec": "x"', "4:13: runner.spec: must be an object, not a string"],
    ['"spec": []', "4:13: runner.spec: must be an object, not a list"],
    [
      '"status": { "capabilities": "RUNNER_CAPABILITY_WARM_POOL" }',
      "4:33: runner.status.capabilities: must be a list, not a string",
    ],
    [
      '"status": { "capabilities": [1, null] }',
      '4:37: runner.status.capabilities[1]: must be the name of a RunnerCapability, like "RUNNER_CAPABILITY_FETCH_LOCAL_SCM_INTEGRATIONS", not null',
    ],
    [
      '"status": { "additionalInfo": [{ "key": "a" }, null] }',
      "4:52: runner.status.additionalInfo[1]: must be a FieldValue, not null",
    ],
    [
      '"status": { "additionalInfo": [{ "key": 1 }] }',
      "4:45: runner.status.additionalInfo[0].key: must be a string, not 1: put it in quotes",
    ],
    // Rules.
    [
      '"status": { "publicKey": "AAAA" }',
      "4:30: runner.status.publicKey: must be 32 bytes [bytes.len]",
    ],
    [
      '"status": { "public_key": "AAAA" }',
      "4:31: runner.status.publicKey: must be 32 bytes [bytes.len]",
    ],
    [
      '"spec": { "configuration": { "updateWindow": {} } }',
      "4:50: runner.spec.configuration.updateWindow.startHour: value is required [required]",
    ],
    ['"runnerManagerId": "x"', "4:24: runner.runnerManagerId: must be a valid UUID [string.uuid]"],
    // Form.
    ["\"name\": 'a'", "4:13: is no JSON: names and strings take double quotes"],
    ['name: "a"', "4:5: is no JSON: names and strings take double quotes"],
    ['"name" "a"', '4:12: must be a ":"'],
    ['"name": "a" "kind": 1', '4:17: must be a ","'],
    ['"name": "a",', '5:3: must be a name in double quotes: there is no comma before "}"'],
    ["// name", "4:5: must not be a comment: JSON has none, YAML has"],
    ['"name": "a', '4:13: must be a string that ends with a " in the same line'],
    ['"name": "a\tb"', '4:13: must be a string without control characters: write "\\t" for a tab'],
  ])("%s", async (member, mistake) => {
    expect(await mistakesIn({ "a.json": runnerWith(member) })).toContain(`a.json:${mistake}`);
  });

  test.each([
    ["", '1:1: is empty: a fixture is {"runner": {"runnerId": …}}'],
    [" \n", '1:1: is empty: a fixture is {"runner": {"runnerId": …}}'],
    ["null", '1:1: must be an object with a "runner" in it, not null'],
    ["[]", '1:1: must be an object with a "runner" in it, not a list'],
    ["{}", "1:1: runner: value is required [required]"],
    ['{"runner":null}', "1:11: runner: value is required [required]"],
    ['{"runner":"x"}', "1:11: runner: must be an object, not a string"],
    [
      '{"runner":{}}',
      "1:11: runner.runnerId: value is empty, which is not a valid UUID [string.uuid_empty]",
    ],
    ['{"runner":{"runnerId":"x"}}', "1:23: runner.runnerId: must be a valid UUID [string.uuid]"],
    [
      `{"runnerId":"${id}"}`,
      "1:2: runnerId: is no field of GetRunnerResponse: it belongs in runner",
    ],
    ['{"runner":{"name":"a"', '1:22: must be a "}": the object is not closed'],
    [
      '{"runner":{}}{}',
      "1:14: must be the end: a .json file holds one fixture, a line of .ndjson too",
    ],
    ["[".repeat(100_000), "1:1: is nested too deep: no fixture needs that"],
    [new Uint8Array([0xff, 0xfe, 0x7b, 0]), "1:1: is no UTF-8 text: save the file as UTF-8"],
    [
      Buffer.concat([Buffer.from('{\n"runner":{"name":"ü\uFFFD'), Buffer.of(0xff, 0x22)]),
      "2:21: is no UTF-8 text: save the file as UTF-8",
    ],
  ])("%j", async (content, mistake) => {
    expect(await mistakesIn({ "a.json": content })).toEqual([`a.json:${mistake}`]);
  });
});

describe("a mistake in $serve", () => {
  test.each([
    ['"$serve": 1', "1:12: $serve: must be an object, not a number"],
    ['"$serve": { "delay": "1s" }', "1:14: $serve.delay: is not known in $serve, only heartbeat"],
    [
      '"$serve": { "hartbeat": "1s" }',
      "1:14: $serve.hartbeat: is not known in $serve: did you mean heartbeat?",
    ],
    [
      '"$serve": { "heartbeat": "1s", "heartbeat": "2s" }',
      "1:33: $serve.heartbeat: is there twice: keep one",
    ],
    ['"$serve": {}, "$serve": {}', "1:16: $serve: is there twice, first at 1:2: keep one"],
    ['"serve": {}', "1:2: serve: is not known in a fixture: did you mean $serve?"],
    ...['"0s"', '"-30s"', '"30"', "30", "null"].map((value) => [
      `"$serve": { "heartbeat": ${value} }`,
      `1:27: $serve.heartbeat: must be a duration of more than 0 seconds, like "30s", not ${value}`,
    ]),
    [
      '"$serve": { "heartbeat": "30s" }',
      "1:27: $serve.heartbeat: needs a first time to count from: set runner.status.updatedAt",
    ],
  ])("%s", async (member, mistake) => {
    const content = `{${member}, "runner": { "runnerId": "${id}" } }`;
    expect(await mistakesIn({ "a.json": content })).toContain(`a.json:${mistake}`);
  });
});

describe("a mistake in YAML", () => {
  test.each([
    [
      `runner:\n  runnerId: ${id}\n  name: 12`,
      "3:9: runner.name: must be a string, not 12: put it in quotes",
    ],
    [
      `runner:\n  runnerId: ${id}\n  name: a\n  name: b`,
      "4:3: runner.name: is there twice, first at 3:3: keep one",
    ],
    [`runner:\n  runnerId: x`, "2:13: runner.runnerId: must be a valid UUID [string.uuid]"],
    [
      `runner:\n  runnerId: ${id}\n---\nrunner:\n  runnerId: x`,
      "5:13: runner.runnerId: must be a valid UUID [string.uuid]",
    ],
    [
      `runner:\n  runnerId: ${id}\n name: x`,
      "3:1: is no YAML: All mapping items must start at the same column",
    ],
    [`runner:\n\trunnerId: ${id}`, "2:1: is no YAML: Tabs are not allowed as indentation"],
    [`runner: &a\n  spec: *a`, "2:9: is an alias of nothing that is complete before it"],
    [`runner: !!runner {}`, "1:9: is no YAML: Unresolved tag"],
    ["# nothing but this\n---\n", '1:1: is empty: a fixture is {"runner": {"runnerId": …}}'],
    ["[".repeat(100_000), "1:1: is nested too deep: no fixture needs that"],
  ])("%j", async (content, mistake) => {
    expect(await mistakesIn({ "a.yaml": content })).toContain(`a.yaml:${mistake}`);
  });
});

test("secrets are not quoted, whatever is wrong with them", async () => {
  const secret = "hunter";
  const contents = [
    `{"runner":{"spec":{"configuration":{"metrics":{"password":["${secret}"]}}}}}`,
    `{"runner":{"spec":{"configuration":{"encryptedHoneycombApiKey":"${secret}%"}}}}`,
    `{"runner":{"spec":{"configuration":{"metrics":"${secret}"}}}}`,
    `{"runner":{"spec":{"configuration":{"metrics":{"password":"${secret}}}}}}`,
  ];
  for (const content of contents) {
    const mistakes = await mistakesIn({ "a.json": content, "b.yaml": content });
    expect(mistakes.length).toBeGreaterThan(1);
    expect(mistakes.join()).not.toContain(secret);
  }
});

test("all mistakes in all files are told at once, in their order", async () => {
  const mistakes = await mistakesIn({
    "a.json": `{"runner":{"runnerId":"${id}","name":1,"kind":"x","createdAt":""}}`,
    "b/c.yml": "runner: 1\n---\nrunner:\n  name: [\n",
    "d.ndjson": `\n{"runner":1}\n\n  {"runner":2}\r\n{`,
    "e.json": `{"runner":{"runnerId":"${id}","status":{"publicKey":"AA==","phase":"x"}}}`,
  });
  expect(mistakes.map((mistake) => mistake.replace(/: .*/, ""))).toEqual([
    "a.json:1:69",
    "a.json:1:78",
    "a.json:1:94",
    "b/c.yml:1:9",
    "b/c.yml:5:1",
    "d.ndjson:2:11",
    "d.ndjson:4:13",
    "d.ndjson:5:2",
    "e.json:1:84",
    "e.json:1:99",
  ]);
});

test("paths that hold no fixtures are mistakes", async () => {
  const folder = makeTempFolder();
  const paths = [`${folder.path}/none.json`, folder.write("a.txt", "{}"), "/dev/null"];
  const holdsNone =
    "holds no fixtures: give a folder, or a file ending in .json, .yaml, .yml, .ndjson";
  await expect(open(paths)).rejects.toMatchObject({
    name: "FixtureError",
    mistakes: [
      { file: paths[0], message: "does not exist" },
      { file: paths[1], message: holdsNone },
      { file: paths[2], message: holdsNone },
    ],
  });
});

describe("two fixtures with one id", () => {
  const fixture = `{"runner":{"runnerId":"${id}"}}`;

  test("in two files are a mistake that names both places", async () => {
    const other = `runner:\n  runnerId: ${id.toUpperCase()}\n`;
    expect(await mistakesIn({ "a.json": fixture, "b.yaml": other })).toEqual([
      `b.yaml:2:13: runner.runnerId: is ${id}, as at a.json:1:23: give each runner an id of its own`,
    ]);
  });

  test("in one file are one, too", async () => {
    expect(await mistakesIn({ "a.ndjson": `${fixture}\n\n ${fixture}\n` })).toEqual([
      `a.ndjson:3:24: runner.runnerId: is ${id}, as at a.ndjson:1:23: give each runner an id of its own`,
    ]);
  });

  test("are none if the file is only given twice", async () => {
    const folder = makeTempFolder();
    const file = folder.write("a.json", fixture);
    expect(await open([file, folder.path, `${folder.path}/./a.json`])).toMatchObject({ size: 1 });
  });
});

describe("the example on the API's page", () => {
  const mistakes = [
    { file: documented, line: 11, column: 17, field: "runner.runnerId", ruleId: "string.uuid" },
    {
      file: documented,
      line: 60,
      column: 20,
      field: "runner.status.publicKey",
      ruleId: "bytes.len",
    },
  ];

  test("has two mistakes", async () => {
    await expect(open([documented])).rejects.toMatchObject({ mistakes });
  });

  test("is taken by a lenient store, which warns of both", async () => {
    const events: unknown[] = [];
    const store = await openFileRunnerStore({
      paths: [documented],
      lenient: true,
      watch: false,
      onEvent: (event) => events.push(event),
    });
    expect([...store.runners()]).toMatchObject([{ runnerId: "runnerId", name: "name" }]);
    expect(store.get("runnerid")?.status?.gatewayInfo?.latency?.seconds).toBe(9125115n);
    expect(events).toMatchObject([
      { type: "loaded", runners: 1, files: 1 },
      { type: "warned", warnings: mistakes },
    ]);
  });
});

test("a lenient store takes nothing but broken rules", async () => {
  const folder = makeTempFolder();
  folder.write("a.json", '{"runner":{"runnerId":"x","name":1}}');
  folder.write("b.json", "{}");
  await expect(
    openFileRunnerStore({ paths: [folder.path], lenient: true, watch: false }),
  ).rejects.toMatchObject({
    mistakes: [{ field: "runner.runnerId" }, { field: "runner.name" }, { field: "runner" }],
  });
});
