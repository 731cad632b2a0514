import { Refusal } from "../../wire/protocol/refusal.ts";

/** Why a client that was delegated does not get in, as the log says it. Thrown and caught in this room. */
export class CalloutFault extends Error {
  override name = "CalloutFault";

  /**
   * @param level at which it is told; of what happens to everybody while no service is there, nobody but a debugger wants to hear
   * @param refusal null: whatever a client is told that could not prove who it is
   */
  constructor(
    message: string,
    readonly level: "warn" | "debug" = "warn",
    readonly refusal: Refusal | null = null,
  ) {
    super(message);
  }

  /** Through no proxy that is trusted, though it must be. */
  static proxyRequired(): CalloutFault {
    return new CalloutFault("proxy connection required", "warn", Refusal.ProxyRequired);
  }

  /** The text, as lines of the log begin. */
  get told(): string {
    const [first = "", ...rest] = this.message;
    return first.toUpperCase() + rest.join("");
  }
}
