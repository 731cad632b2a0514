/**
 * A client and its account: the login decides in which account the client publishes and subscribes, and what it may do.
 * Cold: once per connection, and when accounts, permissions or limits change.
 */

import { forgetStamps } from "../../access/permission/allowed-stamps.ts";
import { ClientPermissions } from "../../access/permission/client-permissions.ts";
import type { Permissions } from "../../access/permission/permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import { addShadows, removeShadows } from "../../accounts/account/stream-import.ts";
import type { Login } from "../../auth/users/authenticator.ts";
import { assert } from "../../base/assert/assert.ts";
import { encode, quote } from "../../base/bytes/ascii.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { UnitsOf } from "../../base/scheduling/work-meter.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { PAYLOAD_UNLIMITED } from "../../wire/protocol/parser.ts";
import { REFUSALS, Refusal, refusalText } from "../../wire/protocol/refusal.ts";
import { logLimited } from "../link/limited-log.ts";
import type { Client } from "./client.ts";

/** A client at its limit of subscriptions gets an error, and is closed after this time. */
const OVER_LIMIT_MS = 20;
const SUBSCRIPTION_LIMIT_LOG_MS = 2_000;
/** Longest delay of a timer. */
const TIMER_MS_MAX = 24 * 60 * 60 * 1_000;

/** Binds a new client to the global account until its login. */
export function enterGlobal(client: Client): void {
  moveTo(client, client.host.globalAccount);
}

/** Applies a login. @returns None, or why it is refused; then no account counts the client */
export function bind(client: Client, login: Login): Refusal {
  identify(client, login);
  client.user = login.user;
  client.proxyKey = login.proxyKey;
  if (client.registered !== login.account) {
    leaveAccount(client);
    if (login.account.isFull || login.accountFull) return Refusal.MaxAccountConnectionsExceeded;
    moveTo(client, login.account);
  } else if (login.account.isOverfull) {
    leaveAccount(client);
    return Refusal.MaxAccountConnectionsExceeded;
  }
  usePermissions(client, login.permissions);
  expireAt(client, login.expiresAt);
  applyLimits(client);
  return Refusal.None;
}

/** Gives a client that is not logged in an identity for logs, until a callout service decides. A client that is authenticated again keeps its own. */
export function bindProvisionally(client: Client, login: Login): void {
  if (client.login === null) identify(client, login);
}

function identify(client: Client, login: Login): void {
  changeAccount(client, login.account);
  client.login = login;
  client.nameTag = login.nameTag;
  client.tags = login.tags;
  client.requestHeader = null; // it described the login before
}

/** Work of binding a client again: its login is checked, and each subscription gets a new filter and new shadows. */
export function unitsToBind({ subscriptions }: Client): number {
  return UnitsOf.login + subscriptions.size * UnitsOf.step;
}

/** The only place that changes a client's account. Its subscriptions are in the old account's trie, so they are removed first. */
export function changeAccount(client: Client, account: Account): void {
  if (client.account === account) return;
  client.subscriptions.removeAll();
  client.account = account;
  forgetStamps(client);
}

function moveTo(client: Client, account: Account): void {
  leaveAccount(client);
  changeAccount(client, account);
  client.registered = account;
  client.inSystemAccount = account === client.host.systemAccount;
  account.connections++;
  client.host.onConnectionsChanged(account);
  followAccount(client);
}

/** The account no longer counts the client among its connections. */
export function leaveAccount(client: Client): void {
  if (client.registered === null) return;
  const account = client.registered;
  account.connections--;
  assert(account.connections >= 0, "an account has no negative number of connections", account.name, account.connections);
  client.registered = null;
  client.host.onConnectionsChanged(account);
}

/** Undoes the login: the client authenticates again. */
export function unbind(client: Client): void {
  client.login = null;
  client.permissions = null;
  cancelExpiry(client);
  moveTo(client, client.host.globalAccount);
}

function usePermissions(client: Client, permissions: Permissions | null): void {
  const { turn } = client.host;
  if (permissions === null) client.permissions = null;
  else if (client.permissions === null) client.permissions = new ClientPermissions(permissions, turn.clock, turn.random);
  else if (client.permissions.permissions !== permissions) client.permissions.follow(permissions);
  forgetStamps(client);
  followAccount(client);
}

/** Called after mappings or permissions have changed. */
export function followAccount(client: Client): void {
  const { account, permissions } = client;
  client.guarded = account.mappings !== null || (permissions !== null && permissions.permissions.publish !== null);
}

/** The lowest limit. -1 is no limit; other negative limits allow nothing. @returns -1 if there is no limit */
function leastOf(...limits: number[]): number {
  const real = limits.filter(limit => limit !== -1);
  return real.length === 0 ? -1 : Math.max(0, Math.min(...real));
}

