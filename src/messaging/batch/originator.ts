/** The publisher of a message, as services, events and monitoring describe it. */
import { compactGoJson } from "../../base/go/json-writer.ts";

/**
 * Describes a client to services, in events and in monitoring: JSON, keys in this order, empty ones left out. Durations in nanoseconds.
 * Source: reference, core §8.1.
 */
export interface ClientInfo {
  /** RFC 3339. */
  start?: string;
  host?: string;
  id?: number;
  /** Its account. */
  acc: string;
  /** The account in between, where a request came through several. */
  svc?: string;
  user?: string;
  name?: string;
  lang?: string;
  ver?: string;
  rtt?: number;
  server?: string;
  cluster?: string;
  alts?: string[];
  stop?: string;
  jwt?: string;
  issuer_key?: string;
  name_tag?: string;
  tags?: readonly string[];
  kind?: string;
  client_type?: string;
  client_id?: string;
  nonce?: string;
  reply?: string;
}

const CLIENT_INFO_KEYS = [
  "start",
  "host",
  "id",
  "acc",
  "svc",
  "user",
  "name",
  "lang",
  "ver",
  "rtt",
  "server",
  "cluster",
  "alts",
  "stop",
  "jwt",
  "issuer_key",
  "name_tag",
  "tags",
  "kind",
  "client_type",
  "client_id",
  "nonce",
  "reply",
] as const satisfies readonly (keyof ClientInfo)[];

/** The description as JSON text, for a header: without the one control character that JSON does not escape and Go's reader refuses in headers. */
export function clientInfoJson(info: ClientInfo): string {
  return compactGoJson(presentClientInfo(info)).replaceAll("\x7f", "\\u007f");
}

/** The description with its keys in order and without empty values. */
export function presentClientInfo(info: ClientInfo): Readonly<Record<string, unknown>> {
  const ordered: Record<string, unknown> = {};
  for (const key of CLIENT_INFO_KEYS) {
    const value = info[key];
    if (value === undefined || value === "" || value === 0 || (Array.isArray(value) && value.length === 0)) continue;
    ordered[key] = value;
  }
  return ordered;
}

/** A header block that describes the requester to a service. */
export interface RequestHeader {
  /** The import that it was made for. */
  readonly via: object;
  /** `infoVersion` at that time. */
  readonly version: number;
  readonly header: Uint8Array;
}

/** The publisher: a client, or an account's internal client. Messages of the server itself have none. */
export interface Originator {
  /** As `ConnectionKind`. */
  readonly kind: number;
  /** The sink of its subscriptions. Compared by identity. */
  readonly sink: object;
  /** Whether its own subscriptions get its messages. */
  readonly echo: boolean;
  /** @param detailed adds what only the server and trusted services may know */
  clientInfo(detailed: boolean): ClientInfo;
  /** Rises whenever the result of `clientInfo` may have changed. */
  readonly infoVersion: number;
  /** The last header made for it, kept for reuse. */
  requestHeader: RequestHeader | null;
  /** Starts a measurement of its round trip, unless that is known. */
  askRoundTrip(): void;
}
