import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { brotliOptions } from "../store/encoded-runner.ts";

const compressBrotli = promisify(brotliCompress);

/** The compressions that Connect's handlers support. They send the same bytes as the fast path. */
export const compressions: Compression[] = [
  compressionGzip,
  {
    ...compressionBrotli,
    compress: async (bytes: Uint8Array) =>
      new Uint8Array(await compressBrotli(bytes, brotliOptions)),
  },
].map(withInvalidArgument);

/** Wraps a compression so that it reports malformed data as invalid_argument, whatever the cause. */
function withInvalidArgument(compression: Compression): Compression {
  return {
    ...compression,
    decompress: async (bytes, maxBytes) => {
      try {
        return await compression.decompress(bytes, maxBytes);
      } catch (error) {
        const { code, rawMessage } = ConnectError.from(error);
        throw code === Code.ResourceExhausted
          ? error
          : new ConnectError(rawMessage, Code.InvalidArgument, undefined, [], error);
      }
    },
  };
}
