import { BlockList, isIP } from "node:net";

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

/** The host of an authority, as `Host` and `:authority` have it: without its port. */
export function hostOf(authority: string): string {
  return authority.replace(/:\d*$/, "");
}
