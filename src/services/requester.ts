/**
 * Who sent a request, from the header `Nats-Request-Info`. A service import adds that header when the requester is in another account.
 * Source: server/client.go, ClientInfo (behaviour).
 */
import { decodeJson } from "../base/go/json-decode.ts";
import { JsonError } from "../base/go/json-error.ts";
import { timestamp } from "../base/go/json-scalars.ts";
import { type Decoded, duration, list, optional, structure, text, uint64 } from "../base/go/json-shape.ts";
import type { ServiceRequest } from "./service-request.ts";

const texts = list(text);

const CLIENT_INFO = structure("server.ClientInfo", {
  start: optional(timestamp),
  host: text,
  id: uint64,
  acc: text,
  /** The account in between, when the request crossed several imports. */
  svc: text,
  user: text,
  name: text,
  lang: text,
  ver: text,
  rtt: duration,
  server: text,
  cluster: text,
  alts: texts,
  stop: optional(timestamp),
  jwt: text,
  issuer_key: text,
  name_tag: text,
  tags: texts,
  kind: text,
  client_type: text,
  client_id: text,
  nonce: text,
  reply: text,
});

export type Requester = Decoded<typeof CLIENT_INFO>;

/** @returns empty fields for a request without headers; null: the headers do not name a requester in valid JSON */
export function requesterOf({ hasHeader, requestInfo }: ServiceRequest): Requester | null {
  if (!hasHeader) return CLIENT_INFO.zero();
  try {
    return decodeJson(CLIENT_INFO, requestInfo ?? "");
  } catch (error) {
    if (error instanceof JsonError) return null;
    throw error;
  }
}

/** The value for JSON: fields in the reference's order, without empty ones. */
export function requesterValue(requester: Requester): unknown {
  return CLIENT_INFO.write(requester);
}

/** The account from which the request reached the service; empty: the service's own account. */
export function accountNameOf({ acc, svc }: Requester): string {
  return svc || acc;
}
