/**
 * Services whose answer depends on the requester: its own user information, and the number of subscribers in its account.
 * Source: reference, core §8.4.
 */

import { permissionInfo } from "../../access/permission/permission-info.ts";
import type { Account } from "../../accounts/account/account.ts";
import { decode, encode } from "../../base/bytes/ascii.ts";
import { decodeJson } from "../../base/go/json-decode.ts";
import { JsonError } from "../../base/go/json-error.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { membersOf } from "../../messaging/subject/queue-group.ts";
import { isValidLiteral } from "../../messaging/subject/subject.ts";
import { hasWildcardText, isSubsetText } from "../../messaging/subject/subject-text.ts";
import { accountNameOf, requesterOf } from "../../services/requester.ts";
import type { Sender } from "../../services/sender.ts";
import type { ServiceHandler, ServiceRequest } from "../../services/service-request.ts";
import { unlessEmpty } from "../monitor/endpoint.ts";
import type { MonitoredClient } from "../monitor/monitored-client.ts";
import type { ServiceParts } from "./server-services.ts";
import * as shapes from "./service-options.ts";
import type { SystemHost } from "./system-host.ts";

const NS_PER_SECOND = 1e9;
const MS_PER_SECOND = 1_000;
const BAD_REQUEST = 400;

/** `$SYS.REQ.USER.<account>.INFO`: answered by the server that the requester is connected to, because only it has the permissions. */
export function answerUserInfo({ host, replier }: ServiceParts): ServiceHandler {
  return request => {
    const { originator, reply } = request;
    const client = originator === null ? null : host.clientOf(originator.sink);
    if (reply === "" || client === null) return;
    const requester = requesterOf(request);
    const named = requester === null ? "" : accountNameOf(requester);
    if (requester === null || (named !== "" && host.accountNamed(named) === undefined))
      return replier.fail(request, BAD_REQUEST, "", false);
    const { acc, user, name_tag } = requester;
    const account = acc === "" ? undefined : host.accountNamed(acc);
    const permissions = client.permissions?.permissions ?? null;
    replier.succeed(request, {
      user,
      account: acc,
      ...unlessEmpty("account_name", account === undefined ? "" : account.nameTag),
      ...unlessEmpty("user_name", name_tag),
      ...(permissions === null ? {} : { permissions: permissionInfo(permissions) }),
      ...unlessEmpty("expires", secondsLeft(client, host.clock.now()) * NS_PER_SECOND),
    });
  };
}

function secondsLeft({ login }: MonitoredClient, now: number): number {
  const expiresAt = login?.expiresAt ?? 0;
  return expiresAt === 0 ? 0 : Math.trunc((expiresAt - now) / MS_PER_SECOND);
}

/** `$SYS.DEBUG.SUBSCRIBERS`: `<subject> [queue]`, in the requester's account. */
export function countForRequester({ host, replier, sender }: ServiceParts): ServiceHandler {
  return request => {
    if (request.originator === null) return;
    const requester = requesterOf(request);
    if (requester === null) return;
    const named = accountNameOf(requester);
    const account = named === "" ? host.systemAccount : host.accountNamed(named);
    if (!account) return;
    const [subject, queue] = request.body.toString().trim().split(" ");
    replier.continueLater(request, answerCount(host, sender, request, account, subject, queue ?? null));
  };
}

/** `$SYS.REQ.ACCOUNT.NSUBS`: another server asks on behalf of one of its clients. */
export function countForServer({ host, replier, sender }: ServiceParts): ServiceHandler {
  return request => {
    if (request.body.length === 0) return host.log.error("SYSTEM - request requires a body");
    try {
      const { acc, subject, queue } = decodeJson(shapes.SUBSCRIBERS, request.body);
      const account = host.accountNamed(acc);
      if (account === undefined || account.connections === 0) return;
      const group = queue === null ? null : decode(queue);
      replier.continueLater(request, answerCount(host, sender, request, account, subject, group));
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      host.log.error(`SYSTEM - Error unmarshalling account nsubs request message: ${error.message}`);
    }
  };
}

function* answerCount(
  host: SystemHost,
  sender: Sender,
  { reply }: ServiceRequest,
  account: Account,
  subject: string,
  queue: string | null,
): Sliced<void> {
  sender.answer(reply, null, String(yield* subscribers(host, account, subject, queue)));
}

/** Subscriptions that are looked at between two pauses. */
const SLICE_ENTRIES = 256;

/** Counts clients' subscriptions: those that a message on a literal subject reaches, or those within a pattern. @param queue null: any */
function* subscribers(host: SystemHost, { interest }: Account, subject: string, queue: string | null): Sliced<number> {
  const counts = ({ sink, queue: own }: Subscription) =>
    (queue === null || (own !== null && Buffer.from(own).toString() === queue)) && host.clientOf(sink) !== null;
  let sum = 0;
  if (hasWildcardText(subject)) {
    const entries: Subscription[] = [];
    for (let node = 1; node !== 0; ) {
      entries.length = 0;
      node = interest.collectSome(node, SLICE_ENTRIES, entries);
      for (const one of entries) if (isSubsetText(Buffer.from(one.subject).toString(), subject) && counts(one)) sum++;
      yield PAUSE;
    }
    return sum;
  }
  const bytes = encode(subject);
  if (!isValidLiteral(bytes, 0, bytes.length)) return 0;
  const pace = new Pace();
  const { plain, groups } = interest.match(bytes, 0, bytes.length);
  for (const list of [plain, ...groups.map(membersOf)]) {
    for (const one of list) {
      if (counts(one)) sum += one.weight;
      if (pace.due(2)) yield PAUSE;
    }
  }
  return sum;
}
