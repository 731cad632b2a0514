/**
 * The checks of a WebSocket handshake, in the reference's order, with its statuses and reasons, and the
 * answers. Used by both owners of the port.
 * Source: reference, core §9.1.1.
 */
import { createHash } from "node:crypto";
import type { WebSocketClientInfo } from "./client-info.ts";
import type { OriginRules } from "./origin.ts";
import { kindOf, type UpgradeRequest } from "./upgrade-request.ts";

export interface HandshakeRefusal {
  readonly status: HandshakeStatus;
  /** The peer's address, for the log. */
  readonly reason: string;
}

const STATUS_TEXTS = { 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed" } as const;
export type HandshakeStatus = keyof typeof STATUS_TEXTS;

const KEY_BYTES = 16;
/** RFC 6455, section 1.3. */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const EXTENSIONS = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** Why the request is refused; null when it is accepted. */
export function refusalOf(request: UpgradeRequest, origins: OriginRules): HandshakeRefusal | null {
  const bad = (reason: string): HandshakeRefusal => ({ status: 400, reason });
  if (kindOf(request) === "mqtt") return { status: 404, reason: "mqtt websocket endpoint not enabled" };
  if (request.method !== "GET") return { status: 405, reason: "request method must be GET" };
  if (request.host === "") return bad("'Host' missing in request");
  if (!hasToken(request, "upgrade", "websocket")) return bad("invalid value for header 'Upgrade'");
  if (!hasToken(request, "connection", "upgrade")) return bad("invalid value for header 'Connection'");
  const key = request.values("sec-websocket-key")[0] ?? "";
  if (key === "") return bad("key missing");
  if (!isKey(key)) return bad("invalid websocket key");
  if (!hasToken(request, "sec-websocket-version", "13")) return bad("invalid version");
  const origin = origins.refusalOf(request);
  return origin === null ? null : { status: 403, reason: `origin not allowed: ${origin}` };
}

function hasToken(request: UpgradeRequest, name: string, token: string): boolean {
  return request.values(name).some(value => value.split(",").some(part => part.trim().toLowerCase() === token));
}

/** 16 bytes in base64, padding included. */
function isKey(key: string): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(key) && Buffer.from(key, "base64").length === KEY_BYTES;
}

export function acceptKey(key: string): string {
  return createHash("sha1").update(key).update(ACCEPT_GUID).digest("base64");
}

/** Headers of a refusal, without `Content-Length`. */
export const REFUSAL_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": "text/plain; charset=utf-8",
  "Sec-Websocket-Version": "13",
  "X-Content-Type-Options": "nosniff",
};

export function refusalBody(status: HandshakeStatus): string {
  return `${STATUS_TEXTS[status]}\n`;
}

/** The refusal as bytes, for our own codec; the connection ends after it. @param now wall clock, ms */
export function refusalResponse(status: HandshakeStatus, now: number): string {
  const body = refusalBody(status);
  const headers = { ...REFUSAL_HEADERS, Date: new Date(now).toUTCString(), "Content-Length": `${body.length}`, Connection: "close" };
  return `HTTP/1.1 ${status} ${STATUS_TEXTS[status]}\r\n${headerLines(headers)}\r\n${body}`;
}

export function upgradeResponse(request: UpgradeRequest, info: WebSocketClientInfo, headers: Readonly<Record<string, string>>): string {
  let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  head += `Sec-WebSocket-Accept: ${acceptKey(request.values("sec-websocket-key")[0])}\r\n`;
  if (info.compression) head += `Sec-WebSocket-Extensions: ${EXTENSIONS}\r\n`;
  if (!info.masked) head += "Nats-No-Masking: true\r\n";
  return `${head}${headerLines(headers)}\r\n`;
}

function headerLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
}
