import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";
import { isLoopback } from "./base-url.ts";

/** An HTTP proxy. */
export interface HttpProxy {
  /** The URL, without credentials. */
  readonly url: string;
  /** The value of `Proxy-Authorization`. Undefined if the URL has no credentials. */
  readonly authorization: string | undefined;
  /** The environment variable with the URL. */
  readonly variable: string;
}

/**
 * Returns the proxy for the server at `baseUrl`, or undefined if it is called directly: because it
 * is on this machine, because `NO_PROXY` matches, or because there is no proxy for its scheme.
 *
 * The variables are those of curl: `https_proxy` or `http_proxy`, by the scheme of the base URL,
 * then `all_proxy`, and `no_proxy`, each in lower or upper case. Empty variables count as not set.
 *
 * Throws an Error if the variable does not contain the URL of an HTTP proxy.
 */
export function findProxy(
  baseUrl: URL,
  env: Readonly<Record<string, string | undefined>> = process.env,
): HttpProxy | undefined {
  const read = (name: string) => env[name]?.trim() || undefined;
  const variable = [baseUrl.protocol.replace(":", "_proxy"), "all_proxy"]
    .flatMap((name) => [name, name.toUpperCase()])
    .find(read);
  const noProxy = read("no_proxy") ?? read("NO_PROXY") ?? "";
  return variable === undefined || isLoopback(baseUrl) || matchesNoProxy(noProxy, baseUrl)
    ? undefined
    : parseProxy(variable, read(variable) ?? "");
}

function parseProxy(variable: string, value: string): HttpProxy {
  const text = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // Everything before the last @ may be a password.
    const shown = JSON.stringify(value.replace(/^.*@/s, "***@"));
    throw new Error(
      `${variable} must be the URL of an HTTP proxy, such as http://proxy.example.com:3128, not ${shown}`,
    );
  }
  const { origin, username, password } = url;
  const credentials = `${decode(username)}:${decode(password)}`;
  return {
    url: origin,
    authorization:
      credentials === ":" ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`,
    variable,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that was meant as such.
    return text;
  }
}

/**
 * Returns whether `NO_PROXY` contains the host of a URL. Its entries are separated by commas or
 * spaces, and are one of
 *
 * - `*`, which matches all hosts,
 * - a domain, which matches itself and its subdomains, with or without a dot at either end, or with
 *   `*.` at the start,
 * - an IP address, or a range of them in CIDR notation; IPv6 with or without brackets.
 *
 * Domains and addresses may have a port.
 */
function matchesNoProxy(noProxy: string, { hostname, protocol, port }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const effectivePort = port || (protocol === "https:" ? "443" : "80");
  return noProxy.split(/[\s,]+/).some((entry) => {
    if (entry === "*" || matchesAddress(entry, host)) {
      return true;
    }
    const [, name = "", entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    return (
      (entryPort === undefined || Number(entryPort) === Number(effectivePort)) &&
      (matchesAddress(name, host) || matchesDomain(name, host))
    );
  });
}

function matchesAddress(entry: string, host: string): boolean {
  const [, address = "", length] = /^\[?([^\]/]*)\]?(?:\/(\d+))?$/.exec(entry) ?? [];
  const [version, hostVersion] = [isIP(address), isIP(host)];
  const maxLength = version === 6 ? 128 : 32;
  // An IPv6 address can contain an IPv4 address, but not the other way round.
  if (version === 0 || hostVersion < version || Number(length ?? 0) > maxLength) {
    return false;
  }
  const range = new BlockList();
  range.addSubnet(address, Number(length ?? maxLength), version === 6 ? "ipv6" : "ipv4");
  return range.check(host, hostVersion === 6 ? "ipv6" : "ipv4");
}

function matchesDomain(entry: string, host: string): boolean {
  // Hosts in URLs are in lower case and in ASCII.
  const domain = domainToASCII(entry.replace(/^\*?\./, "").replace(/\.$/, ""));
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}
