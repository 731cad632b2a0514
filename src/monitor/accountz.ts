/** `/accountz`: the accounts' names, or one account in detail; `/accstatz`: what passed through those that are used. */
import type { Account } from "../account/account.ts";
import { answerHead, countRequest, type Fields, jsonResponse, type MonitorContext } from "./endpoint.ts";
import { goTime } from "./go-json.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { type Query, QueryError } from "./query.ts";
import { interestStats } from "./subsz.ts";

export function accountz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/accountz");
  const { server } = context;
  const name = query.text("acc");
  const head = { ...answerHead(server), system_account: server.systemAccount?.name ?? "" };
  if (name === "") return jsonResponse({ ...head, accounts: server.accounts.map(account => account.name) });
  const account = server.accounts.find(one => one.name === name);
  if (account === undefined) throw new QueryError(`Account ${name} does not exist`);
  return jsonResponse({ ...head, account_detail: accountDetail(server, account) });
}

export function accountDetail(server: MonitoredServer, account: Account): Fields {
  return {
    account_name: account.name,
    update_time: goTime(server.startedAt),
    ...(account === server.systemAccount ? { is_system: true } : {}),
    expired: false,
    complete: true,
    jetstream_enabled: false,
    leafnode_connections: 0,
    client_connections: account.connections,
    subscriptions: account.interest.count,
    name_tag: account.name,
    sublist_stats: interestStats([account]),
  };
}

export function accstatz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/accstatz");
  const unused = query.flag("unused");
  const { server } = context;
  return jsonResponse({ ...answerHead(server), account_statz: accountStats(server, unused) });
}

/** @param unused accounts that nobody is connected to, too */
export function accountStats(server: MonitoredServer, unused: boolean): AccountStats[] {
  return server.accounts.filter(account => unused || account.connections > 0).map(statsOf);
}

export type AccountStats = ReturnType<typeof statsOf>;

function statsOf({ name, connections, interest, traffic, slowConsumers }: Account) {
  return {
    acc: name,
    name,
    conns: connections,
    leafnodes: 0,
    total_conns: connections,
    num_subscriptions: interest.count,
    sent: dataStats(traffic.outMessages, traffic.outBytes),
    received: dataStats(traffic.inMessages, traffic.inBytes),
    slow_consumers: slowConsumers,
  };
}

/** What went through other servers counts apart; there are none. */
function dataStats(msgs: number, bytes: number) {
  const none = { msgs: 0, bytes: 0 };
  return { msgs, bytes, gateways: none, routes: none, leafs: none };
}
