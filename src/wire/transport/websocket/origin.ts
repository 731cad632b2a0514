/**
 * Which web pages may connect: browsers send the page's origin in `Origin`. Other clients can send any origin, or
 * none, which is accepted. Source: reference, core §9.1.1.
 */
import { encode, quote } from "../../../base/bytes/ascii.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

export interface Origin {
  readonly scheme: string;
  /** Lower case. */
  readonly host: string;
  readonly port: string;
}

export class OriginRules {
  private readonly same: boolean;
  private readonly allowed: readonly Origin[];
  private readonly restricts: boolean;

  /** @param allowed entries `scheme://host[:port]`; an invalid entry matches no origin. Empty: any origin */
  constructor(same: boolean, allowed: readonly string[]) {
    this.same = same;
    this.allowed = allowed.map(parseOrigin).filter(origin => typeof origin !== "string");
    this.restricts = allowed.length > 0;
  }

  /** Why the request's origin is not allowed; null when it is allowed. */
  refusalOf(request: UpgradeRequest): string | null {
    if (!this.same && !this.restricts) return null;
    const text = request.values("origin")[0] || request.values("sec-websocket-origin")[0];
    if (!text) return null;
    const origin = parseOrigin(text);
    if (typeof origin === "string") return origin;
    if (this.same) {
      const here = splitHostPort(request.host, request.secure);
      if (typeof here === "string") return here;
      const scheme = request.secure ? "https" : "http";
      if (origin.host !== here.host || origin.port !== here.port || origin.scheme !== scheme) return "not same origin";
    }
    if (!this.restricts) return null;
    const found = this.allowed.some(({ scheme, host, port }) => scheme === origin.scheme && host === origin.host && port === origin.port);
    return found ? null : "not in the allowed list";
  }
}

/** Parses an origin and adds the scheme's default port; or returns the error text. */
export function parseOrigin(text: string): Origin | string {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?/.exec(text);
  if (match === null && !text.startsWith("/")) return `parse ${quote(encode(text))}: invalid URI for request`;
  const scheme = (match?.[1] ?? "").toLowerCase();
  const authority = match?.[2] ?? "";
  const place = splitHostPort(authority.slice(authority.lastIndexOf("@") + 1), scheme === "https");
  return typeof place === "string" ? place : { scheme, ...place };
}

function splitHostPort(text: string, secure: boolean): { host: string; port: string } | string {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(text);
  if (match !== null) return { host: (match[1] ?? match[2]).toLowerCase(), port: match[3] };
  if (/^(\[[^[\]]*\]|[^:[\]]*)$/.test(text)) return { host: text.toLowerCase(), port: secure ? "443" : "80" };
  return `address ${text}: ${text.includes("[") ? "missing ']' in address" : "too many colons in address"}`;
}
