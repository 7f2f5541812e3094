import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { GetRunnerResponseSchema, type Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";

/** The formats in which messages go over the wire, and the names under which they can be compressed. */
export type WireFormat = "json" | "proto";
export type WireCompression = "identity" | "gzip" | "br";

/**
 * One version of a runner, and the bytes of the GetRunnerResponse that carries
 * it. Each encoding is made when it is first asked for, and kept.
 */
export interface EncodedRunner {
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
  const made: { [key in `${WireFormat} ${WireCompression}`]?: string } = {};
  return {
    runner,
    encode(format, compression) {
      const key = `${format} ${compression}` as const;
      made[key] ??= compress(encodeResponse(runner, format), compression).toString("latin1");
      return made[key];
    },
  };
}

function encodeResponse(runner: Runner, format: WireFormat): Buffer {
  const response = create(GetRunnerResponseSchema, { runner });
  return Buffer.from(
    format === "json"
      ? toJsonString(GetRunnerResponseSchema, response)
      : toBinary(GetRunnerResponseSchema, response),
  );
}

function compress(bytes: Buffer, compression: WireCompression): Buffer {
  switch (compression) {
    case "gzip":
      return gzipSync(bytes);
    case "br":
      // The best quality takes milliseconds, for a few bytes less.
      return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
    case "identity":
      return bytes;
  }
}
