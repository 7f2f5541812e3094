import { type BrotliOptions, brotliCompressSync, constants, gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { GetRunnerResponseSchema, type Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson, unknownJson } from "../runner/runner-json.ts";
import type { EncodedText } from "./text-arena.ts";

/** A wire format of messages: Protobuf JSON or binary Protobuf. */
export type WireFormat = "json" | "proto";

/** A compression of messages, by its name in the HTTP header `Content-Encoding`. */
export type WireCompression = "identity" | "gzip" | "br";

/**
 * One version of a runner, and the encoded GetRunnerResponse that contains it.
 *
 * Each encoding is created on first use and cached.
 */
export interface EncodedRunner {
  /** The id of the runner, in lower case. */
  readonly runnerId: string;
  /**
   * The runner as a message, which must not be modified.
   *
   * It may be garbage-collected when nothing else references it, and is then decoded again.
   */
  readonly runner: Runner;
  /**
   * Returns the encoded response as a `latin1` string, in which each character is one byte.
   *
   * Node.js writes such a string in one chunk with the headers, which it does not do with a Buffer.
   */
  encode(format: WireFormat, compression: WireCompression): string;
}

/** Creates the {@link EncodedRunner} of a runner, which must not be modified afterwards. */
export function encodeRunner(runner: Runner): EncodedRunner {
  return new LazyEncodedRunner(runner.runnerId.toLowerCase(), undefined, { deref: () => runner });
}

/**
 * Creates an {@link EncodedRunner} from a runner id in lower case and the JSON that
 * {@link runnerToJson} returns. It holds on to the JSON only: the message takes more memory.
 *
 * The JSON may also have fields and enum values that only a newer version of the contract defines.
 * They are served in JSON as they are. Binary cannot carry them; see `unknownJson` for the message.
 */
export function encodedRunnerFromJson(runnerId: string, json: EncodedText): EncodedRunner {
  return new LazyEncodedRunner(runnerId, json, undefined);
}

/** Returns the JSON of the GetRunnerResponse that contains the runner, exactly as on the wire. */
export function runnerToJson(runner: Runner): string {
  return toJsonString(GetRunnerResponseSchema, create(GetRunnerResponseSchema, { runner }));
}

const undecodedJson = new WeakMap<Runner, EncodedText>();

/**
 * Returns the encoded GetRunnerResponse from which an {@link EncodedRunner} decoded this message, in
 * JSON, if the message does not hold all of it. Returns undefined for all other messages.
 */
export function findUndecodedJson(runner: Runner): Buffer | undefined {
  const json = undecodedJson.get(runner);
  return json && Buffer.from(json.toString(), "latin1");
}

// A class, because there may be very many instances: they share its methods.
class LazyEncodedRunner implements EncodedRunner {
  readonly runnerId: string;
  #json: EncodedText | undefined;
  #runner: Pick<WeakRef<Runner>, "deref"> | undefined;
  /** All encodings except uncompressed JSON. */
  #otherEncodings: Map<string, string> | undefined;

  constructor(
    runnerId: string,
    json: EncodedText | undefined,
    runner: Pick<WeakRef<Runner>, "deref"> | undefined,
  ) {
    this.runnerId = runnerId;
    this.#json = json;
    this.#runner = runner;
    this.#otherEncodings = undefined;
  }

  get runner(): Runner {
    let runner = this.#runner?.deref();
    if (runner === undefined) {
      const json = Buffer.from(this.encode("json", "identity"), "latin1").toString();
      const response = runnerFromJson(JSON.parse(json), { ignoreUnknownFields: true });
      runner = response.runner as Runner;
      if (unknownJson(response) !== undefined && this.#json !== undefined) {
        undecodedJson.set(runner, this.#json);
      }
      this.#runner = new WeakRef(runner);
    }
    return runner;
  }

  encode(format: WireFormat, compression: WireCompression): string {
    if (format === "json" && compression === "identity") {
      this.#json ??= Buffer.from(runnerToJson(this.runner)).toString("latin1");
      return this.#json.toString();
    }
    this.#otherEncodings ??= new Map();
    const key = `${format} ${compression}`;
    let bytes = this.#otherEncodings.get(key);
    if (bytes === undefined) {
      bytes = this.#createEncoding(format, compression).toString("latin1");
      this.#otherEncodings.set(key, bytes);
    }
    return bytes;
  }

  #createEncoding(format: WireFormat, compression: WireCompression): Buffer {
    if (compression !== "identity") {
      return compress(Buffer.from(this.encode(format, "identity"), "latin1"), compression);
    }
    const response = create(GetRunnerResponseSchema, { runner: this.runner });
    return Buffer.from(toBinary(GetRunnerResponseSchema, response));
  }
}

/**
 * How responses are compressed with Brotli. The default quality, the highest, takes milliseconds and
 * saves only a few bytes.
 */
export const brotliOptions: BrotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

function compress(bytes: Buffer, compression: "gzip" | "br"): Buffer {
  return compression === "gzip" ? gzipSync(bytes) : brotliCompressSync(bytes, brotliOptions);
}
