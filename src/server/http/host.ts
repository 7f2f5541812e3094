import { BlockList, isIP } from "node:net";
import { memoize } from "./memoize.ts";

const loopbackAddresses = new BlockList();
loopbackAddresses.addSubnet("127.0.0.0", 8, "ipv4");
loopbackAddresses.addAddress("::1", "ipv6");

/**
 * Returns whether a host always means this machine: a loopback address, or `localhost` and names
 * under it, which never leave the machine (RFC 6761, section 6.3). `host` is written as in a URL or
 * a `Host` header, without a port.
 */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  switch (isIP(name)) {
    case 4:
      return loopbackAddresses.check(name, "ipv4");
    case 6:
      return loopbackAddresses.check(name, "ipv6");
    default:
      return /^(.+\.)?localhost\.?$/.test(name);
  }
}

/**
 * Returns a host to listen on: an IP address without brackets, or a name.
 *
 * Throws an Error if it is neither, for example because it has a port.
 */
export function parseListenHost(text: string): string {
  const name = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(name) !== 0 || (/^[\w.-]+$/.test(name) && name === text)) {
    return name;
  }
  const quoted = JSON.stringify(text);
  const port = /^(?:[^:]+|\[.*\]):(\d+)$/.exec(text)?.[1];
  throw new Error(
    port === undefined
      ? `host ${quoted} must be an IP address or a name, such as 127.0.0.1, or 0.0.0.0 for all addresses`
      : `host ${quoted} must not have a port; choose it with --port ${port}`,
  );
}

/** The host that a request is sent to. */
export interface Host {
  /** Whether the host always means this machine, see {@link isLoopback}. */
  readonly isLoopback: boolean;
}

/**
 * Creates a function that parses the host of a request, with an optional port. It returns undefined
 * if the host is missing or invalid.
 */
export function createHostParser(): (authority: string | undefined) => Host | undefined {
  return memoize((authority) => {
    if (authority === undefined || notInAuthority.test(authority)) {
      return undefined;
    }
    const url = URL.parse(`http://${authority}/`);
    return url === null ? undefined : { isLoopback: isLoopback(url.hostname) };
  });
}

/** Characters that end the host in a URL, or that the URL parser drops. A host has none of them. */
const notInAuthority = /[/?#@\\\s]/;
