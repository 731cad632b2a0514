/** Formats `host:port`; an IPv6 address gets brackets. */
import { networkInterfaces } from "node:os";
import { encode, quote } from "../../base/bytes/ascii.ts";

export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Splits `host`, `host:port` or `[address]:port`.
 * @param portInitial the port to use when the text has none, or 0 or -1
 * @throws Error with the reference's text
 */
export function parseHostPort(text: string, portInitial: number): [host: string, port: number] {
  const hasPort = text.lastIndexOf(":") > text.lastIndexOf("]") && text.includes(":");
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(hasPort ? text : `${text}:${portInitial}`);
  if (match === null) throw new Error(`address ${text}: ${text.includes("[") ? "missing ']' in address" : "too many colons in address"}`);
  const digits = match[3].trim();
  if (!/^[+-]?\d+$/.test(digits)) throw new Error(`strconv.Atoi: parsing ${quote(encode(digits))}: invalid syntax`);
  const port = Number(digits);
  return [(match[1] ?? match[2]).trim(), port === 0 || port === -1 ? portInitial : port];
}

export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

/**
 * Hosts under which a listener can be reached: its own, or all addresses of this machine when it listens on all. None when the system does
 * not tell them, for example to a service that may not open a netlink socket; the reference goes on without them too.
 * @param interfaces throws when the system refuses
 */
export function reachableHosts(host: string, interfaces = networkInterfaces): string[] {
  if (!isWildcard(host)) return [host];
  try {
    return Object.values(interfaces()).flatMap(addresses => (addresses ?? []).map(({ address }) => address));
  } catch {
    return [];
  }
}

/**
 * Binds the address that the reference binds for this host: a name at its IPv4 address; `0.0.0.0` at all addresses, including IPv6 if the
 * machine supports it.
 * @param bind called with the address to listen on; throws when it cannot
 */
export function bindHost<T>(host: string, bind: (address: string) => T): T {
  if (host !== "0.0.0.0") return bind(addressOf(host));
  try {
    return bind("::");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE" || code === "EACCES") throw error;
    return bind(host);
  }
}

/** The address that a listener with this host binds. */
export function addressOf(host: string): string {
  return /^[\d.]*$|:/.test(host) ? host : listenAddressModule().listenAddress(host);
}

/** Loaded only for names, as a default start does without it (bench/start.ts). */
function listenAddressModule(): typeof import("./listen-address.ts") {
  return require("./listen-address.ts");
}
