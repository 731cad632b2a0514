/**
 * Reads the head of an HTTP/1 request by the rules of Go's server, including what it refuses and with which text.
 * Requests of the simplest checks are accepted: HTTP/1.0 without a `Host`, lines that end without CR.
 */
import { trimmedBlanks } from "../../base/go/trim.ts";
import { isAuthority } from "./authority.ts";

export interface RequestHead {
  readonly method: string;
  /** Decoded path. */
  readonly path: string;
  /** The text after `?`; empty: none. */
  readonly query: string;
  /** HTTP/1.0 or 1.1. */
  readonly minorVersion: 0 | 1;
  /** Values by lower-case name. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Bytes of body that follow; infinite: unknown, or not worth reading. */
  readonly bodyBytes: number;
  /** The requester wants the connection to be closed, or kept open. */
  readonly close: boolean;
}

/** A request that is refused, with the text of the status line, which is also the body; the connection is closed. */
export interface RefusedHead {
  readonly status: string;
}

/** Largest head, bytes. It is read at once, so the limit also bounds how long others wait. */
export const HEAD_BYTES_MAX = 64 * 1024;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HOST = /^[A-Za-z0-9!$%&'()*+,\-.:;=[\]_~]*$/;
/** Control characters except tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a header value must not contain
const NOT_IN_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/;
const LF = 10;
const CR = 13;

/**
 * @param from where to search; earlier bytes were searched before
 * @returns the offset after the empty line that ends a head; -1: it has not arrived
 */
export function endOfHead(bytes: Uint8Array, from: number): number {
  for (let lf = bytes.indexOf(LF, Math.max(0, from - 2)); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    if (bytes[lf + 1] === LF) return lf + 2;
    if (bytes[lf + 1] === CR && bytes[lf + 2] === LF) return lf + 3;
  }
  return -1;
}

/** @param text the head as latin1 */
export function readHead(text: string): RequestHead | RefusedHead {
  const [first, ...lines] = text.split("\n").map(line => (line.endsWith("\r") ? line.slice(0, -1) : line));
  const request = /^([^ ]*) (.*) ([^ ]*)$/.exec(first);
  if (request === null || !TOKEN.test(request[1])) return badRequest("");
  const [, method, target, version] = request;
  if (!/^HTTP\/\d\.\d$/.test(version)) return badRequest("");
  if (version !== "HTTP/1.0" && version !== "HTTP/1.1") return { status: "505 HTTP Version Not Supported: unsupported protocol version" };
  const headers = readHeaders(lines);
  if (typeof headers === "string") return badRequest(headers);
  const address = readTarget(method, target);
  const bodyBytes = bodyBytesOf(headers);
  if (address === null || bodyBytes === null) return badRequest("");
  const minorVersion = version === "HTTP/1.1" ? 1 : 0;
  const hosts = headers.get("host") ?? [];
  if (minorVersion === 1 && hosts.length === 0 && method !== "CONNECT") return badRequest(": missing required Host header");
  if (hosts.length > 1) return badRequest("");
  if (hosts.length === 1 && !HOST.test(hosts[0])) return badRequest(": malformed Host header");
  const expect = (headers.get("expect") ?? [""])[0].toLowerCase();
  if (expect !== "" && expect !== "100-continue") return { status: "417 Expectation Failed" };
  const connection = (headers.get("connection") ?? []).flatMap(value =>
    value
      .toLowerCase()
      .split(",")
      .map(part => part.trim()),
  );
  return {
    method,
    ...address,
    minorVersion,
    headers,
    bodyBytes: expect === "" ? bodyBytes : Number.POSITIVE_INFINITY,
    close: minorVersion === 1 ? connection.includes("close") : !connection.includes("keep-alive"),
  };
}

function badRequest(detail: string): RefusedHead {
  return { status: `400 Bad Request${detail}` };
}

/** A line that begins with a space continues the one before. @returns what is wrong, as in the answer */
function readHeaders(lines: readonly string[]): Map<string, string[]> | string {
  const headers = new Map<string, string[]>();
  for (let index = 0; index < lines.length && lines[index] !== ""; index++) {
    let line = lines[index];
    while (/^[ \t]/.test(lines[index + 1] ?? "")) line += ` ${lines[++index].trim()}`;
    const colon = line.indexOf(":");
    if (colon === -1 || !TOKEN.test(line.slice(0, colon))) return ": invalid header name";
    const value = trimmedBlanks(line.slice(colon + 1));
    if (NOT_IN_VALUE.test(value)) return "";
    const name = line.slice(0, colon).toLowerCase();
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [value]);
    else known.push(value);
  }
  return headers;
}

/** @returns null if the body's size cannot be read */
function bodyBytesOf(headers: ReadonlyMap<string, readonly string[]>): number | null {
  if (headers.has("transfer-encoding")) return Number.POSITIVE_INFINITY;
  const lengths = new Set(headers.get("content-length") ?? []);
  if (lengths.size === 0) return 0;
  const [length] = lengths;
  return lengths.size > 1 || !/^\d+$/.test(length) ? null : Number(length);
}

/** @returns null if it is not a valid request target */
function readTarget(method: string, target: string): { path: string; query: string } | null {
  if (target === "*") return { path: "*", query: "" };
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(target);
  if (absolute !== null && !isAuthority(absolute[1])) return null;
  const local = absolute === null ? target : target.slice(absolute[0].length) || "/";
  if (!local.startsWith("/") && method !== "CONNECT") return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go refuses control characters in addresses
  if (/[\x00-\x20\x7f]/.test(local)) return null;
  const mark = local.indexOf("?");
  const path = percentDecoded(mark === -1 ? local : local.slice(0, mark), false);
  return path === null ? null : { path: path === "" ? "/" : path, query: mark === -1 ? "" : local.slice(mark + 1) };
}

/** Decodes `%XX`; the input's characters and the decoded ones are bytes of UTF-8. @returns null if an escape is invalid */
function percentDecoded(text: string, plusIsSpace: boolean): string | null {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return null;
  const plain = plusIsSpace ? text.replaceAll("+", " ") : text;
  const bytes = plain.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

/** The first value of each parameter. As in Go, parameters with `;` or an invalid escape do not count. */
export function readQuery(query: string): Map<string, string> {
  const params = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const equals = pair.indexOf("=");
    const name = percentDecoded(equals === -1 ? pair : pair.slice(0, equals), true);
    const value = percentDecoded(equals === -1 ? "" : pair.slice(equals + 1), true);
    if (name !== null && value !== null && !params.has(name)) params.set(name, value);
  }
  return params;
}
