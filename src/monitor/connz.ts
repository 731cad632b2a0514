/**
 * `/connz`: connections, open and closed, filtered, sorted, one page of them.
 *
 *   open clients ─┐
 *                 ├─ acc, cid, user ─▶ sort ─▶ offset, limit ─▶ subscriptions and identity of the page only
 *   closed ring ──┘
 */
import { GLOBAL_ACCOUNT } from "../account/account.ts";
import { goDuration } from "../config/go-duration.ts";
import type { Client } from "../connection/client.ts";
import { type ConnectionRecord, connectionRecord } from "../connection/connection-record.ts";
import { CLOSE_TEXTS } from "../protocol/close-reason.ts";
import { KIND_TEXTS } from "../protocol/connection-kind.ts";
import type { PeerCertificate } from "../transport/tls-state.ts";
import { countRequest, type Fields, jsonResponse, type MonitorContext, unlessEmpty } from "./endpoint.ts";
import { goTime, uptimeText } from "./go-json.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { type Query, QueryError } from "./query.ts";
import { subscriptionDetail } from "./subscription-detail.ts";

/** Connections of an answer, unless it is asked for more or fewer. */
export const CONNECTIONS_LIMIT = 1_024;
const NANOS_PER_MS = 1e6;
const NANOS_PER_MICRO = 1e3;

type State = "open" | "closed" | "all";

interface Params {
  readonly sort: string;
  readonly auth: boolean;
  readonly subscriptions: "none" | "list" | "detail";
  readonly offset: number;
  readonly limit: number;
  readonly cid: number;
  readonly state: State;
  readonly user: string;
  readonly account: string;
  readonly mqttClient: string;
}

/** A connection of the answer. `client`: the live one, null when it is closed. */
interface Entry {
  readonly record: ConnectionRecord;
  readonly client: Client | null;
}

export function connz(context: MonitorContext, query: Query): Response {
  const params = readParams(query);
  countRequest(context, "/connz");
  checkSort(params);
  return jsonResponse(connzOf(context.server, params));
}

/** In the reference's order, as the first that cannot be read is told. */
function readParams(query: Query): Params {
  const auth = query.flag("auth");
  const subscriptions = query.subscriptions();
  const offset = Math.max(0, query.integer("offset"));
  const limit = query.integer("limit");
  const cid = query.unsigned("cid");
  const state = readState(query.text("state"));
  return {
    sort: query.text("sort") || "cid",
    auth,
    subscriptions,
    offset,
    limit: cid > 0 ? 1 : limit <= 0 ? CONNECTIONS_LIMIT : limit,
    cid,
    state,
    user: query.text("user"),
    account: query.text("acc"),
    mqttClient: query.text("mqtt_client"),
  };
}

function readState(text: string): State {
  switch (text.toLowerCase()) {
    case "":
    case "open":
      return "open";
    case "closed":
      return "closed";
    case "any":
    case "all":
      return "all";
    default:
      throw new QueryError(`Error decoding state for ${text}`);
  }
}

/** Sort keys; the largest value comes first, but for those in `ASCENDING`. */
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

function checkSort({ sort, state }: Params): void {
  if (!Object.hasOwn(SORT_KEYS, sort)) throw new QueryError(`invalid sorting option: ${sort}`);
  if ((sort === "stop" || sort === "reason") && state !== "closed") {
    throw new QueryError(`sort by ${sort} only valid on closed connections`);
  }
}

function connzOf(server: MonitoredServer, params: Params): Fields {
  const now = Date.now();
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
  // What the reference answers for an account that it does not know.
  if (account !== "" && !server.accounts.some(({ name }) => name === account)) return answer("", 0, null);
  const ofAccount = (name: string) => account === "" || name === account;
  const open = state === "closed" ? [] : [...server.connections.values()].filter(client => ofAccount(client.account.name));
  const closed = state === "open" ? [] : server.closedConnections.all().filter(record => ofAccount(record.account));
  const entries = select(open, closed, params);
  sortEntries(entries, params.sort, now);
  const page = entries.slice(params.offset, params.offset + params.limit);
  const connections = page.map(entry => connectionOf(entry, params, now));
  server.turn.end(); // round trips may have been asked for
  return answer(server.identity.id, open.length + closed.length, connections);
}

function select(open: readonly Client[], closed: readonly ConnectionRecord[], params: Params): Entry[] {
  const { cid, user, mqttClient } = params;
  if (mqttClient !== "") return []; // nobody speaks MQTT here yet
  const wanted = (record: ConnectionRecord) => (cid === 0 || record.id === cid) && (user === "" || record.user === user);
  const live = cid === 0 ? open : open.filter(client => client.id === cid);
  return [
    ...live.map(client => ({ record: connectionRecord(client, 0), client })).filter(({ record }) => wanted(record)),
    ...closed.filter(wanted).map(record => ({ record, client: null })),
  ];
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

function connectionOf({ record, client }: Entry, params: Params, now: number): Fields {
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
    // Of closed connections the reference shows it unasked.
    ...(params.auth || closed ? unlessEmpty("jwt", withoutBearer(record.jwt)) : {}),
    ...(params.auth && (!closed || record.account !== GLOBAL_ACCOUNT) ? { name_tag: record.account } : {}),
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

/** Whoever holds a bearer JWT may use it: such a one is not shown. */
function withoutBearer(jwt: string): string {
  try {
    const claims = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString());
    return claims?.nats?.bearer_token === true ? "" : jwt;
  } catch {
    return jwt; // none that anybody could use
  }
}

function openSubscriptions(client: Client, { subscriptions: wanted }: Params): Fields {
  if (wanted === "none" || client.subscriptions.size === 0) return {};
  const { subscriptions } = connectionRecord(client, Number.POSITIVE_INFINITY);
  if (wanted === "list") return { subscriptions_list: subscriptions.map(({ subject }) => subject) };
  return { subscriptions_list_detail: subscriptions.map(subscriptionDetail) };
}

/** As the reference has it, they name their account; those of open connections do not. */
function closedSubscriptions({ account, subscriptions }: ConnectionRecord, { subscriptions: wanted }: Params): Fields {
  if (wanted === "none" || subscriptions.length === 0) return {};
  if (wanted === "list") return { subscriptions_list: subscriptions.map(({ subject }) => subject) };
  return { subscriptions_list_detail: subscriptions.map(one => ({ account, account_tag: account, ...subscriptionDetail(one) })) };
}

function reasonText({ closeReason }: ConnectionRecord): string {
  return closeReason === 0 ? "" : CLOSE_TEXTS[closeReason];
}

/** Below a millisecond to the microsecond, as the reference cuts it. */
function roundTripText(ms: number): string {
  const nanos = Math.round(ms * NANOS_PER_MS);
  if (nanos <= NANOS_PER_MICRO || nanos >= NANOS_PER_MS) return goDuration(nanos);
  return goDuration(Math.trunc(nanos / NANOS_PER_MICRO) * NANOS_PER_MICRO);
}
