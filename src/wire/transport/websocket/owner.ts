/**
 * Who holds a WebSocket listener: `Bun.serve` (served-websockets.ts) or our own codec on raw sockets (raw-websockets.ts). Both make the
 * checks of handshake.ts and end in a `Transport`; which one it is, the listener's configuration decides.
 */
import type { TimingWheel } from "../../../base/clock/timing-wheel.ts";
import type { TlsContext } from "../tls/tls-context.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import { kindOf, type UpgradeRequest } from "./handshake.ts";
import type { OriginRules } from "./origin.ts";
import type { WebSocketVisitor } from "./visitor.ts";

/** What an owner needs of the server. */
export interface WebSocketHost {
  logWarning(text: string): void;
  logError(text: string): void;
  readonly timers: TimingWheel;
  readonly payloadBytesMax: number;
  /** Somebody is through the handshake. Call `endTurn` afterwards. */
  accept(transport: Transport, visitor: WebSocketVisitor): TransportEvents;
  endTurn(): void;
  /** Monotonic, ms. */
  now(): number;
  /** A handler of ours threw. */
  onDefect(error: Error): void;
}

/** What is asked of a handshake. */
export interface DoorRules {
  readonly origins: OriginRules;
  readonly compression: boolean;
  readonly handshakeTimeoutMs: number;
  /** Added to the response. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WebSocketOwner {
  readonly port: number;
  /** Another certificate for those who come from now on; those who are here stay. Only of an owner that was made with one. */
  updateTls(tls: TlsContext): void;
  /** Accepts nobody any more. @param force ends the sockets it accepted, too */
  stop(force: boolean): void;
}

export function logRefusal(host: WebSocketHost, peer: string, reason: string): void {
  host.logError(`${peer} - websocket handshake error: ${reason}`);
}

/** Leaf nodes are not there yet: as the reference does without them, the upgrade is made, and the end of it at once. */
export function isForNobody(host: WebSocketHost, request: UpgradeRequest): boolean {
  if (kindOf(request) !== "leaf") return false;
  host.logError("Not configured to accept leaf node connections");
  return true;
}

/** `address:port`, an IPv6 address in brackets. */
export function peerText(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
