/** The head of an HTTP/1 request, as far as a handshake needs it: RFC 9112. Strict where two readers might see two requests. */
import type { UpgradeRequest } from "./handshake.ts";

/** Room for cookies with tokens in them, and an end to it. */
export const HEAD_BYTES_MAX = 64 * 1024;

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) HTTP\/1\.([01])$/;
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;

/**
 * Where the head ends.
 * @param from nothing before it ends a head; a blank line may reach back 3 bytes
 * @returns the offset behind the blank line; -1 while it has not come
 */
export function endOfHead(bytes: Buffer, from: number): number {
  const crlf = bytes.indexOf("\r\n\r\n", Math.max(0, from - 3));
  const lf = bytes.indexOf("\n\n", Math.max(0, from - 1));
  if (crlf === -1) return lf === -1 ? -1 : lf + 2;
  return lf === -1 || crlf < lf ? crlf + 4 : lf + 2;
}

/** Reads a whole head. @returns what is wrong with it, as text for its sender, when it is no request */
export function parseHead(head: string, secure: boolean): UpgradeRequest | string {
  const [first, ...lines] = head.trimEnd().split(/\r?\n/);
  const request = REQUEST_LINE.exec(first);
  if (request === null) return "";
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const header = HEADER_LINE.exec(line);
    if (header === null) return ": invalid header name";
    const name = header[1].toLowerCase();
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [header[2]]);
    else known.push(header[2]);
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

/** The answer to what is no request; the connection ends behind it. */
export function badRequestResponse(status: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`;
}
