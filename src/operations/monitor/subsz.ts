/** `/subsz`, also `/subscriptionsz`: figures of subscriptions in all accounts or one, and on request the subscriptions themselves. */
import type { Account } from "../../accounts/account/account.ts";
import { encode } from "../../base/bytes/ascii.ts";
import { goTime } from "../../base/go/time.ts";
import { Client } from "../../connections/client/client.ts";
import { type SubscriptionRecord, subscriptionRecord } from "../../connections/client/connection-record.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { isValidLiteral } from "../../messaging/subject/subject.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";
import { countRequest, type Fields, jsonResponse, type MonitorContext } from "./endpoint.ts";
import { EndpointError } from "./endpoint-error.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

const LIMIT_INITIAL = 1_024;

export function subsz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/subsz");
  const lists = query.flag("subs");
  const offset = query.integer("offset");
  const limit = query.integer("limit");
  return jsonResponse(subszOf(context.server, { lists, offset, limit, test: query.text("test"), account: query.text("acc") }));
}

export interface SubszOptions {
  readonly lists: boolean;
  /** Below 0: 0. */
  readonly offset: number;
  /** Not above 0: 1,024. */
  readonly limit: number;
  /** Only subscriptions that match this subject; empty: all. */
  readonly test: string;
  /** Only this account; empty: all. */
  readonly account: string;
}

const EVERYTHING: SubszOptions = { lists: false, offset: 0, limit: 0, test: "", account: "" };

/** @throws EndpointError the test subject is not a valid literal subject */
export function subszOf(server: MonitoredServer, options: SubszOptions = EVERYTHING): Fields {
  const { lists, account } = options;
  const offset = Math.max(0, options.offset);
  const limit = options.limit <= 0 ? LIMIT_INITIAL : options.limit;
  const test = options.test === "" ? null : encode(options.test);
  if (test !== null && !isValidLiteral(test, 0, test.length)) {
    throw new EndpointError(`invalid test subject, must be valid publish subject: ${options.test}`);
  }
  const accounts = server.accounts.filter(({ name }) => account === "" || name === account);
  const found = lists ? accounts.flatMap(one => localSubscriptions(one, test)) : [];
  const page = found.slice(offset, offset + limit);
  return {
    server_id: server.identity.id,
    now: goTime(server.clock.now()),
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
  const { sink } = subscription;
  const client = sink instanceof Client ? sink : null;
  // Shadows of subscriptions in other accounts are listed there.
  const owner = client?.account ?? account;
  return { account: owner.name, account_tag: owner.nameTag, ...subscriptionDetail(subscriptionRecord(subscription, client?.id ?? 0)) };
}

/** Combines several accounts: counts are added, rates computed over all of them. */
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

/** One subscription, as shown in /connz and /subsz. */
export function subscriptionDetail({ subject, queue, sid, delivered, deliveredMax, cid }: SubscriptionRecord): Record<string, unknown> {
  return {
    subject,
    ...(queue === "" ? {} : { qgroup: queue }),
    sid,
    msgs: delivered,
    ...(deliveredMax === 0 ? {} : { max: deliveredMax }),
    cid,
  };
}
