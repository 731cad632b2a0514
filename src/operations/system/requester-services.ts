/**
 * Services whose answer depends on the requester: its own user information, and the number of subscribers in its account.
 * Source: reference, core §8.4.
 */

import { permissionInfo } from "../../access/permission/permission-info.ts";
import type { Account } from "../../accounts/account/account.ts";
import { decode, encode } from "../../base/bytes/ascii.ts";
import { decodeJson } from "../../base/go/json-decode.ts";
import { JsonError } from "../../base/go/json-error.ts";
import { Client } from "../../connections/client/client.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { membersOf } from "../../messaging/subject/queue-group.ts";
import { isValidLiteral } from "../../messaging/subject/subject.ts";
import { hasWildcardText, isSubsetText } from "../../messaging/subject/subject-text.ts";
import { accountNameOf, requesterOf } from "../../services/requester.ts";
import type { ServiceHandler } from "../../services/service-request.ts";
import { unlessEmpty } from "../monitor/endpoint.ts";
import type { ServiceParts } from "./server-services.ts";
import * as shapes from "./service-options.ts";

const NS_PER_SECOND = 1e9;
const MS_PER_SECOND = 1_000;
const BAD_REQUEST = 400;

/** `$SYS.REQ.USER.<account>.INFO`: answered by the server that the requester is connected to, because only it has the permissions. */
export function answerUserInfo({ host, replier }: ServiceParts): ServiceHandler {
  return request => {
    const { originator, reply } = request;
    if (reply === "" || !(originator instanceof Client)) return;
    const requester = requesterOf(request);
    const named = requester === null ? "" : accountNameOf(requester);
    if (requester === null || (named !== "" && host.accountNamed(named) === undefined))
      return replier.fail(request, BAD_REQUEST, "", false);
    const { acc, user, name_tag } = requester;
    const account = acc === "" ? undefined : host.accountNamed(acc);
    const permissions = originator.permissions?.permissions ?? null;
    replier.succeed(request, {
      user,
      account: acc,
      ...unlessEmpty("account_name", account === undefined ? "" : account.nameTag),
      ...unlessEmpty("user_name", name_tag),
      ...(permissions === null ? {} : { permissions: permissionInfo(permissions) }),
      ...unlessEmpty("expires", secondsLeft(originator, host.clock.now()) * NS_PER_SECOND),
    });
  };
}

function secondsLeft({ login }: Client, now: number): number {
  const expiresAt = login?.expiresAt ?? 0;
  return expiresAt === 0 ? 0 : Math.trunc((expiresAt - now) / MS_PER_SECOND);
}

/** `$SYS.DEBUG.SUBSCRIBERS`: `<subject> [queue]`, in the requester's account. */
export function countForRequester({ host, sender }: ServiceParts): ServiceHandler {
  return request => {
    if (request.originator === null) return;
    const requester = requesterOf(request);
    if (requester === null) return;
    const named = accountNameOf(requester);
    const account = named === "" ? host.systemAccount : host.accountNamed(named);
    if (!account) return;
    const [subject, queue] = request.body.toString().trim().split(" ");
    sender.answer(request.reply, null, String(subscribers(account, subject, queue ?? null)));
  };
}

/** `$SYS.REQ.ACCOUNT.NSUBS`: another server asks on behalf of one of its clients. */
export function countForServer({ host, sender }: ServiceParts): ServiceHandler {
  return request => {
    if (request.body.length === 0) return host.log.error("SYSTEM - request requires a body");
    try {
      const { acc, subject, queue } = decodeJson(shapes.SUBSCRIBERS, request.body);
      const account = host.accountNamed(acc);
      if (account === undefined || account.connections === 0) return;
      const group = queue === null ? null : decode(queue);
      sender.answer(request.reply, null, String(subscribers(account, subject, group)));
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      host.log.error(`SYSTEM - Error unmarshalling account nsubs request message: ${error.message}`);
    }
  };
}

/** Counts clients' subscriptions: those that a message on a literal subject reaches, or those within a pattern. @param queue null: any */
function subscribers({ interest }: Account, subject: string, queue: string | null): number {
  const counts = ({ sink, queue: own }: Subscription) =>
    sink instanceof Client && (queue === null || (own !== null && Buffer.from(own).toString() === queue));
  const text = ({ subject: own }: Subscription) => Buffer.from(own).toString();
  if (hasWildcardText(subject)) return interest.all().filter(one => isSubsetText(text(one), subject) && counts(one)).length;
  const bytes = encode(subject);
  if (!isValidLiteral(bytes, 0, bytes.length)) return 0;
  const { plain, groups } = interest.match(bytes, 0, bytes.length);
  return [...plain, ...groups.flatMap(membersOf)].filter(counts).reduce((sum, { weight }) => sum + weight, 0);
}
