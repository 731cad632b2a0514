/** `/accountz`: names of accounts, or one account in detail; `/accstatz`: traffic of accounts in use. */
import type { Account } from "../../accounts/account/account.ts";
import { accountDetail } from "./account-detail.ts";
import { answerHead, countRequest, type Fields, jsonResponse, type MonitorContext, unlessEmpty } from "./endpoint.ts";
import { EndpointError } from "./endpoint-error.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

export function accountz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/accountz");
  return jsonResponse(accountzOf(context.server, { account: query.text("acc") }));
}

export interface AccountzOptions {
  /** Empty: lists the names of all accounts. */
  readonly account: string;
}

/** @throws EndpointError there is no such account */
export function accountzOf(server: MonitoredServer, { account }: AccountzOptions): Fields {
  const head = { ...answerHead(server), ...unlessEmpty("system_account", server.systemAccount?.name ?? "") };
  if (account === "") return { ...head, accounts: server.accounts.map(({ name }) => name) };
  return { ...head, account_detail: accountInfoOf(server, account) };
}

/** @throws EndpointError there is no such account */
export function accountInfoOf(server: MonitoredServer, name: string): Fields {
  const account = server.accountNamed(name);
  if (account === undefined) throw new EndpointError(`Account ${name} does not exist`);
  return accountDetail(server, account);
}

export function accstatz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/accstatz");
  return jsonResponse(accountStatzOf(context.server, { accounts: [], includeUnused: query.flag("unused") }));
}

export interface AccountStatzOptions {
  /** Empty: all accounts. Unknown names are ignored. */
  readonly accounts: readonly string[];
  /** Includes accounts without connections. */
  readonly includeUnused: boolean;
}

export function accountStatzOf(server: MonitoredServer, options: AccountStatzOptions) {
  return { ...answerHead(server), account_statz: accountStats(server, options) };
}

export function accountStats(server: MonitoredServer, { accounts, includeUnused }: AccountStatzOptions): AccountStats[] {
  const named = accounts.length === 0 ? server.accounts : accounts.map(name => server.accountNamed(name));
  return named
    .filter(account => account !== undefined)
    .filter(({ connections }) => includeUnused || connections > 0)
    .map(accountStat);
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
