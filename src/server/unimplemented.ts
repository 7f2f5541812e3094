import { Code, ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import type { NodeRequest, NodeResponse } from "./http/exchange.ts";

/** Matches the content types of gRPC and gRPC-Web, with any message format. */
const contentTypePattern = /^application\/grpc(-web(?:-text)?)?(?:[+;]|$)/i;

/**
 * Responds with `unimplemented` to a gRPC or gRPC-Web call of a method that does not exist. Returns
 * false for every other request; a Connect client understands 404.
 */
export function respondUnimplemented(
  path: string,
  { headers }: NodeRequest,
  response: NodeResponse,
): boolean {
  const [match, variant = ""] = contentTypePattern.exec(headers["content-type"] ?? "") ?? [];
  if (match === undefined) {
    return false;
  }
  const trailer = setTrailerStatus(
    new Headers(),
    new ConnectError(`unknown method ${path}`, Code.Unimplemented),
  );
  response.setHeader("Content-Type", `application/grpc${variant.toLowerCase()}`);
  if (variant === "") {
    for (const [name, value] of trailer) {
      response.setHeader(name, value);
    }
    response.end();
  } else {
    const body = Buffer.from(encodeEnvelope(trailerFlag, trailerSerialize(trailer)));
    response.end(variant.toLowerCase() === "-web" ? body : body.toString("base64"));
  }
  return true;
}
