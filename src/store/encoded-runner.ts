import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { GetRunnerResponseSchema, type Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson } from "../runner/runner-json.ts";
import type { EncodedText } from "./text-arena.ts";

/** The formats in which messages go over the wire, and the names under which they can be compressed. */
export type WireFormat = "json" | "proto";
export type WireCompression = "identity" | "gzip" | "br";

/**
 * One version of a runner, and the bytes of the GetRunnerResponse that carries
 * it. Each encoding is made when it is first asked for, and kept.
 */
export interface EncodedRunner {
  /** The id of the runner, in lower case. */
  readonly runnerId: string;
  /** The runner, which must not be changed. As long as anybody has it, it is the same message. */
  readonly runner: Runner;
  /**
   * Returns the bytes of the response, as a string in which each character is one
   * byte (`latin1`): Node.js writes that together with the headers, in one piece,
   * which it does not do with a Buffer.
   */
  encode(format: WireFormat, compression: WireCompression): string;
}

/** Creates the {@link EncodedRunner} of a runner, which must not be changed from then on. */
export function encodeRunner(runner: Runner): EncodedRunner {
  return new RunnerEncodings(runner.runnerId.toLowerCase(), undefined, { deref: () => runner });
}

/**
 * Creates the {@link EncodedRunner} of a runner, with its id in lower case, from JSON as
 * {@link runnerToJson} writes it. It keeps the JSON and not the message, which takes more memory.
 */
export function encodedRunnerFromJson(runnerId: string, json: EncodedText): EncodedRunner {
  return new RunnerEncodings(runnerId, json, undefined);
}

/** The JSON of the response that carries a runner, as it goes over the wire. */
export function runnerToJson(runner: Runner): string {
  return toJsonString(GetRunnerResponseSchema, create(GetRunnerResponseSchema, { runner }));
}

// A class, for there may be very many: what they share is there once.
class RunnerEncodings implements EncodedRunner {
  readonly runnerId: string;
  #json: EncodedText | undefined;
  #runner: Pick<WeakRef<Runner>, "deref"> | undefined;
  /** What is neither of the two: binary, and all that is compressed. */
  #others: Map<string, string> | undefined;

  constructor(
    runnerId: string,
    json: EncodedText | undefined,
    runner: Pick<WeakRef<Runner>, "deref"> | undefined,
  ) {
    this.runnerId = runnerId;
    this.#json = json;
    this.#runner = runner;
    this.#others = undefined;
  }

  get runner(): Runner {
    let runner = this.#runner?.deref();
    if (runner === undefined) {
      const json = Buffer.from(this.encode("json", "identity"), "latin1").toString();
      runner = runnerFromJson(JSON.parse(json)).runner as Runner;
      this.#runner = new WeakRef(runner);
    }
    return runner;
  }

  encode(format: WireFormat, compression: WireCompression): string {
    if (format === "json" && compression === "identity") {
      this.#json ??= Buffer.from(runnerToJson(this.runner)).toString("latin1");
      return this.#json.toString();
    }
    this.#others ??= new Map();
    const name = `${format} ${compression}`;
    let bytes = this.#others.get(name);
    if (bytes === undefined) {
      bytes = this.#make(format, compression).toString("latin1");
      this.#others.set(name, bytes);
    }
    return bytes;
  }

  #make(format: WireFormat, compression: WireCompression): Buffer {
    if (compression !== "identity") {
      return compress(Buffer.from(this.encode(format, "identity"), "latin1"), compression);
    }
    const response = create(GetRunnerResponseSchema, { runner: this.runner });
    return Buffer.from(toBinary(GetRunnerResponseSchema, response));
  }
}

function compress(bytes: Buffer, compression: "gzip" | "br"): Buffer {
  return compression === "gzip"
    ? gzipSync(bytes)
    : // The best quality takes milliseconds, for a few bytes less.
      brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
}
