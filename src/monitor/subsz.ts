/** `/subsz`, also `/subscriptionsz`: interest of all accounts, or one, and on request the subscriptions themselves. */
import type { Account } from "../account/account.ts";
import { encode } from "../bytes/ascii.ts";
import { Client } from "../connection/client.ts";
import { subscriptionRecord } from "../connection/connection-record.ts";
import type { Subscription } from "../delivery/subscription.ts";
import { isValidLiteral } from "../subject/subject.ts";
import { matchesLiteral } from "../subject/subject-overlap.ts";
import { countRequest, type Fields, jsonResponse, type MonitorContext } from "./endpoint.ts";
import { goTime } from "./go-json.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { type Query, QueryError } from "./query.ts";
import { subscriptionDetail } from "./subscription-detail.ts";

const LIMIT_INITIAL = 1_024;

export function subsz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/subsz");
  const lists = query.flag("subs");
  const offset = Math.max(0, query.integer("offset"));
  const asked = query.integer("limit");
  const limit = asked <= 0 ? LIMIT_INITIAL : asked;
  const testText = query.text("test");
  const test = testText === "" ? null : encode(testText);
  if (test !== null && !isValidLiteral(test, 0, test.length)) {
    throw new QueryError(`invalid test subject, must be valid publish subject: ${testText}`);
  }
  return jsonResponse(subszOf(context.server, { lists, offset, limit, test, account: query.text("acc") }));
}

interface Params {
  readonly lists: boolean;
  readonly offset: number;
  readonly limit: number;
  /** Only subscriptions that this subject reaches. */
  readonly test: Uint8Array | null;
  /** Empty: all of them. */
  readonly account: string;
}

const EVERYTHING: Params = { lists: false, offset: 0, limit: LIMIT_INITIAL, test: null, account: "" };

export function subszOf(server: MonitoredServer, { lists, offset, limit, test, account }: Params = EVERYTHING): Fields {
  const accounts = server.accounts.filter(({ name }) => account === "" || name === account);
  const found = lists ? accounts.flatMap(one => localSubscriptions(one, test)) : [];
  const page = found.slice(offset, offset + limit);
  return {
    server_id: server.identity.id,
    now: goTime(Date.now()),
    ...interestStats(accounts),
    total: found.length,
    offset,
    limit,
    ...(page.length === 0 ? {} : { subscriptions_list: page.map(detailOf) }),
  };
}

interface Listed {
  readonly account: Account;
  readonly subscription: Subscription;
}

function localSubscriptions(account: Account, test: Uint8Array | null): Listed[] {
  return account.interest
    .localEntries(false)
    .filter(({ subject }) => test === null || matchesLiteral(subject, test, 0, test.length))
    .map(subscription => ({ account, subscription }));
}

function detailOf({ account, subscription }: Listed): Record<string, unknown> {
  const cid = subscription.sink instanceof Client ? subscription.sink.id : 0;
  return { account: account.name, account_tag: account.name, ...subscriptionDetail(subscriptionRecord(subscription, cid)) };
}

/** Of several accounts together: counts are added, rates taken over all of them. */
export function interestStats(accounts: readonly Account[]): Record<string, number> {
  const stats = accounts.map(account => account.interest.stats());
  const sum = (read: (one: (typeof stats)[number]) => number) => stats.reduce((total, one) => total + read(one), 0);
  const matches = sum(one => one.matches);
  const cached = sum(one => one.cacheSize);
  const fanout = sum(one => one.avgFanout * one.cacheSize);
  return {
    num_subscriptions: sum(one => one.subs),
    num_cache: cached,
    num_inserts: sum(one => one.inserts),
    num_removes: sum(one => one.removes),
    num_matches: matches,
    cache_hit_rate: matches > 0 ? sum(one => one.cacheHits) / matches : 0,
    max_fanout: Math.max(0, ...stats.map(one => one.maxFanout)),
    avg_fanout: fanout > 0 ? fanout / cached : 0,
  };
}
