import type { CloseReason } from "../protocol/close-reason.ts";
import type { ByteVector } from "./byte-vector.ts";
import type { TlsState } from "./tls-state.ts";

/** How it is called in monitoring: `nats` for anything that is a plain stream of protocol bytes. */
export type TransportType = "nats" | "websocket";

/**
 * What a connection needs of the wire: bytes out, flow control, an end. Bytes in come through `TransportEvents`.
 * TCP, Unix sockets, TLS, WebSocket and in-process pipes speak the same, and are stacked: WebSocket frames over TLS over TCP.
 */
export interface Transport {
  readonly type: TransportType;
  /**
   * A handshake (TLS) still comes before the first `onData`; `onReady` or `onRefused` tells its end. What is written until then
   * goes out before it, in the clear.
   */
  readonly handshaking: boolean;
  /** The peer begins with the handshake: nothing may be written before `onReady`. */
  readonly handshakesFirst: boolean;
  /** A PROXY header may still say that the peer is somebody else: its address is nothing to be told. */
  readonly awaitsAddress?: boolean;
  /** How the bytes are protected; null in the clear, and until the handshake is over. */
  readonly tls: TlsState | null;
  /**
   * Hands bytes to the kernel.
   * @returns how many were taken, never more than `length`; 0 when it takes none now (`onDrain` tells when it does); -1 when closed
   */
  write(source: Buffer, offset: number, length: number): number;
  /** `writeVector` works here. */
  readonly vectored: boolean;
  /**
   * Hands many ranges to the kernel in one call.
   * @returns how many bytes were taken, from the first on; when not all were, `write` the next ones, so that `onDrain` comes
   */
  writeVector(vector: ByteVector): number;
  /**
   * Reads on within `onData`: what is ready right now, into a buffer of the caller's.
   * @returns how many bytes; 0 when there are none, or it does not work here: then `onData` comes again by itself
   */
  readMore(target: Buffer): number;
  /** No further `onData` until `resume`. */
  pause(): void;
  resume(): void;
  /**
   * Sends what was written, then FIN.
   * @param lingers what the peer still sends is read and dropped until it ends its side or `terminate` is called. Otherwise the socket
   * is closed at once: bytes of the peer that were not read are then answered by a reset, which may take our last bytes from it.
   * @param reason what a transport with a farewell of its own (a WebSocket's close frame) tells the peer
   */
  end(lingers: boolean, reason: CloseReason): void;
  /** Ends at once; what was not sent is lost. */
  terminate(): void;
  /** Address of the peer, an IPv4-mapped one as IPv4. Empty for an in-process pipe or a Unix socket. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly inProcess: boolean;
}

/**
 * Why a peer does not get past what comes before its bytes. `text` is as the log has it.
 *   handshake   it, or we, gave up                 probe      what came was no TLS at all
 *   timeout     it took too long                   throttled  too many handshakes this second
 *   proxy       its PROXY header cannot be used
 */
export interface DoorRefusal {
  readonly kind: "handshake" | "probe" | "timeout" | "throttled" | "proxy";
  readonly text: string;
  /** More for those who debug. */
  readonly detail?: string;
}

/** What a socket tells whoever it belongs to. */
export interface SocketEvents {
  /** The chunk is the owner's: it is not reused. */
  onData(chunk: Buffer): void;
  /** The kernel takes bytes again. */
  onDrain(): void;
  /** The peer sends nothing more, but may still read. */
  onEnd(): void;
  /** The transport is gone: both sides ended, or it failed. Comes once, as the last event. */
  onClose(error: Error | null): void;
}

/** What a transport tells its connection. */
export interface TransportEvents extends SocketEvents {
  /** TLS begins. Only of a transport that was `handshaking`. */
  onHandshakeStart(): void;
  /** The peer that might have begun with the handshake did not: it waits to be greeted in the clear. Only where `handshakesFirst`. */
  onPeerSilent(): void;
  /** The handshake is over, or the peer did without one where it may. Once, before the first `onData`; only of a transport that was `handshaking`. */
  onReady(): void;
  /** The peer is not let in; `onClose` follows once the connection ends the transport. */
  onRefused(refusal: DoorRefusal): void;
  /** What the peer sent breaks the rules of the transport; nothing more of it is read. The connection ends the transport. @param text as it is logged */
  onReadFailed(text: string): void;
}
