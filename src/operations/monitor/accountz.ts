/** `/accountz`: names of accounts, or one account in detail; `/accstatz`: traffic of accounts in use. */
import type { Account } from "../../accounts/account/account.ts";
import { StreamedList } from "../../base/go/json-stream.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import { accountDetail } from "./account-detail.ts";
import { answerHead, countRequest, type Fields, jsonAnswer, type MonitorContext, unlessEmpty } from "./endpoint.ts";
import { EndpointError } from "./endpoint-error.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

/** Units of work for the description of an account's traffic. */
const STAT_UNITS = 8;

export function* accountz(context: MonitorContext, query: Query): Sliced<HttpAnswer> {
  countRequest(context, "/accountz");
  return jsonAnswer(yield* accountzOf(context.server, { account: query.text("acc") }));
}

export interface AccountzOptions {
  /** Empty: lists the names of all accounts. */
  readonly account: string;
}

/** @throws EndpointError there is no such account */
export function* accountzOf(server: MonitoredServer, { account }: AccountzOptions): Sliced<Fields> {
  const head = { ...answerHead(server), ...unlessEmpty("system_account", server.systemAccount?.name ?? "") };
  if (account === "") return { ...head, accounts: new StreamedList(namesOf(server.accounts)) };
  return { ...head, account_detail: yield* accountInfoOf(server, account) };
}

function* namesOf(accounts: readonly Account[]): Generator<string> {
  for (const { name } of accounts) yield name;
}

/** @throws EndpointError there is no such account */
export function* accountInfoOf(server: MonitoredServer, name: string): Sliced<Fields> {
  const account = server.accountNamed(name);
  if (account === undefined) throw new EndpointError(`Account ${name} does not exist`);
  return yield* accountDetail(server, account);
}

export function* accstatz(context: MonitorContext, query: Query): Sliced<HttpAnswer> {
  countRequest(context, "/accstatz");
  return jsonAnswer((yield* accountStatzOf(context.server, { accounts: [], includeUnused: query.flag("unused") })).answer);
}

export interface AccountStatzOptions {
  /** Empty: all accounts. Unknown names are ignored. */
  readonly accounts: readonly string[];
  /** Includes accounts without connections. */
  readonly includeUnused: boolean;
}

/** @returns the answer, and the number of accounts in it */
export function* accountStatzOf(server: MonitoredServer, options: AccountStatzOptions): Sliced<{ answer: Fields; count: number }> {
  const head = answerHead(server);
  const stats = yield* accountStats(server, options);
  return { answer: { ...head, account_statz: new StreamedList(stats) }, count: stats.length };
}

export function* accountStats(server: MonitoredServer, { accounts, includeUnused }: AccountStatzOptions): Sliced<AccountStats[]> {
  const named = accounts.length === 0 ? server.accounts : accounts.map(name => server.accountNamed(name));
  const stats: AccountStats[] = [];
  const pace = new Pace();
  for (const account of named) {
    if (account !== undefined && (includeUnused || account.connections > 0)) stats.push(accountStat(account));
    if (pace.due(STAT_UNITS)) yield PAUSE;
  }
  return stats;
}

export type AccountStats = ReturnType<typeof accountStat>;

/** An account's traffic, as shown in events and monitoring. */
export function accountStat(account: Account) {
  const { name, connections, interest, traffic, slowConsumers } = account;
  return {
    acc: name,
    name: account.nameTag,
    conns: connections,
    leafnodes: 0,
    total_conns: connections,
    num_subscriptions: interest.count,
    sent: dataStats(traffic.outMessages, traffic.outBytes),
    received: dataStats(traffic.inMessages, traffic.inBytes),
    slow_consumers: slowConsumers,
  };
}

/** Traffic to other servers is counted separately; there are none yet. */
function dataStats(msgs: number, bytes: number) {
  const none = { msgs: 0, bytes: 0 };
  return { msgs, bytes, gateways: none, routes: none, leafs: none };
}
