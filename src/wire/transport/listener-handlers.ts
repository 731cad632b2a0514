/** Handlers for the sockets of a listener: each event goes to the transport or connection that the socket belongs to. */
import type { SocketHandler } from "bun";
import { GuardedTransport, type SecureHandlers } from "./guarded-transport.ts";
import type { SocketData } from "./tcp-transport.ts";

export interface ListenerHandlers {
  /** For the accepted sockets, without `open`. */
  readonly plain: SocketHandler<SocketData, "buffer">;
  /** For the TLS sockets that Bun makes of them. */
  readonly secure: SecureHandlers;
}

/** @param onDefect a handler threw; its socket is terminated */
export function listenerHandlers(onDefect: (error: Error) => void): ListenerHandlers {
  const plain: SocketHandler<SocketData, "buffer"> = {
    binaryType: "buffer",
    data: (socket, chunk) => socket.data.events.onData(chunk),
    drain: socket => socket.data.events.onDrain(),
    end: socket => socket.data.events.onEnd(),
    close: (socket, error) => socket.data?.events.onClose(error ?? null),
    error: (socket, error) => {
      onDefect(error);
      socket.terminate();
    },
  };
  const secure = {
    ...plain,
    handshake: (socket, success, error) => {
      const { transport } = socket.data;
      if (transport instanceof GuardedTransport) transport.onHandshake(socket, success, error);
    },
  } as SecureHandlers;
  return { plain, secure };
}
