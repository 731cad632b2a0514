/**
 * `/jsz` (JetStream) and `/raftz` (its RAFT groups, of which a server without a cluster has none).
 *
 *   all streams, some at a time ─▶ totals ─▶ accounts of the page ─▶ their streams, written as they are sent
 * Totals count all streams, whatever the request selects.
 * Source: reference, core §7.7.
 */
import { StreamedList } from "../../base/go/json-stream.ts";
import { exactInteger } from "../../base/go/json-writer.ts";
import { timeText } from "../../base/go/rfc3339.ts";
import { quoted, UINT64_MAX } from "../../base/go/strconv.ts";
import { goTime } from "../../base/go/time.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { TopList } from "../../base/scheduling/top-list.ts";
import { streamStateValue } from "../../jetstream/api/answers.ts";
import { streamConfigValue } from "../../jetstream/config/stream-config.ts";
import { type HttpAnswer, plainText } from "../http/http-answer.ts";
import { countRequest, type Fields, jsonAnswer, type MonitorContext, unlessEmpty } from "./endpoint.ts";
import { EndpointError, NotAddressed } from "./endpoint-error.ts";
import { configFields, limitFields, statsFields, streamsInOrder } from "./jetstream-fields.ts";
import type { JetStreamReport, ReportedAccount } from "./jetstream-report.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { pageOf } from "./page.ts";
import type { Query } from "./query.ts";

const ACCOUNTS_LIMIT = 1_024;

export function* jsz(context: MonitorContext, query: Query): Sliced<HttpAnswer> {
  countRequest(context, "/jsz");
  const options: JszOptions = {
    accounts: query.flag("accounts"),
    streams: query.flag("streams"),
    consumers: query.flag("consumers"),
    directConsumers: query.flag("direct-consumers"),
    config: query.flag("config"),
    offset: query.integer("offset"),
    limit: query.integer("limit"),
    leaderOnly: query.flag("leader-only"),
    raft: query.flag("raft"),
    streamLeaderOnly: query.flag("stream-leader-only"),
    account: query.text("acc"),
  };
  return jsonAnswer(yield* jszOf(context.server, options));
}

/** What the details of an account contain. Consumers do not exist yet, so the lists that these options ask for are empty. */
export interface DetailOptions {
  readonly streams: boolean;
  /** Implies `streams`. */
  readonly consumers: boolean;
  readonly directConsumers: boolean;
  /** The configuration of each stream. */
  readonly config: boolean;
  /** Names of RAFT groups, and how many of them this server leads: without a cluster all, and they have no names. */
  readonly raft: boolean;
  /** Only streams that this server leads: without a cluster all. */
  readonly streamLeaderOnly: boolean;
}

export interface JszOptions extends DetailOptions {
  /** Details of this account alone; empty, or without JetStream: see `accounts`. */
  readonly account: string;
  /** Details of all accounts on the page. Implied by `streams` without an account. */
  readonly accounts: boolean;
  /** Accounts before the page. */
  readonly offset: number | bigint;
  /** Accounts on the page; 0: 1,024; below 0: all, whatever the offset. */
  readonly limit: number | bigint;
  /** Only the leader of the meta group should answer: without a cluster each server with JetStream. */
  readonly leaderOnly: boolean;
}

export const NO_JSZ_OPTIONS: JszOptions = {
  account: "",
  accounts: false,
  streams: false,
  consumers: false,
  directConsumers: false,
  config: false,
  offset: 0,
  limit: 0,
  leaderOnly: false,
  raft: false,
  streamLeaderOnly: false,
};

/** @throws NotAddressed the request is for the leader only, and JetStream is off */
export function* jszOf(server: MonitoredServer, options: JszOptions): Sliced<Fields> {
  const { clock, identity, jetStream } = server;
  const head = { server_id: identity.id, now: goTime(clock.now()) };
  if (jetStream === null) {
    if (options.leaderOnly) throw new NotAddressed("filtered response: not leader");
    return { ...DISABLED_STATS, ...head, disabled: true, config: { max_memory: 0, max_storage: 0 }, ...NO_TOTALS, total: 0 };
  }
  const totals = yield* streamTotals(jetStream);
  const shown = yield* shownAccounts(jetStream, options);
  return {
    ...statsFields(jetStream),
    ...head,
    config: configFields(jetStream, true),
    limits: limitFields(jetStream),
    streams: totals.streams,
    ...(options.raft ? unlessEmpty("streams_leader", totals.streams) : {}),
    consumers: 0,
    messages: totals.messages,
    bytes: totals.bytes,
    ...(shown.length === 0 ? {} : { account_details: new StreamedList(accountDetails(server, shown, options)) }),
    total: jetStream.accounts.size,
  };
}

