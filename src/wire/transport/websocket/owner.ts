/**
 * The two owners of a WebSocket port: `Bun.serve` (served-websockets.ts) or our own codec on raw sockets (raw-websockets.ts). Both make the
 * checks of handshake.ts and produce a `Transport`; the listener's configuration decides which one is used.
 */
import type { Clock } from "../../../base/clock/clock.ts";
import type { TimingWheel } from "../../../base/clock/timing-wheel.ts";
import type { TlsContext } from "../tls/tls-context.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import type { OriginRules } from "./origin.ts";
import { kindOf, type UpgradeRequest } from "./upgrade-request.ts";
import type { WebSocketVisitor } from "./visitor.ts";

/** What an owner needs from the server. */
export interface WebSocketHost {
  logWarning(text: string): void;
  logError(text: string): void;
  readonly timers: TimingWheel;
  readonly payloadBytesMax: number;
  /** A peer passed the handshake. The owner calls `endTurn` afterwards. */
  accept(transport: Transport, visitor: WebSocketVisitor): TransportEvents;
  endTurn(): void;
  readonly clock: Clock;
  /** One of our handlers threw. */
  onDefect(error: Error): void;
}

/** Requirements for a handshake. */
export interface DoorRules {
  readonly origins: OriginRules;
  readonly compression: boolean;
  readonly handshakeTimeoutMs: number;
  /** Headers added to the response. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WebSocketOwner {
  readonly port: number;
  /** Uses another certificate for new connections; existing ones are not affected. Only for an owner created with TLS. */
  updateTls(tls: TlsContext): void;
  /** Stops accepting. @param force also ends the accepted sockets */
  stop(force: boolean): void;
}

export function logRefusal(host: WebSocketHost, peer: string, reason: string): void {
  host.logError(`${peer} - websocket handshake error: ${reason}`);
}

/** Leaf nodes are not supported yet: like the reference without them, the upgrade succeeds and the connection is closed at once. */
export function isForNobody(host: WebSocketHost, request: UpgradeRequest): boolean {
  if (kindOf(request) !== "leaf") return false;
  host.logError("Not configured to accept leaf node connections");
  return true;
}

/** Formats `address:port`, an IPv6 address in brackets. */
export function peerText(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
