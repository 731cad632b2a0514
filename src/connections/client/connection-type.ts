import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { Transport } from "../../wire/transport/transport.ts";

/** By which name users are allowed or denied the way that a client came. */
export function connectionTypeOf({ inProcess, type }: Pick<Transport, "inProcess" | "type">): ConnectionType {
  if (inProcess) return "IN_PROCESS";
  return type === "websocket" ? "WEBSOCKET" : "STANDARD";
}