/** Called after limits of user, account or server have changed. A client that has reached its limit of subscriptions gets an error and is closed. */
export function applyLimits(client: Client): void {
  const { account, host, login } = client;
  const { options } = host;
  const server = options.subscriptionsMax === 0 ? -1 : options.subscriptionsMax;
  client.subscriptionsMax = leastOf(login?.limits?.subscriptionsMax ?? -1, account.limits.subscriptionsMax, server);
  const payload = leastOf(login?.limits?.payloadBytesMax ?? -1, account.limits.payloadBytesMax, options.payloadBytesMax);
  client.parser.payloadBytesMax = payload < 0 ? PAYLOAD_UNLIMITED : payload;
  if (client.subscriptionsMax < 0 || client.subscriptions.size < client.subscriptionsMax) return;
  refuseSubscription(client);
  const { turn } = host;
  turn.timers.set(
    new WheelTimer(() => {
      client.close(CloseReason.MaxSubscriptionsExceeded);
      turn.end();
    }),
    OVER_LIMIT_MS,
  );
}

/** Refuses a subscription over the limit. Logs that at most every 2 s for all clients of the account, as the reference does. */
export function refuseSubscription(client: Client): void {
  const { account, host } = client;
  const now = host.turn.clock.monotonic();
  if (now >= account.subscriptionLimitLogAt) {
    account.subscriptionLimitLogAt = now + SUBSCRIPTION_LIMIT_LOG_MS;
    client.logError(REFUSALS[Refusal.MaxSubscriptionsExceeded].error!);
  }
  client.refuse(Refusal.MaxSubscriptionsExceeded);
}

function expireAt(client: Client, at: number): void {
  cancelExpiry(client);
  if (at === 0) return;
  const { turn } = client.host;
  client.expiryTimer = new WheelTimer(() => {
    if (turn.clock.now() < at) return expireAt(client, at); // the timer was set to its maximum
    expire(client, Refusal.UserAuthenticationExpired);
    turn.end();
  });
  turn.timers.set(client.expiryTimer, Math.min(Math.max(0, at - turn.clock.now()), TIMER_MS_MAX));
}

export function cancelExpiry(client: Client): void {
  if (client.expiryTimer !== null) client.host.turn.timers.cancel(client.expiryTimer);
  client.expiryTimer = null;
}

/** Called when the login or the account has expired or was revoked. */
export function expire(client: Client, refusal: Refusal): void {
  logLimited(client, "debug", REFUSALS[refusal].error!);
  client.refuse(refusal);
}

/** Gives a new subscription its filter of denied subjects, and its shadows in the accounts whose streams its account imports. */
export function attachFilterAndShadows(client: Client, subscription: Subscription): void {
  const { permissions } = client;
  subscription.filter = permissions === null ? null : permissions.filterOf(subscription.subject, subscription.queue);
  addShadows(client.account, subscription);
}

/** Called after the account's stream imports have changed. */
export function renewShadows(client: Client): void {
  for (const subscription of client.subscriptions.values()) {
    removeShadows(subscription);
    addShadows(client.account, subscription);
  }
}

/** Called after the permissions have changed: removes subscriptions that are no longer allowed, and sends the client an error for each. */
export function reviewSubscriptions(client: Client): void {
  const { permissions } = client;
  for (const subscription of [...client.subscriptions.values()]) {
    const { subject, queue, sid } = subscription;
    if (permissions !== null && !permissions.maySubscribe(subject, queue)) {
      client.subscriptions.remove(subscription);
      const subjectText = quote(subject);
      const sidText = quote(sid);
      // After the removal, as in the reference.
      client.sendError(
        queue === null
          ? refusalText(Refusal.SubscribePermissionLost, subjectText, sidText)
          : refusalText(Refusal.QueueSubscribePermissionLost, subjectText, quote(queue), sidText),
      );
      const using = queue === null ? "" : ` using queue ${quote(queue)}`;
      client.log.notice(`Removed sub ${subjectText}${using} (sid ${sidText}) for ${shownUser(client)} - not authorized`);
      continue;
    }
    subscription.filter = permissions === null ? null : permissions.filterOf(subject, queue);
    for (const shadow of subscription.shadows ?? []) shadow.filter = subscription.filter;
  }
}

/** The client's user, for log lines that do not name the connection. */
export function shownUser({ connect, login }: Client): string {
  if (connect.nkey !== "") return `Nkey ${quote(encode(connect.nkey))}`;
  if (connect.user !== "") return `User ${quote(encode(connect.user))}`;
  if (login?.claim) return `JWT User ${quote(encode(login.claim.subject))}`;
  return connect.auth_token === "" ? 'User "N/A"' : 'Token "[REDACTED]"';
}
