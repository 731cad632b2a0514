import { Refusal } from "../../wire/protocol/refusal.ts";

/** Why a delegated client is refused, with the log's text. Thrown and caught within this folder. */
export class CalloutFault extends Error {
  override name = "CalloutFault";

  /**
   * @param level level of the log line; failures that affect every client while no service runs are logged at debug
   * @param refusal null: the usual authorization error
   */
  constructor(
    message: string,
    readonly level: "warn" | "debug" = "warn",
    readonly refusal: Refusal | null = null,
  ) {
    super(message);
  }

  /** The user must connect through a trusted proxy, but did not. */
  static proxyRequired(): CalloutFault {
    return new CalloutFault("proxy connection required", "warn", Refusal.ProxyRequired);
  }

  /** The beginning of the log line. */
  get logText(): string {
    const [first = "", ...rest] = this.message;
    return first.toUpperCase() + rest.join("");
  }
}
