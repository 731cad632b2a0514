/** `allowed_connection_types`, in any case. Source: server/client.go, convertAllowedConnectionTypes (behaviour). */
import { quoted } from "../../base/go/strconv.ts";

export const CONNECTION_TYPES = ["STANDARD", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS", "IN_PROCESS"] as const;
export type ConnectionType = (typeof CONNECTION_TYPES)[number];

export interface AllowedConnectionTypes {
  /** Empty: all, unless there is an error. */
  readonly types: ReadonlySet<ConnectionType>;
  /** Names the unknown types; null: none. It is only logged when there are known types too; otherwise every connection is refused. */
  readonly error: string | null;
}

export function connectionTypes(names: readonly string[]): AllowedConnectionTypes {
  const upper = names.map(name => name.toUpperCase());
  const known = (name: string): name is ConnectionType => (CONNECTION_TYPES as readonly string[]).includes(name);
  const unknown = upper.filter(name => !known(name));
  return {
    types: new Set(upper.filter(known)),
    error: unknown.length === 0 ? null : `invalid connection types [${unknown.map(quoted).join(" ")}]`,
  };
}

/** @param type how the client is connected */
export function allowsConnectionType({ types, error }: AllowedConnectionTypes, type: ConnectionType): boolean {
  return types.size === 0 ? error === null : types.has(type);
}