const DISABLED_STATS = {
  memory: 0,
  storage: 0,
  reserved_memory: 0,
  reserved_storage: 0,
  accounts: 0,
  ha_assets: 0,
  api: { level: 0, total: 0, errors: 0 },
};
const NO_TOTALS = { streams: 0, consumers: 0, messages: 0, bytes: 0 };

export interface StreamTotals {
  readonly streams: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Sums over all streams. */
export function* streamTotals({ accounts }: JetStreamReport): Sliced<StreamTotals> {
  const pace = new Pace();
  const totals = { streams: 0, messages: 0, bytes: 0 };
  for (const { streams } of [...accounts.values()]) {
    totals.streams += streams.size;
    for (const { store } of streams.values()) {
      totals.messages += store.state.messages;
      totals.bytes += store.state.bytes;
      if (pace.due()) yield PAUSE;
    }
    if (pace.due()) yield PAUSE;
  }
  return totals;
}

/** The accounts with details, sorted by name. An account that is asked for by name comes before all other options. */
function* shownAccounts({ accounts }: JetStreamReport, options: JszOptions): Sliced<readonly ReportedAccount[]> {
  const { account, offset, limit } = options;
  const named = accounts.get(account);
  if (named !== undefined) return [named];
  if (!options.accounts && (account !== "" || !withStreams(options))) return [];
  const page = limit < 0 ? ALL : pageOf(offset, limit, ACCOUNTS_LIMIT);
  const top = new TopList<ReportedAccount>(page.end, (a, b) => (a.account.name < b.account.name ? -1 : 1));
  const pace = new Pace();
  for (const one of [...accounts.values()]) {
    top.add(one);
    if (pace.due(2)) yield PAUSE;
  }
  return (yield* top.sorted()).slice(page.start, page.end);
}

const ALL = { start: 0, end: Number.POSITIVE_INFINITY };

function withStreams({ consumers, streams }: DetailOptions): boolean {
  return streams || consumers;
}

function* accountDetails(server: MonitoredServer, shown: readonly ReportedAccount[], options: DetailOptions): Generator<Fields> {
  const details = { ...options, streams: withStreams(options) };
  for (const one of shown) yield accountDetail(server, one, details);
}

function accountDetail(server: MonitoredServer, reported: ReportedAccount, options: DetailOptions): Fields {
  const { account, errors, limits, requests, streams, used } = reported;
  const single = limits.get("");
  return {
    name: account.nameTag || account.name,
    id: account.name,
    memory: Math.max(0, used.memory),
    storage: Math.max(0, used.storage),
    reserved_memory: single === undefined ? 0 : unsigned(single.memoryBytesMax),
    reserved_storage: single === undefined ? 0 : unsigned(single.storageBytesMax),
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: requests, errors },
    ...(options.streams && streams.size > 0 ? { stream_detail: new StreamedList(streamDetails(server, reported, options)) } : {}),
  };
}

/** The reference shows -1, no limit, as an unsigned number. */
function unsigned(limit: number | bigint): unknown {
  return exactInteger(limit < 0 ? UINT64_MAX + 1n + BigInt(limit) : limit);
}

/** The streams of an account by name, for a list that is written in slices. */
function* streamDetails(
  { options, serverName }: MonitoredServer,
  account: ReportedAccount,
  { config: withConfig }: DetailOptions,
): Generator<Fields | typeof PAUSE> {
  const cluster = { ...unlessEmpty("name", options.clusterName), leader: serverName };
  for (const { config, created, name, store } of yield* streamsInOrder(account)) {
    yield {
      name,
      created: timeText(created.high, created.low),
      cluster,
      ...(withConfig ? { config: streamConfigValue(config) } : {}),
      state: streamStateValue(store.state, 0),
    };
  }
}

/** The part about one account. @throws EndpointError it has no JetStream */
export function accountJszOf(server: MonitoredServer, name: string, options: DetailOptions): Fields {
  const { jetStream } = server;
  if (jetStream === null) throw new EndpointError("jetstream not enabled");
  if (server.accountNamed(name) === undefined) throw new EndpointError(`account ${quoted(name)} not found`);
  const account = jetStream.accounts.get(name);
  if (account === undefined) throw new EndpointError(`account ${quoted(name)} not jetstream enabled`);
  return accountDetail(server, account, options);
}

export function raftz(): HttpAnswer {
  return plainText("No Raft nodes registered", 404);
}

/** The groups of an account, for the system service. */
export function raftzOf(): Fields {
  return {};
}
