import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import {
  Http2ServerRequest,
  Http2ServerResponse,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Readable } from "node:stream";

/** A request as Node.js gives it, over HTTP/1.1 or HTTP/2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** The response to a {@link NodeRequest}. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** What a request says before its body. */
export interface RequestHead {
  readonly method: string;
  /** The path, and the query if there is one. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The host that the request is for, possibly with a port. */
  readonly authority: string | undefined;
}

/** A request and the answer to it, the same over HTTP/1.1 and HTTP/2. */
export abstract class Exchange implements RequestHead {
  abstract readonly method: string;
  abstract readonly url: string;
  abstract readonly headers: IncomingHttpHeaders;
  abstract readonly authority: string | undefined;
  abstract readonly httpVersionMajor: number;
  /** Where the body of the request comes from. */
  abstract readonly body: Readable;
  /** Whether the caller is gone, or has been answered. */
  abstract readonly isOver: boolean;

  /** Headers of the answer, whoever gives it: names and values in turn. */
  protected added: readonly string[] = [];

  /** Adds headers to the answer, whoever gives it: names and values in turn. */
  addHeaders(headers: readonly string[]): void {
    this.added = this.added.length === 0 ? headers : [...this.added, ...headers];
  }

  /**
   * Answers with success and all at once. `headers` are names and values in turn, and of `body` each
   * character is one byte (`latin1`).
   */
  respond(headers: readonly string[], body: string): void {
    this.write(this.added.length === 0 ? headers : [...headers, ...this.added], body);
  }

  protected abstract write(headers: readonly string[], body: string): void;

  /** Returns the request and the response as Node.js has them, for whoever answers in another way. */
  toNode(): { readonly request: NodeRequest; readonly response: NodeResponse } {
    const { request, response } = this.node();
    for (let at = 0; at < this.added.length; at += 2) {
      response.appendHeader(this.added[at] as string, this.added[at + 1] as string);
    }
    this.added = [];
    return { request, response };
  }

  protected abstract node(): { request: NodeRequest; response: NodeResponse };
}

/** An exchange whose request and response are there already. */
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
    return "authority" in this.#request ? this.#request.authority : this.#request.headers.host;
  }

  get httpVersionMajor(): number {
    return this.#request.httpVersionMajor;
  }

  get body(): Readable {
    return this.#request;
  }

  get isOver(): boolean {
    return this.#response.destroyed === true;
  }

  protected write(headers: readonly string[], body: string): void {
    // The types of HTTP/2's response lack nothing but the common ground.
    const { writeHead, end } = this.#response as ServerResponse;
    writeHead.call(this.#response, 200, headers as string[]);
    end.call(this.#response, body, "latin1");
  }

  protected node(): { request: NodeRequest; response: NodeResponse } {
    return { request: this.#request, response: this.#response };
  }
}

/**
 * An exchange on a stream of HTTP/2. The request and the response that Node.js makes of a stream, to
 * look like those of HTTP/1.1, are made only for those who need them.
 */
export class Http2Exchange extends Exchange {
  readonly body: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly #rawHeaders: readonly string[];
  #node: { request: NodeRequest; response: NodeResponse } | undefined;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ) {
    super();
    this.body = stream;
    this.headers = headers;
    this.#rawHeaders = rawHeaders;
    this.#node = undefined;
    // An error, such as that the caller resets the stream, also closes it, and
    // that is what others listen for. It would end the process if nobody did.
    stream.on("error", ignore);
  }

  get method(): string {
    return textOf(this.headers[":method"]);
  }

  get url(): string {
    return textOf(this.headers[":path"]);
  }

  get authority(): string | undefined {
    return (this.headers[":authority"] as string | undefined) ?? this.headers.host;
  }

  get httpVersionMajor(): number {
    return 2;
  }

  get isOver(): boolean {
    return this.body.destroyed;
  }

  protected write(headers: readonly string[], body: string): void {
    if (this.body.destroyed) {
      return;
    }
    const fields: OutgoingHttpHeaders = { ":status": 200 };
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at] as string;
      const value = headers[at + 1] as string;
      const before = fields[name];
      fields[name] = before === undefined ? value : `${before}, ${value}`;
    }
    this.body.respond(fields);
    this.body.end(body, "latin1");
  }

  protected node(): { request: NodeRequest; response: NodeResponse } {
    this.#node ??= {
      request: new Http2ServerRequest(this.body, this.headers, {}, this.#rawHeaders),
      response: new Http2ServerResponse(this.body),
    };
    return this.#node;
  }
}

function ignore(): void {}

function textOf(header: string | string[] | undefined): string {
  return typeof header === "string" ? header : "";
}
