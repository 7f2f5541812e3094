import { BlockList, isIP } from "node:net";
import { memoize } from "./memoize.ts";

const addresses = new BlockList();
addresses.addSubnet("127.0.0.0", 8, "ipv4");
addresses.addAddress("::1", "ipv6");

/**
 * Whether a host, as it stands in a URL or in a `Host` header without its port,
 * is this machine for sure: `localhost` and names below it, which never leave
 * the machine (RFC 6761, section 6.3), and the loopback addresses.
 */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  switch (isIP(name)) {
    case 4:
      return addresses.check(name, "ipv4");
    case 6:
      return addresses.check(name, "ipv6");
    default:
      return /^(.+\.)?localhost\.?$/.test(name);
  }
}

/** The host that a request is for. */
export interface Host {
  /** Whether it is this machine for sure, see {@link isLoopback}. */
  readonly isLoopback: boolean;
}

/**
 * Creates a function that reads the host that a request is for, possibly with a port. It returns
 * undefined when the request names none, or nonsense.
 */
export function createHostParser(): (authority: string | undefined) => Host | undefined {
  return memoize((authority) =>
    authority !== undefined && URL.canParse(`http://${authority}`)
      ? { isLoopback: isLoopback(authority.replace(/:\d*$/, "")) }
      : undefined,
  );
}
