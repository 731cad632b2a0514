/**
 * `/connz`: open and closed connections, filtered and sorted, one page of them.
 *
 *   open clients ─┐
 *                 ├─ acc, cid, user ─▶ the first `offset + limit` of the order ─▶ the page, written as it is sent
 *   closed ring ──┘
 */
import { GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import { decode } from "../../base/bytes/ascii.ts";
import { goDuration } from "../../base/go/duration.ts";
import { StreamedList } from "../../base/go/json-stream.ts";
import { exactInteger } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { TopList } from "../../base/scheduling/top-list.ts";
import {
  type ConnectionRecord,
  connectionRecord,
  type RecordedClient,
  subscriptionRecord,
} from "../../connections/client/connection-record.ts";
import { collideText } from "../../messaging/subject/subject-text.ts";
import { CLOSE_TEXTS } from "../../wire/protocol/close-reason.ts";
import { KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import type { PeerCertificate } from "../../wire/transport/tls-state.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import { countRequest, type Fields, jsonAnswer, type MonitorContext, unlessEmpty, uptimeText } from "./endpoint.ts";
import { EndpointError } from "./endpoint-error.ts";
import { certificatesOf, type MonitoredClient } from "./monitored-client.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { type Page, pageOf } from "./page.ts";
import { type Query, QueryError } from "./query.ts";
import { subscriptionDetail } from "./subsz.ts";

/** Default number of connections per answer. */
export const CONNECTIONS_LIMIT = 1_024;
/** Subscriptions of a connection that are written with it; more are written piece by piece. */
const WRITTEN_AT_ONCE_MAX = 64;
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
  readonly offset: number | bigint;
  /** 0 or below: 1,024. */
  readonly limit: number | bigint;
  /** 0: any. */
  readonly cid: number | bigint;
  readonly state: ConnectionState;
  /** Empty: any; also for the next two. */
  readonly user: string;
  readonly account: string;
  readonly mqttClient: string;
  /** Only open connections with a subscription that overlaps with this subject. */
  readonly filterSubject: string;
}

/** A connection that passes the filters. */
interface Entry {
  readonly id: number;
  readonly key: number | string;
  /** null: it is closed. */
  readonly client: MonitoredClient | null;
  /** null: it is open; its record is made when it is written. */
  readonly record: ConnectionRecord | null;
}

export function* connz(context: MonitorContext, query: Query): Sliced<HttpAnswer> {
  const options = readOptions(query);
  countRequest(context, "/connz");
  return jsonAnswer(yield* connzOf(context.server, options));
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

/** The facts by which connections are sorted. */
type Sorted = Pick<ConnectionRecord, "id" | "pendingBytes" | "inMessages" | "inBytes" | "outMessages" | "outBytes" | "subscriptionCount"> &
  Pick<ConnectionRecord, "startedAt" | "lastActivityAt" | "stoppedAt" | "closeReason" | "roundTripMs">;

/** Sort keys; descending, except those in `ASCENDING`. */
const SORT_KEYS: Record<string, (facts: Sorted, now: number) => number | string> = {
  cid: facts => facts.id,
  start: facts => facts.id,
  subs: facts => facts.subscriptionCount,
  pending: facts => facts.pendingBytes,
  msgs_to: facts => facts.outMessages,
  msgs_from: facts => facts.inMessages,
  bytes_to: facts => facts.outBytes,
  bytes_from: facts => facts.inBytes,
  last: facts => facts.lastActivityAt,
  idle: (facts, now) => now - facts.lastActivityAt,
  uptime: (facts, now) => (facts.stoppedAt || now) - facts.startedAt,
  stop: facts => facts.stoppedAt,
  reason: facts => reasonText(facts),
  rtt: facts => facts.roundTripMs,
};
const ASCENDING: ReadonlySet<string> = new Set(["cid", "start", "uptime", "reason"]);

function factsOf(client: RecordedClient): Sorted {
  const { id, inMessages, inBytes, outMessages, outBytes, startedAt, lastActivityAt, stoppedAt, closeReason } = client;
  const { pendingBytes } = client.outbound;
  const { roundTripMs } = client.keepalive;
  const subscriptionCount = client.subscriptions.size;
  const traffic = { pendingBytes, inMessages, inBytes, outMessages, outBytes, subscriptionCount };
  return { id, ...traffic, startedAt, lastActivityAt, stoppedAt, closeReason, roundTripMs };
}

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
export function* connzOf(server: MonitoredServer, options: ConnzOptions): Sliced<Fields> {
  checkOptions(options);
  const page = pageOf(options.offset, options.cid > 0 ? 1 : options.limit, CONNECTIONS_LIMIT);
  const now = server.clock.now();
  const answer = (id: string, total: number, shown: readonly Entry[] | null) => ({
    server_id: id,
    now: goTime(now),
    num_connections: shown?.length ?? 0,
    total,
    offset: exactInteger(page.offset),
    limit: exactInteger(page.limit),
    connections: shown === null ? null : new StreamedList(connectionsOf(server, shown, options, now)),
  });
  // The reference's answer for an unknown account.
  if (options.account !== "" && server.accountNamed(options.account) === undefined) return answer("", 0, null);
  const { total, shown } = yield* select(server, options, page, now);
  return answer(server.identity.id, total, shown);
}

function* select(server: MonitoredServer, options: ConnzOptions, page: Page, now: number): Sliced<{ total: number; shown: Entry[] }> {
  const { cid, filterSubject, mqttClient, state } = options;
  if (mqttClient !== "") return { total: 0, shown: [] }; // there are no MQTT clients yet
  const sort = options.sort || "cid";
  const key = SORT_KEYS[sort];
  const top = new TopList<Entry>(page.end, inOrder(ASCENDING.has(sort) ? 1 : -1));
  const pace = new Pace();
  let total = 0;
  if (state === ConnectionState.Open || state === ConnectionState.All) {
    const one = cid > 0 ? server.connections.get(Number(cid)) : undefined;
    const clients = cid > 0 ? (one === undefined ? [] : [one]) : server.connections.values();
    for (const client of clients) {
      if (pace.due(2)) yield PAUSE;
      if (!isWanted(options, client.account.name, client.user)) continue;
      if (filters(filterSubject) && !(yield* subscribesTo(client, filterSubject, pace))) continue;
      total++;
      top.add({ id: client.id, key: key(factsOf(client), now), client, record: null });
    }
  }
  // With a cid, closed connections are searched only if no open one has it.
  if ((state === ConnectionState.Closed || state === ConnectionState.All) && (cid === 0 || total === 0)) {
    for (const record of server.closedConnections.all()) {
      if (pace.due()) yield PAUSE;
      if ((cid !== 0 && record.id !== cid) || !isWanted(options, record.account, record.user)) continue;
      total++;
      top.add({ id: record.id, key: key(record, now), client: null, record });
    }
  }
  const first = yield* top.sorted();
  return { total, shown: first.slice(page.start, page.end) };
}

function isWanted(options: ConnzOptions, account: string, user: string): boolean {
  return (options.account === "" || account === options.account) && (options.user === "" || user === options.user);
}

function* subscribesTo(client: RecordedClient, filter: string, pace: Pace): Sliced<boolean> {
  for (const { subject } of client.subscriptions.values()) {
    if (collideText(filter, decode(subject))) return true;
    if (pace.due(2)) yield PAUSE;
  }
  return false;
}

/** Equal keys are ordered by cid, in the direction of the sort. @param sign -1: descending */
function inOrder(sign: 1 | -1): (a: Entry, b: Entry) => number {
  return (a, b) => (a.key === b.key ? sign * (a.id - b.id) : a.key < b.key ? -sign : sign);
}

function* connectionsOf(server: MonitoredServer, shown: readonly Entry[], options: ConnzOptions, now: number): Generator<Fields> {
  for (const { client, record } of shown) yield connectionOf(server, record ?? connectionRecord(client!, 0), client, options, now);
  server.turn.end(); // sends PINGs that measure round trips
}

function connectionOf(
  server: MonitoredServer,
  record: ConnectionRecord,
  client: MonitoredClient | null,
  params: ConnzOptions,
  now: number,
): Fields {
  if (client !== null && record.roundTripMs === 0 && record.lang !== "") client.askRoundTrip();
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
    ...tlsFields(record, params.auth ? (client === null ? [] : certificatesOf(client)) : []),
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
function nameTag(server: MonitoredServer, record: ConnectionRecord, client: MonitoredClient | null, withAuth: boolean): string {
  if (client !== null) return client.account.nameTag;
  const account = withAuth && record.account !== GLOBAL_ACCOUNT ? server.accountNamed(record.account) : undefined;
  return account === undefined ? record.nameTag : account.nameTag;
}

function openSubscriptions(client: RecordedClient, { subscriptions: wanted }: ConnzOptions): Fields {
  if (wanted === "none" || client.subscriptions.size === 0) return {};
  if (wanted === "list") return { subscriptions_list: listed(client, subjectsOf(client)) };
  return { subscriptions_list_detail: listed(client, subscriptionDetailsOf(client)) };
}

/** A connection with few subscriptions is written at once, as plain JSON, which costs a fraction. */
function listed({ subscriptions }: RecordedClient, items: Iterable<unknown>): unknown {
  return subscriptions.size <= WRITTEN_AT_ONCE_MAX ? [...items] : new StreamedList(items);
}

function* subjectsOf({ subscriptions }: RecordedClient): Generator<string> {
  for (const { subject } of subscriptions.values()) yield decode(subject);
}

function* subscriptionDetailsOf({ id, subscriptions }: RecordedClient): Generator<Fields> {
  for (const subscription of subscriptions.values()) yield subscriptionDetail(subscriptionRecord(subscription, id));
}

/** As in the reference, subscriptions of closed connections name their account; those of open connections do not. */
function closedSubscriptions({ account, accountTag, subscriptions }: ConnectionRecord, { subscriptions: wanted }: ConnzOptions): Fields {
  if (wanted === "none" || subscriptions.length === 0) return {};
  if (wanted === "list") return { subscriptions_list: subscriptions.map(({ subject }) => subject) };
  return { subscriptions_list_detail: subscriptions.map(one => ({ account, account_tag: accountTag, ...subscriptionDetail(one) })) };
}

function reasonText({ closeReason }: Pick<ConnectionRecord, "closeReason">): string {
  return closeReason === 0 ? "" : CLOSE_TEXTS[closeReason];
}

/** Round trip as text; below one millisecond rounded to microseconds, as in the reference. */
function roundTripText(ms: number): string {
  const nanos = Math.round(ms * NANOS_PER_MS);
  if (nanos <= NANOS_PER_MICRO || nanos >= NANOS_PER_MS) return goDuration(nanos);
  return goDuration(Math.trunc(nanos / NANOS_PER_MICRO) * NANOS_PER_MICRO);
}
