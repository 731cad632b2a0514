/** The server could not start. The text is the reference's; `cause` is the system's error. */
export class StartError extends Error {
  override name = "StartError";
}
