/**
 * `/subsz`, also `/subscriptionsz`: figures of subscriptions in all accounts or one, and on request the subscriptions themselves.
 *
 *   tries, some nodes at a time ─▶ test subject ─▶ the first `offset + limit` by cid, sid, subject ─▶ the page, written as it is sent
 */
import type { Account } from "../../accounts/account/account.ts";
import { encode } from "../../base/bytes/ascii.ts";
import { StreamedList } from "../../base/go/json-stream.ts";
import { exactInteger } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { TopList } from "../../base/scheduling/top-list.ts";
import { type SubscriptionRecord, subscriptionRecord } from "../../connections/client/connection-record.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { isValidLiteral } from "../../messaging/subject/subject.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";
import { Origin } from "../../messaging/subject/trie-entry.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import { countRequest, type Fields, jsonAnswer, type MonitorContext } from "./endpoint.ts";
import { EndpointError } from "./endpoint-error.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { pageOf } from "./page.ts";
import type { Query } from "./query.ts";

const LIMIT_INITIAL = 1_024;
/** Subscriptions that are read from a trie at once. */
const SLICE_ENTRIES = 256;
/** Units of work for the figures of an account. */
const STATS_UNITS = 64;

export function* subsz(context: MonitorContext, query: Query): Sliced<HttpAnswer> {
  countRequest(context, "/subsz");
  const lists = query.flag("subs");
  const offset = query.integer("offset");
  const limit = query.integer("limit");
  const options = { lists, offset, limit, test: query.text("test"), account: query.text("acc") };
  return jsonAnswer(yield* subszOf(context.server, options));
}

export interface SubszOptions {
  readonly lists: boolean;
  /** Below 0: 0. */
  readonly offset: number | bigint;
  /** Not above 0: 1,024. */
  readonly limit: number | bigint;
  /** Only subscriptions that match this subject; empty: all. */
  readonly test: string;
  /** Only this account; empty: all. */
  readonly account: string;
}

/** @throws EndpointError the test subject is not a valid literal subject */
export function* subszOf(server: MonitoredServer, options: SubszOptions): Sliced<Fields> {
  const { lists, account } = options;
  const page = pageOf(options.offset, options.limit, LIMIT_INITIAL);
  const test = options.test === "" ? null : encode(options.test);
  if (test !== null && !isValidLiteral(test, 0, test.length)) {
    throw new EndpointError(`invalid test subject, must be valid publish subject: ${options.test}`);
  }
  const accounts = account === "" ? server.accounts : server.accounts.filter(({ name }) => name === account);
  const now = goTime(server.clock.now());
  const stats = yield* interestStats(accounts);
  const listed = lists ? yield* localSubscriptions(server, accounts, test, page.end) : { total: 0, first: [] };
  const shown = listed.first.slice(page.start, page.end);
  return {
    server_id: server.identity.id,
    now,
    ...stats,
    total: listed.total,
    offset: exactInteger(page.offset),
    limit: exactInteger(page.limit),
    ...(shown.length === 0 ? {} : { subscriptions_list: new StreamedList(details(shown)) }),
  };
}

/** The figures alone. */
export function* subszTotals(server: MonitoredServer): Sliced<Record<string, number>> {
  return { ...(yield* interestStats(server.accounts)), total: 0, offset: 0, limit: LIMIT_INITIAL };
}

interface Listed {
  readonly account: Account;
  readonly subscription: Subscription;
  readonly cid: number;
}

/** @param most how many of the first ones are needed */
function* localSubscriptions(
  server: MonitoredServer,
  accounts: readonly Account[],
  test: Uint8Array | null,
  most: number,
): Sliced<{ total: number; first: Listed[] }> {
  const top = new TopList<Listed>(most, inOrder);
  const pace = new Pace();
  const entries: Subscription[] = [];
  let total = 0;
  for (const account of accounts) {
    for (let node = 1; node !== 0; ) {
      entries.length = 0;
      node = account.interest.collectSome(node, SLICE_ENTRIES, entries);
      for (const subscription of entries) {
        if (subscription.origin !== Origin.Local) continue;
        if (test !== null && !matchesLiteral(subscription.subject, test, 0, test.length)) continue;
        total++;
        const client = server.clientOf(subscription.sink);
        // Shadows of subscriptions in other accounts are listed there.
        top.add({ account: client?.account ?? account, subscription, cid: client?.id ?? 0 });
        if (pace.due(2)) yield PAUSE;
      }
      if (pace.due(SLICE_ENTRIES / 4)) yield PAUSE;
    }
  }
  return { total, first: yield* top.sorted() };
}

function inOrder(a: Listed, b: Listed): number {
  if (a.cid !== b.cid) return a.cid - b.cid;
  return Buffer.compare(a.subscription.sid, b.subscription.sid) || Buffer.compare(a.subscription.subject, b.subscription.subject);
}

function* details(shown: readonly Listed[]): Generator<Fields> {
  for (const { account, subscription, cid } of shown) {
    yield { account: account.name, account_tag: account.nameTag, ...subscriptionDetail(subscriptionRecord(subscription, cid)) };
  }
}

/** Combines several accounts: counts are added, rates computed over all of them. */
export function* interestStats(accounts: readonly Account[]): Sliced<Record<string, number>> {
  let [subs, cached, inserts, removes, matches, hits, maxFanout, fanout] = [0, 0, 0, 0, 0, 0, 0, 0];
  const pace = new Pace();
  for (const { interest } of accounts) {
    const one = interest.stats();
    subs += one.subs;
    cached += one.cacheSize;
    inserts += one.inserts;
    removes += one.removes;
    matches += one.matches;
    hits += one.cacheHits;
    maxFanout = Math.max(maxFanout, one.maxFanout);
    fanout += one.avgFanout * one.cacheSize;
    if (pace.due(STATS_UNITS + one.cacheSize)) yield PAUSE;
  }
  return {
    num_subscriptions: subs,
    num_cache: cached,
    num_inserts: inserts,
    num_removes: removes,
    num_matches: matches,
    cache_hit_rate: matches > 0 ? hits / matches : 0,
    max_fanout: maxFanout,
    avg_fanout: fanout > 0 ? fanout / cached : 0,
  };
}

/** One subscription, as shown in /connz and /subsz. */
export function subscriptionDetail({ subject, queue, sid, delivered, deliveredMax, cid }: SubscriptionRecord): Fields {
  return {
    subject,
    ...(queue === "" ? {} : { qgroup: queue }),
    sid,
    msgs: delivered,
    ...(deliveredMax === 0 ? {} : { max: deliveredMax }),
    cid,
  };
}
