import { decodeUser } from "../../access/jwt/decode.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Login } from "../../auth/users/authenticator.ts";
import { decode } from "../../base/bytes/ascii.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { CloseReason } from "../../wire/protocol/close-reason.ts";
import type { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import type { TlsState } from "../../wire/transport/tls-state.ts";
import type { TransportType } from "../../wire/transport/transport.ts";

/** A client, as far as its record shows it. */
export interface RecordedClient {
  readonly id: number;
  readonly kind: ConnectionKind;
  readonly account: Account;
  readonly user: string;
  readonly transport: {
    readonly type: TransportType;
    readonly remoteAddress: string;
    readonly remotePort: number;
    readonly tls: TlsState | null;
  };
  readonly startedAt: number;
  readonly lastActivityAt: number;
  readonly stoppedAt: number;
  readonly closeReason: CloseReason | 0;
  readonly keepalive: { readonly roundTripMs: number };
  readonly outbound: { readonly pendingBytes: number };
  readonly inMessages: number;
  readonly inBytes: number;
  readonly outMessages: number;
  readonly outBytes: number;
  readonly stalls: number;
  readonly subscriptions: { readonly size: number; values(): IterableIterator<Subscription> };
  readonly connect: {
    readonly name: string;
    readonly lang: string;
    readonly version: string;
    readonly jwt: string;
    readonly nkey: string;
  };
  readonly login: Login | null;
  readonly proxyKey: string;
  /** The name in the claims of its user. */
  readonly nameTag: string;
  readonly tags: readonly string[];
  readonly authenticator: { readonly hidesJwt?: boolean };
}

/** A connection as monitoring shows it. Built on request for an open connection, kept for a closed one. Times are wall clock, ms. */
export interface ConnectionRecord {
  readonly id: number;
  readonly kind: ConnectionKind;
  readonly account: string;
  /** The user of its CONNECT, even if no authentication was required; a token is not shown. Empty: none. */
  readonly user: string;
  readonly type: TransportType;
  readonly address: string;
  readonly port: number;
  readonly startedAt: number;
  readonly lastActivityAt: number;
  /** 0 while it is open. */
  readonly stoppedAt: number;
  readonly closeReason: CloseReason | 0;
  /** 0 while unknown. */
  readonly roundTripMs: number;
  readonly pendingBytes: number;
  readonly inMessages: number;
  readonly inBytes: number;
  readonly outMessages: number;
  readonly outBytes: number;
  readonly stalls: number;
  readonly subscriptionCount: number;
  readonly subscriptions: readonly SubscriptionRecord[];
  readonly name: string;
  readonly lang: string;
  readonly version: string;
  /** Empty if there is none, or if it is a secret (a bearer token). */
  readonly jwt: string;
  /** The key that signed the user's claims, or the account of its nkey; empty: neither. */
  readonly issuerKey: string;
  /** The name in the claims of its user. */
  readonly nameTag: string;
  readonly tags: readonly string[];
  /** The name in the claims of its account; the account's name without claims. */
  readonly accountTag: string;
  /** The trusted proxy through which it is connected; empty: none. */
  readonly proxyKey: string;
  /** Null without TLS. */
  readonly tls: Omit<TlsState, "peerCertificates"> | null;
}

export interface SubscriptionRecord {
  readonly subject: string;
  readonly queue: string;
  readonly sid: string;
  readonly delivered: number;
  readonly deliveredMax: number;
  readonly cid: number;
}

/** Most subscriptions that the record of a closed connection lists. */
export const CLOSED_SUBSCRIPTIONS_MAX = 1_000;

/** @param subscriptionsMax most subscriptions to list */
export function connectionRecord(client: RecordedClient, subscriptionsMax: number): ConnectionRecord {
  const subscriptions = subscriptionsMax === 0 ? [] : firstSubscriptions(client, subscriptionsMax);
  return {
    id: client.id,
    kind: client.kind,
    account: client.account.name,
    user: client.user,
    type: client.transport.type,
    address: client.transport.remoteAddress,
    port: client.transport.remotePort,
    startedAt: client.startedAt,
    lastActivityAt: client.lastActivityAt,
    stoppedAt: client.stoppedAt,
    closeReason: client.closeReason,
    roundTripMs: client.keepalive.roundTripMs,
    pendingBytes: client.outbound.pendingBytes,
    inMessages: client.inMessages,
    inBytes: client.inBytes,
    outMessages: client.outMessages,
    outBytes: client.outBytes,
    stalls: client.stalls,
    subscriptionCount: client.subscriptions.size,
    subscriptions,
    name: client.connect.name,
    lang: client.connect.lang,
    version: client.connect.version,
    jwt: shownJwt(client),
    issuerKey: issuerKeyOf(client),
    nameTag: client.nameTag,
    tags: client.tags,
    accountTag: client.account.claim?.nameTag || client.account.name,
    proxyKey: client.proxyKey || (client.login?.proxyKey ?? ""),
    tls: tlsRecord(client.transport.tls),
  };
}

function firstSubscriptions(client: RecordedClient, most: number): SubscriptionRecord[] {
  const records: SubscriptionRecord[] = [];
  for (const subscription of client.subscriptions.values()) {
    if (records.length >= most) break;
    records.push(subscriptionRecord(subscription, client.id));
  }
  return records;
}

/**
 * A client's JWT for monitoring, events and services; empty if it must not be shown. A bearer JWT is a secret, because it can be used without a
 * key. The text that a program's own authenticate() accepts instead of a JWT may also be a secret.
 */
export function shownJwt({ authenticator, connect: { jwt }, login }: RecordedClient): string {
  if (jwt === "" || authenticator.hidesJwt) return "";
  const claim = login?.claim ?? null;
  if (claim !== null && claim.jwt === jwt) return claim.bearer ? "" : jwt;
  try {
    return decodeUser(jwt).nats.bearerToken ? "" : jwt;
  } catch {
    return jwt; // not a valid JWT, so not a secret
  }
}

/** Only for users with a key, and for those of a callout service, as in the reference. */
export function issuerKeyOf({ account, connect, login }: RecordedClient): string {
  const key = login?.claim?.issuerKey ?? "";
  return key === "" && login !== null && (login.delegated || connect.nkey !== "") ? account.name : key;
}

/** TLS data without the certificates, because records of closed connections stay in memory. */
function tlsRecord(tls: TlsState | null): ConnectionRecord["tls"] {
  if (tls === null) return null;
  const { version, cipherSuite, handshakeFirst } = tls;
  return { version, cipherSuite, handshakeFirst };
}

export function subscriptionRecord(subscription: Subscription, cid: number): SubscriptionRecord {
  return {
    subject: decode(subscription.subject),
    queue: subscription.queue === null ? "" : decode(subscription.queue),
    sid: decode(subscription.sid),
    delivered: subscription.delivered,
    deliveredMax: subscription.deliveredMax,
    cid,
  };
}
