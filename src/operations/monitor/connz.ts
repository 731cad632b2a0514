/**
 * `/connz`: open and closed connections, filtered and sorted, one page of them.
 *
 *   open clients ─┐
 *                 ├─ acc, cid, user ─▶ sort ─▶ offset, limit ─▶ subscriptions and identity of the page only
 *   closed ring ──┘
 */
import { GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import { decode } from "../../base/bytes/ascii.ts";
import { goDuration } from "../../base/go/duration.ts";
import { goTime } from "../../base/go/time.ts";
import type { Client } from "../../connections/client/client.ts";
import { type ConnectionRecord, connectionRecord } from "../../connections/client/connection-record.ts";
import { collideText } from "../../messaging/subject/subject-text.ts";
import { CLOSE_TEXTS } from "../../wire/protocol/close-reason.ts";
import { KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import type { PeerCertificate } from "../../wire/transport/tls-state.ts";
import { countRequest, type Fields, jsonResponse, type MonitorContext, unlessEmpty, uptimeText } from "./endpoint.ts";
import { EndpointError } from "./endpoint-error.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { type Query, QueryError } from "./query.ts";
import { subscriptionDetail } from "./subsz.ts";

/** Default number of connections per answer. */
export const CONNECTIONS_LIMIT = 1_024;
const NANOS_PER_MS = 1e6;
const NANOS_PER_MICRO = 1e3;

/** States by the numbers used in service requests; any other state matches nothing. */
export enum ConnectionState {
  Open,
  Closed,
  All,
}

export interface ConnzOptions {
  /** Sort key; empty: by id. */
  readonly sort: string;
  /** Whether to include users and accounts. */
  readonly auth: boolean;
  readonly subscriptions: "none" | "list" | "detail";
  /** Below 0: 0. */
  readonly offset: number;
  /** 0 or below: 1,024. */
  readonly limit: number;
  /** 0: any. */
  readonly cid: number;
  readonly state: ConnectionState;
  /** Empty: any; also for the next two. */
  readonly user: string;
  readonly account: string;
  readonly mqttClient: string;
  /** Only open connections with a subscription that overlaps with this subject. */
  readonly filterSubject: string;
}

/** A connection of the answer. `client` is null when it is closed. */
interface Entry {
  readonly record: ConnectionRecord;
  readonly client: Client | null;
}

export function connz(context: MonitorContext, query: Query): Response {
  const options = readOptions(query);
  countRequest(context, "/connz");
  return jsonResponse(connzOf(context.server, options));
}

/** Reads parameters in the reference's order, because only the first unreadable one is reported. */
function readOptions(query: Query): ConnzOptions {
  const auth = query.flag("auth");
  const subscriptions = query.subscriptions();
  const offset = query.integer("offset");
  const limit = query.integer("limit");
  const cid = query.unsigned("cid");
  const state = readState(query.text("state"));
  return {
    sort: query.text("sort"),
    auth,
    subscriptions,
    offset,
    limit,
    cid,
    state,
    user: query.text("user"),
    account: query.text("acc"),
    mqttClient: query.text("mqtt_client"),
    filterSubject: "",
  };
}

function readState(text: string): ConnectionState {
  switch (text.toLowerCase()) {
    case "":
    case "open":
      return ConnectionState.Open;
    case "closed":
      return ConnectionState.Closed;
    case "any":
    case "all":
      return ConnectionState.All;
    default:
      throw new QueryError(`Error decoding state for ${text}`);
  }
}

/** Sort keys; descending, except those in `ASCENDING`. */
const SORT_KEYS: Record<string, (record: ConnectionRecord, now: number) => number | string> = {
  cid: record => record.id,
  start: record => record.id,
  subs: record => record.subscriptionCount,
  pending: record => record.pendingBytes,
  msgs_to: record => record.outMessages,
  msgs_from: record => record.inMessages,
  bytes_to: record => record.outBytes,
  bytes_from: record => record.inBytes,
  last: record => record.lastActivityAt,
  idle: (record, now) => now - record.lastActivityAt,
  uptime: (record, now) => (record.stoppedAt || now) - record.startedAt,
  stop: record => record.stoppedAt,
  reason: record => reasonText(record),
  rtt: record => record.roundTripMs,
};
const ASCENDING: ReadonlySet<string> = new Set(["cid", "start", "uptime", "reason"]);

function checkOptions({ sort, state, filterSubject, account }: ConnzOptions): void {
  if (sort !== "" && !Object.hasOwn(SORT_KEYS, sort)) throw new EndpointError(`invalid sorting option: ${sort}`);
  if ((sort === "stop" || sort === "reason") && state !== ConnectionState.Closed) {
    throw new EndpointError(`sort by ${sort} only valid on closed connections`);
  }
  if (filters(filterSubject) && account === "") throw new EndpointError("filter by subject only valid with account filtering");
}

function filters(subject: string): boolean {
  return subject !== "" && subject !== ">";
}

/** @throws EndpointError the options contradict each other */
export function connzOf(server: MonitoredServer, options: ConnzOptions): Fields {
  checkOptions(options);
  const { cid, limit } = options;
  const params = {
    ...options,
    offset: Math.max(0, options.offset),
    limit: cid > 0 ? 1 : limit <= 0 ? CONNECTIONS_LIMIT : limit,
  };
  const now = server.clock.now();
  const answer = (id: string, total: number, connections: unknown[] | null) => ({
    server_id: id,
    now: goTime(now),
    num_connections: connections?.length ?? 0,
    total,
    offset: params.offset,
    limit: params.limit,
    connections,
  });
  const { account, state } = params;
  // The reference's answer for an unknown account.
  if (account !== "" && server.accountNamed(account) === undefined) return answer("", 0, null);
  const ofAccount = (name: string) => account === "" || name === account;
  const open =
    state !== ConnectionState.Open && state !== ConnectionState.All
      ? []
      : [...server.connections.values()].filter(client => ofAccount(client.account.name));
  const closed =
    state !== ConnectionState.Closed && state !== ConnectionState.All
      ? []
      : server.closedConnections.all().filter(record => ofAccount(record.account));
  const entries = select(open, closed, params);
  sortEntries(entries, params.sort || "cid", now);
  const page = entries.slice(params.offset, params.offset + params.limit);
  const connections = page.map(entry => connectionOf(server, entry, params, now));
  server.turn.end(); // sends PINGs that measure round trips
  return answer(server.identity.id, open.length + closed.length, connections);
}

function select(open: readonly Client[], closed: readonly ConnectionRecord[], params: ConnzOptions): Entry[] {
  const { cid, user, mqttClient, filterSubject } = params;
  if (mqttClient !== "") return []; // there are no MQTT clients yet
  const wanted = (record: ConnectionRecord) => (cid === 0 || record.id === cid) && (user === "" || record.user === user);
  const chosen = cid === 0 ? open : open.filter(client => client.id === cid);
  const live = filters(filterSubject) ? chosen.filter(client => subscribesTo(client, filterSubject)) : chosen;
  return [
    ...live.map(client => ({ record: connectionRecord(client, 0), client })).filter(({ record }) => wanted(record)),
    ...closed.filter(wanted).map(record => ({ record, client: null })),
  ];
}

function subscribesTo(client: Client, filter: string): boolean {
  for (const { subject } of client.subscriptions.values()) if (collideText(filter, decode(subject))) return true;
  return false;
}

function sortEntries(entries: Entry[], sort: string, now: number): void {
  const key = SORT_KEYS[sort];
  const sign = ASCENDING.has(sort) ? 1 : -1;
  entries.sort((a, b) => {
    const left = key(a.record, now);
    const right = key(b.record, now);
    return left === right ? a.record.id - b.record.id : left < right ? -sign : sign;
  });
}

function connectionOf(server: MonitoredServer, { record, client }: Entry, params: ConnzOptions, now: number): Fields {
  if (client !== null && record.roundTripMs === 0 && record.lang !== "") client.keepalive.askRoundTrip();
  const closed = record.stoppedAt !== 0;
  const end = closed ? record.stoppedAt : now;
  return {
    cid: record.id,
    kind: KIND_TEXTS[record.kind],
    type: record.type,
    ip: record.port === 0 ? "" : record.address,
    port: record.port,
    start: goTime(record.startedAt),
    last_activity: goTime(record.lastActivityAt),
    ...(closed ? { stop: goTime(record.stoppedAt), reason: reasonText(record) } : {}),
    rtt: roundTripText(record.roundTripMs),
    uptime: uptimeText(end - record.startedAt),
    idle: uptimeText(end - record.lastActivityAt),
    pending_bytes: record.pendingBytes,
    in_msgs: record.inMessages,
    out_msgs: record.outMessages,
    in_bytes: record.inBytes,
    out_bytes: record.outBytes,
    ...unlessEmpty("stalls", record.stalls),
    subscriptions: record.subscriptionCount,
    ...unlessEmpty("name", record.name),
    ...unlessEmpty("lang", record.lang),
    ...unlessEmpty("version", record.version),
    ...tlsFields(record, params.auth ? (client?.transport.tls?.peerCertificates ?? []) : []),
    ...(params.auth ? identityOf(record) : {}),
    ...(client === null ? closedSubscriptions(record, params) : openSubscriptions(client, params)),
    // The reference always shows it for closed connections.
    ...(params.auth || closed ? claimFields(record, nameTag(server, record, client, params.auth)) : {}),
    ...(record.proxyKey === "" ? {} : { proxy: { key: record.proxyKey } }),
  };
}

function tlsFields({ tls }: ConnectionRecord, certificates: readonly PeerCertificate[]): Fields {
  if (tls === null) return {};
  const shown = certificates.map(({ subject, spkiSha256, certSha256 }) => ({
    ...unlessEmpty("subject", subject),
    spki_sha256: spkiSha256,
    cert_sha256: certSha256,
  }));
  return {
    tls_version: tls.version,
    tls_cipher_suite: tls.cipherSuite,
    ...unlessEmpty("tls_peer_certs", shown),
    ...unlessEmpty("tls_first", tls.handshakeFirst),
  };
}

function identityOf({ user, account }: ConnectionRecord): Fields {
  return { ...unlessEmpty("authorized_user", user), ...(account === GLOBAL_ACCOUNT ? {} : { account }) };
}

function claimFields({ jwt, issuerKey, tags }: ConnectionRecord, tag: string): Fields {
  return {
    ...unlessEmpty("jwt", jwt),
    ...unlessEmpty("issuer_key", issuerKey),
    ...unlessEmpty("name_tag", tag),
    ...unlessEmpty("tags", tags),
  };
}

/** The account's name tag: for open connections, and on request for closed ones in other accounts than $G; else the tag recorded at the close. */
function nameTag(server: MonitoredServer, record: ConnectionRecord, client: Client | null, withAuth: boolean): string {
  if (client !== null) return client.account.nameTag;
  const account = withAuth && record.account !== GLOBAL_ACCOUNT ? server.accountNamed(record.account) : undefined;
  return account === undefined ? record.nameTag : account.nameTag;
}

function openSubscriptions(client: Client, { subscriptions: wanted }: ConnzOptions): Fields {
  if (wanted === "none" || client.subscriptions.size === 0) return {};
  const { subscriptions } = connectionRecord(client, Number.POSITIVE_INFINITY);
  if (wanted === "list") return { subscriptions_list: subscriptions.map(({ subject }) => subject) };
  return { subscriptions_list_detail: subscriptions.map(subscriptionDetail) };
}

/** As in the reference, subscriptions of closed connections name their account; those of open connections do not. */
function closedSubscriptions({ account, accountTag, subscriptions }: ConnectionRecord, { subscriptions: wanted }: ConnzOptions): Fields {
  if (wanted === "none" || subscriptions.length === 0) return {};
  if (wanted === "list") return { subscriptions_list: subscriptions.map(({ subject }) => subject) };
  return { subscriptions_list_detail: subscriptions.map(one => ({ account, account_tag: accountTag, ...subscriptionDetail(one) })) };
}

function reasonText({ closeReason }: ConnectionRecord): string {
  return closeReason === 0 ? "" : CLOSE_TEXTS[closeReason];
}

/** Round trip as text; below one millisecond rounded to microseconds, as in the reference. */
function roundTripText(ms: number): string {
  const nanos = Math.round(ms * NANOS_PER_MS);
  if (nanos <= NANOS_PER_MICRO || nanos >= NANOS_PER_MS) return goDuration(nanos);
  return goDuration(Math.trunc(nanos / NANOS_PER_MICRO) * NANOS_PER_MICRO);
}
