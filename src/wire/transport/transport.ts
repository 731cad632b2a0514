import type { CloseReason } from "../protocol/close-reason.ts";
import type { ByteVector } from "./byte-vector.ts";
import type { TlsState } from "./tls-state.ts";

/** Name shown in monitoring: `nats` is every plain stream of protocol bytes. */
export type TransportType = "nats" | "websocket";

/**
 * Carries a connection's bytes: writing, flow control, ending. Received bytes come through `TransportEvents`.
 * TCP, Unix sockets, TLS, WebSocket and in-process pipes implement it, and can be stacked: WebSocket frames over TLS over TCP.
 */
export interface Transport {
  readonly type: TransportType;
  /**
   * A TLS handshake precedes the first `onData`; `onReady` or `onRefused` reports its end. Bytes written before that are sent
   * unencrypted, before the handshake.
   */
  readonly handshaking: boolean;
  /** The connection begins with the handshake: nothing may be written before `onReady`. */
  readonly handshakesFirst: boolean;
  /** A PROXY header may still follow and replace the peer's address, so the current address must not be reported. */
  readonly awaitsAddress?: boolean;
  /** Results of the TLS handshake; null without TLS, and until the handshake is over. */
  readonly tls: TlsState | null;
  /**
   * Hands bytes to the kernel.
   * @returns bytes accepted, never more than `length`; 0 when none is accepted now (`onDrain` follows); -1 when closed
   */
  write(source: Buffer, offset: number, length: number): number;
  /** `writeVector` is supported. */
  readonly vectored: boolean;
  /**
   * Hands many ranges to the kernel in one call.
   * @returns bytes accepted, counted from the first; when not all were, call `write` with the next ones, so that `onDrain` follows
   */
  writeVector(vector: ByteVector): number;
  /**
   * Reads more bytes during `onData`, as far as they are available now, into the caller's buffer.
   * @returns bytes read; 0 when there are none or this is not supported: later bytes come through `onData` as usual
   */
  readMore(target: Buffer): number;
  /** No further `onData` until `resume`. */
  pause(): void;
  resume(): void;
  /**
   * Sends the written bytes, then FIN.
   * @param lingers the socket is closed only when the peer's kernel has acknowledged our last bytes, the peer ends its side, or `terminate` is
   * called; bytes that the peer still sends are dropped. Otherwise it is closed as soon as the kernel has our last bytes and none of
   * the peer's are unread: those would cause a reset, which may destroy our last bytes before the peer reads them.
   * @param reason used by transports that send a reason (a WebSocket's close frame)
   */
  end(lingers: boolean, reason: CloseReason): void;
  /** Ends at once; unsent bytes are lost. */
  terminate(): void;
  /** The peer's address; an IPv4-mapped one is given as IPv4. Empty for an in-process pipe or a Unix socket. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly inProcess: boolean;
}

/**
 * Why a connection fails before its first protocol byte. `text` is logged.
 *   handshake   the handshake failed               probe      the first bytes were not TLS
 *   timeout     the handshake took too long        throttled  too many handshakes in this second
 *   proxy       the PROXY header is invalid
 */
export interface TransportRefusal {
  readonly kind: "handshake" | "probe" | "timeout" | "throttled" | "proxy";
  readonly text: string;
  /** Additional text for the debug log. */
  readonly detail?: string;
  /** For a `probe`: the first bytes are those of an HTTP request. */
  readonly asksForHttp?: boolean;
}

/** Events of a socket. */
export interface SocketEvents {
  /** The receiver owns the chunk: it is not reused. */
  onData(chunk: Buffer): void;
  /** The kernel accepts bytes again. */
  onDrain(): void;
  /** The peer sends nothing more, but may still read. */
  onEnd(): void;
  /** The transport is closed: both sides ended, or it failed. Called once, as the last event. */
  onClose(error: Error | null): void;
}

/** Events of a transport. */
export interface TransportEvents extends SocketEvents {
  /** The TLS handshake begins. Only from a transport that was `handshaking`. */
  onHandshakeStart(): void;
  /** The peer did not begin with a handshake in time, so it waits for an unencrypted INFO. Only when `handshakesFirst` was set. */
  onPeerSilent(): void;
  /** The handshake is over, or the peer connected without one where that is allowed. Called once, before the first `onData`; only from a transport that was `handshaking`. */
  onReady(): void;
  /** The peer is refused; `onClose` follows after the connection has ended the transport. */
  onRefused(refusal: TransportRefusal): void;
  /** The peer broke a rule of the transport; nothing more is read from it. The connection must end the transport. @param text for the log */
  onReadFailed(text: string): void;
}
