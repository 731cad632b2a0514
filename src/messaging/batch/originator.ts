/** Who published a message, as far as others are told. */
import { compactGoJson } from "../../base/go/json-writer.ts";
import type { Sink } from "./sink.ts";

/**
 * What services, events and monitoring say of a client: JSON, keys in this order, empty ones left out. Durations in nanoseconds.
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

/** Its JSON. */
export function clientInfoJson(info: ClientInfo): string {
  return compactGoJson(presentClientInfo(info));
}

/** Keys in order, whatever order they were set in, and nothing that is empty. */
export function presentClientInfo(info: ClientInfo): Readonly<Record<string, unknown>> {
  const ordered: Record<string, unknown> = {};
  for (const key of CLIENT_INFO_KEYS) {
    const value = info[key];
    if (value === undefined || value === "" || value === 0 || (Array.isArray(value) && value.length === 0)) continue;
    ordered[key] = value;
  }
  return ordered;
}

/** A header block that tells a service who asks. */
export interface RequestHeader {
  /** The import that it was made for. */
  readonly via: object;
  /** `infoVersion` at that time. */
  readonly version: number;
  readonly header: Uint8Array;
}

/** Who published: a client, or an account's own client. What the server says for itself has none. */
export interface Originator {
  /** As `ConnectionKind`. */
  readonly kind: number;
  readonly sink: Sink;
  /** Whether it gets its own messages. */
  readonly echo: boolean;
  /** @param detailed also what it shares only with services it trusts, or the server */
  clientInfo(detailed: boolean): ClientInfo;
  /** Rises whenever `clientInfo` may say something else. */
  readonly infoVersion: number;
  /** What was last said of it to a service, for who says it again. */
  requestHeader: RequestHeader | null;
  /** Measures its round trip, unless it is known. */
  askRoundTrip(): void;
}
