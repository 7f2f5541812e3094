import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import {
  Http2ServerRequest,
  Http2ServerResponse,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Readable } from "node:stream";
import { resetUnreadStream } from "./unread-request.ts";

/** A request object of Node.js, over HTTP/1.1 or HTTP/2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** The response object for a {@link NodeRequest}. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** The part of a request before its body. */
export interface RequestHead {
  readonly method: string;
  /** The path, with the query if there is one. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /**
   * The host that the request is sent to, with an optional port. Undefined if it is missing or
   * ambiguous.
   */
  readonly authority: string | undefined;
}

/** A request and its response, with the same interface over HTTP/1.1 and HTTP/2. */
export abstract class Exchange implements RequestHead {
  abstract readonly method: string;
  abstract readonly url: string;
  abstract readonly headers: IncomingHttpHeaders;
  abstract readonly authority: string | undefined;
  abstract readonly httpVersionMajor: number;
  /** The body of the request. */
  abstract readonly body: Readable;
  /** Whether the caller has disconnected, or the response has been sent. */
  abstract readonly isClosed: boolean;

  /** Headers to add to the response. Names and values alternate. */
  protected extraHeaders: readonly string[] = [];

  /** Adds headers to the response, no matter how it is sent. Names and values alternate. */
  addHeaders(headers: readonly string[]): void {
    this.extraHeaders =
      this.extraHeaders.length === 0 ? headers : [...this.extraHeaders, ...headers];
  }

  /**
   * Sends a complete response with status 200. In `headers`, names and values alternate. Each
   * character of `body` is one byte (`latin1`).
   */
  respond(headers: readonly string[], body: string): void {
    this.send(this.extraHeaders.length === 0 ? headers : [...headers, ...this.extraHeaders], body);
  }

  /** Sends a response with status 500, or aborts the response that has been started. */
  fail(): void {
    const { response } = this.toNode();
    if (response.headersSent) {
      response.destroy();
    } else {
      response.statusCode = 500;
      response.end();
    }
  }

  protected abstract send(headers: readonly string[], body: string): void;

  /** Returns the request and response objects of Node.js, for responses that `respond` cannot send. */
  toNode(): { readonly request: NodeRequest; readonly response: NodeResponse } {
    const { request, response } = this.nodeObjects();
    for (let at = 0; at < this.extraHeaders.length; at += 2) {
      response.appendHeader(this.extraHeaders[at] as string, this.extraHeaders[at + 1] as string);
    }
    this.extraHeaders = [];
    return { request, response };
  }

  protected abstract nodeObjects(): { request: NodeRequest; response: NodeResponse };
}

/** An exchange over existing request and response objects of Node.js. */
export class NodeExchange extends Exchange {
  readonly #request: NodeRequest;
  readonly #response: NodeResponse;

  constructor(request: NodeRequest, response: NodeResponse) {
    super();
    this.#request = request;
    this.#response = response;
  }

  get method(): string {
    return this.#request.method ?? "";
  }

  get url(): string {
    return this.#request.url ?? "";
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  get authority(): string | undefined {
    return this.#request instanceof Http2ServerRequest
      ? authorityOf(this.#request.headers)
      : hostOf(this.#request);
  }

  get httpVersionMajor(): number {
    return this.#request.httpVersionMajor;
  }

  get body(): Readable {
    return this.#request;
  }

  get isClosed(): boolean {
    return this.#response.destroyed === true;
  }

  protected send(headers: readonly string[], body: string): void {
    // Both response classes have these methods, but their types have no common signature.
    const { writeHead, end } = this.#response as ServerResponse;
    writeHead.call(this.#response, 200, headers as string[]);
    end.call(this.#response, body, "latin1");
  }

  protected nodeObjects(): { request: NodeRequest; response: NodeResponse } {
    return { request: this.#request, response: this.#response };
  }
}

/**
 * An exchange on an HTTP/2 stream. The request and response objects of Node.js's compatibility API
 * are created only when they are needed.
 */
export class Http2Exchange extends Exchange {
  readonly body: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly #rawHeaders: readonly string[];
  #nodeObjects: { request: NodeRequest; response: NodeResponse } | undefined;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ) {
    super();
    this.body = stream;
    this.headers = headers;
    this.#rawHeaders = rawHeaders;
    this.#nodeObjects = undefined;
    // An error, such as a stream reset by the caller, also closes the stream, and other code
    // listens for that. Without this listener, the error would crash the process.
    stream.on("error", ignore);
  }

  get method(): string {
    return singleValue(this.headers[":method"]);
  }

  get url(): string {
    return singleValue(this.headers[":path"]);
  }

  get authority(): string | undefined {
    return authorityOf(this.headers);
  }

  get httpVersionMajor(): number {
    return 2;
  }

  get isClosed(): boolean {
    return this.body.destroyed || this.body.closed;
  }

  protected send(headers: readonly string[], body: string): void {
    if (this.isClosed) {
      return;
    }
    const fields: OutgoingHttpHeaders = { ":status": 200 };
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at] as string;
      const value = headers[at + 1] as string;
      const previous = fields[name];
      fields[name] = previous === undefined ? value : `${previous}, ${value}`;
    }
    this.body.respond(fields);
    this.body.end(body, "latin1");
  }

  protected nodeObjects(): { request: NodeRequest; response: NodeResponse } {
    if (this.#nodeObjects === undefined) {
      this.#nodeObjects = {
        request: new Http2ServerRequest(this.body, this.headers, {}, this.#rawHeaders),
        response: new Http2ServerResponse(this.body),
      };
      resetUnreadStream(this.body);
    }
    return this.#nodeObjects;
  }
}

function ignore(): void {}

/** Returns the host of an HTTP/1.1 request, or undefined if there are several `Host` headers. */
function hostOf({ headers, rawHeaders }: IncomingMessage): string | undefined {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    count += name.length === 4 && name.toLowerCase() === "host" ? 1 : 0;
  }
  return count > 1 ? undefined : headers.host;
}

/**
 * Returns the host of an HTTP/2 request, or undefined if its `Host` header contradicts `:authority`
 * (RFC 9113, section 8.3.1).
 */
function authorityOf(headers: IncomingHttpHeaders): string | undefined {
  const { ":authority": authority, host } = headers as Record<string, string | undefined>;
  const isAmbiguous =
    authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase();
  return isAmbiguous ? undefined : (authority ?? host);
}

function singleValue(header: string | string[] | undefined): string {
  return typeof header === "string" ? header : "";
}
