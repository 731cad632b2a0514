/** A listener on a Unix domain socket, beside the one on a port. */
export interface UnixListener {
  readonly path: string;
  /** Permission bits of the socket file: who may write it may connect. */
  readonly mode: number;
}

/** Owner and group, not everyone: a socket in a shared directory is reached by whoever may write it. */
export const UNIX_LISTENER_MODE = 0o770;
