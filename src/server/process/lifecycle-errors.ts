/** Errors of a running server, as programs that embed it see them. `code` is stable. */

/** A reload was refused; the server goes on with the options it had. `cause` is the reason. */
export class ReloadError extends Error {
  override name = "ReloadError";
  readonly code = "ERR_RELOAD";
}

/** The server has stopped, so nothing can connect to it. */
export class StoppedError extends Error {
  override name = "StoppedError";
  readonly code = "ERR_STOPPED";
}
