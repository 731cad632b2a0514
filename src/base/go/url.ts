/**
 * Parses URLs by Go's rules, which are neither those of browsers nor of RFC 3986: nearly any text is a valid path. Error texts are Go's; they
 * appear in validation results of claims.
 * Source: net/url (behaviour).
 */

import { ipBytes } from "./address.ts";
import { quoted } from "./strconv.ts";

export interface GoUrl {
  /** Lower case; empty: none. */
  readonly scheme: string;
  readonly hasUser: boolean;
  /** Without brackets and port. */
  readonly hostname: string;
  /** As written. */
  readonly path: string;
}

/** Why a text is not a URL. */
class Fault {
  constructor(readonly text: string) {}
}

/** @returns the URL, or the text of Go's error */
export function parseGoUrl(text: string): GoUrl | string {
  const hash = text.indexOf("#");
  const rest = hash === -1 ? text : text.slice(0, hash);
  const url = parse(rest);
  if (url instanceof Fault) return `parse ${quoted(rest)}: ${url.text}`;
  const fragment = hash === -1 ? null : escapeFault(text.slice(hash + 1));
  return fragment === null ? url : `parse ${quoted(text)}: ${fragment.text}`;
}

function parse(text: string): GoUrl | Fault {
  if (hasControl(text)) return new Fault("net/url: invalid control character in URL");
  if (text.startsWith(":")) return new Fault("missing protocol scheme");
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? "";
  const behind = scheme === "" ? text : text.slice(scheme.length + 1);
  const rest = behind.split("?", 1)[0];
  const none = { scheme: scheme.toLowerCase(), hasUser: false, hostname: "", path: "" };
  if (!rest.startsWith("/")) {
    if (scheme !== "") return none; // mailto:a@example.com
    if (rest.split("/", 1)[0].includes(":")) return new Fault("first path segment in URL cannot contain colon");
  }
  if (!rest.startsWith("//") || (scheme === "" && rest.startsWith("///"))) return escapeFault(rest) ?? { ...none, path: rest };
  const slash = rest.indexOf("/", 2);
  const authority = parseAuthority(none.scheme, slash === -1 ? rest.slice(2) : rest.slice(2, slash));
  if (authority instanceof Fault) return authority;
  const path = slash === -1 ? "" : rest.slice(slash);
  return escapeFault(path) ?? { ...none, ...authority, path };
}

/** Whether there are ASCII control characters; those above U+007F are allowed. */
function hasControl(text: string): boolean {
  return [...text].some(character => character < " " || character === "\x7f");
}

function parseAuthority(scheme: string, authority: string): { hasUser: boolean; hostname: string } | Fault {
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1);
  const fault = hostFault(scheme, host);
  if (fault !== null) return fault;
  if (at === -1) return { hasUser: false, hostname: hostnameOf(host) };
  const user = authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) return new Fault("net/url: invalid userinfo");
  return escapeFault(user) ?? { hasUser: true, hostname: hostnameOf(host) };
}

function hostnameOf(host: string): string {
  const name = host.replace(/:\d*$/, "");
  return name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name;
}

const PORT = /^(?::\d*)?$/;

function hostFault(scheme: string, host: string): Fault | null {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) return new Fault("invalid IP-literal");
  if (bracket === 0) return literalFault(host);
  const strict = scheme === "http" || scheme === "https";
  const colon = strict ? host.indexOf(":") : host.lastIndexOf(":");
  if (colon !== -1 && !PORT.test(host.slice(colon))) return new Fault(`invalid port ${quoted(host.slice(colon))} after host`);
  return escapeFault(host, true);
}

/** `[::1]:4222`, `[fe80::1%25en0]` */
function literalFault(host: string): Fault | null {
  const end = host.lastIndexOf("]");
  if (end === -1) return new Fault("missing ']' in host");
  const port = host.slice(end + 1);
  if (!PORT.test(port)) return new Fault(`invalid port ${quoted(port)} after host`);
  const [address, ...zone] = host.slice(1, end).split("%25");
  const fault = escapeFault(address, true) ?? escapeFault(zone.join(""));
  if (fault !== null) return fault;
  if (/^[\d.]+$/.test(address) && ipBytes(address) !== null) return new Fault("invalid IP-literal");
  const full = [address, ...zone].join("%");
  return ipBytes(address) === null ? new Fault(`invalid host: ParseAddr(${quoted(full)}): unable to parse IP`) : null;
}

/** Reports the first `%` that is not an escape, and in a host the first character that is not allowed. */
function escapeFault(text: string, isHost = false): Fault | null {
  for (const match of text.matchAll(isHost ? /%|[ #/?@\\^`{|}]/g : /%/g)) {
    if (match[0] !== "%") return new Fault(`invalid character ${quoted(match[0])} in host name`);
    const escaped = text.slice(match.index, match.index + 3);
    const isAscii = isHost && /^%[0-7]/.test(escaped) && escaped !== "%25"; // in a host only non-ASCII bytes may be escaped
    if (!/^%[0-9a-fA-F]{2}$/.test(escaped) || isAscii) return new Fault(`invalid URL escape ${quoted(escaped)}`);
  }
  return null;
}
