/**
 * Services about one account: `$SYS.REQ.ACCOUNT.<account>.<name>`. Other accounts can ask about themselves through imports that every account
 * has (accounts/account/system-trade.ts).
 * Source: reference, core §8.4.
 */

import { decodeJson } from "../../base/go/json-decode.ts";
import { JsonError } from "../../base/go/json-error.ts";
import type { Decoded, Shape } from "../../base/go/json-shape.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import type { Sliced } from "../../base/scheduling/sliced.ts";
import type { ServiceHandler, ServiceRequest } from "../../services/service-request.ts";
import { accountInfoOf, accountStatzOf } from "../monitor/accountz.ts";
import { connzOf } from "../monitor/connz.ts";
import { accountJszOf } from "../monitor/jsz.ts";
import { leafzOf } from "../monitor/other-servers.ts";
import { subszOf } from "../monitor/subsz.ts";
import type { Events } from "./events.ts";
import { SILENCE } from "./replier.ts";
import { connzOptions, jszOptions, type ServiceParts } from "./server-services.ts";
import * as shapes from "./service-options.ts";

/** Which token of the subject names the account, counted from 0. */
const ACCOUNT_TOKEN = 3;

/** Handlers by the last token of their subjects. */
export function accountServices(parts: ServiceParts, events: Events): ReadonlyMap<string, ServiceHandler> {
  const { host, replier } = parts;
  const service =
    <T extends object>(options: Shape<T>, answer: (options: T, account: string) => unknown): ServiceHandler =>
    request =>
      replier.reply(request, options, given => answer(given, request.token(ACCOUNT_TOKEN)));
  return new Map<string, ServiceHandler>([
    ["SUBSZ", service(shapes.SUBSZ, (options, account) => subszOf(host, { ...options, lists: true, account }))],
    ["CONNZ", service(shapes.CONNZ, (options, account) => connzOf(host, connzOptions({ ...options, acc: account })))],
    ["LEAFZ", service(shapes.LEAFZ, () => leafzOf(host))],
    ["JSZ", service(shapes.JSZ, (options, account) => accountJszOf(host, account, jszOptions(options)))],
    ["INFO", service(shapes.ACCOUNT_INFO, (_, account) => accountInfoOf(host, account))],
    // PING means all accounts: `allAccountsStatz` answers it.
    ["STATZ", service(shapes.ACCOUNT_STATZ, (given, name) => (name === "PING" ? SILENCE : statz(parts, { ...given, accounts: [name] })))],
    ["CONNS", request => answerConnections(parts, events, request)],
  ]);
}

/** `$SYS.REQ.ACCOUNT.PING.STATZ` */
export function allAccountsStatz(parts: ServiceParts): ServiceHandler {
  return request => parts.replier.reply(request, shapes.ACCOUNT_STATZ, options => statz(parts, options));
}

function* statz(
  { host }: ServiceParts,
  { accounts, include_unused }: Pick<Decoded<typeof shapes.ACCOUNT_STATZ>, "accounts" | "include_unused">,
): Sliced<unknown> {
  const { answer, count } = yield* accountStatzOf(host, { accounts, includeUnused: include_unused });
  return count === 0 && !include_unused ? SILENCE : answer;
}

/** Servers ask each other for their connections of an account. A server without any does not answer. */
function answerConnections({ host, sender }: ServiceParts, events: Events, request: ServiceRequest): void {
  const name = request.token(ACCOUNT_TOKEN);
  try {
    const requested = request.body.length === 0 ? name : decodeJson(shapes.CONNECTIONS, request.body).acc || name;
    if (requested !== name) return host.log.error("SYSTEM - Error unmarshalled account does not match subject");
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return host.log.error(`SYSTEM - Error unmarshalling account connections request message: ${error.message}`);
  }
  const account = host.accountNamed(name);
  if (account !== undefined && account.connections > 0) sender.answer(request.reply, null, compactGoJson(events.counts(account)));
}
