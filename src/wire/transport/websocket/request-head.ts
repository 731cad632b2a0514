/** Parses the head of an HTTP/1 request as far as a handshake needs it (RFC 9112). Strict where two parsers could disagree (request smuggling). */
import { trimmedBlanks } from "../../../base/go/trim.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

/** Largest head; leaves room for cookies that hold tokens. */
export const HEAD_BYTES_MAX = 64 * 1024;

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) HTTP\/1\.([01])$/;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Finds the end of the head.
 * @param from where to search; the blank line may begin up to 3 bytes earlier
 * @returns the offset after the blank line; -1 when it has not arrived yet
 */
export function endOfHead(bytes: Buffer, from: number): number {
  const crlf = bytes.indexOf("\r\n\r\n", Math.max(0, from - 3));
  const lf = bytes.indexOf("\n\n", Math.max(0, from - 1));
  if (crlf === -1) return lf === -1 ? -1 : lf + 2;
  return lf === -1 || crlf < lf ? crlf + 4 : lf + 2;
}

/** Parses a complete head. @returns an error text for the sender when it is not a request */
export function parseHead(head: string, secure: boolean): UpgradeRequest | string {
  const [first, ...lines] = head.trimEnd().split(/\r?\n/);
  const request = REQUEST_LINE.exec(first);
  if (request === null) return "";
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon === -1 || !HEADER_NAME.test(line.slice(0, colon))) return ": invalid header name";
    const name = line.slice(0, colon).toLowerCase();
    const value = trimmedBlanks(line.slice(colon + 1));
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [value]);
    else known.push(value);
  }
  const hosts = headers.get("host") ?? [];
  if (hosts.length > 1) return "";
  if (hosts.length === 0 && request[3] === "1") return ": missing required Host header";
  const [, authority, path = ""] = /^(?:https?:\/\/([^/?#]*))?([^?#]*)/i.exec(request[2])!;
  return {
    method: request[1],
    path,
    host: authority ?? hosts[0] ?? "",
    secure,
    values: name => headers.get(name) ?? [],
  };
}

/** The answer to bytes that are not a request; the connection ends after it. */
export function badRequestResponse(status: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`;
}
