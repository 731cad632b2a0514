/** The commands of a client except PUB and HPUB: SUB, UNSUB, CONNECT, INFO, -ERR. Not a hot path. */

import type { Login, Verdict } from "../../auth/users/authenticator.ts";
import { bytesEqual, decode, encode, quote } from "../../base/bytes/ascii.ts";
import { UnitsOf } from "../../base/scheduling/work-meter.ts";
import { Subscription } from "../../messaging/batch/subscription.ts";
import { tokenCount } from "../../messaging/subject/subject.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { type ConnectOptions, checkInfo, givenUser, readConnect } from "../../wire/protocol/connect-options.ts";
import { Refusal, refusalText } from "../../wire/protocol/refusal.ts";
import { readSub, readUnsub, type SubLine } from "../../wire/protocol/subscription-line.ts";
import {
  FLAG_AUTHENTICATING,
  FLAG_AWAITING_AUTH,
  FLAG_CONNECT_RECEIVED,
  FLAG_GONE,
  FLAG_INTRODUCED,
  FLAG_NO_RESPONDERS,
} from "../link/connection-flag.ts";
import { attachFilterAndShadows, bind, refuseSubscription, unbind } from "./binding.ts";
import type { Client } from "./client.ts";
import { clearAuthTimer, logRefusedLogin } from "./client-admission.ts";
import type { DefaultCredentials } from "./connection-settings.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** Queue group of the server's own services; clients may not join it. */
const SYSTEM_QUEUE = encode("_sys_");

/** `SUB <subject> [queue] <sid>`. A refused SUB gets an error; the connection stays open. */
export function handleSub(client: Client, source: Buffer, start: number, end: number): Refusal {
  if (client.tracing) client.traceIn("SUB", decode(source, start, end));
  const line = readSub(source, start, end, client.host.turn.batch.argumentBounds);
  if (typeof line === "string") return malformed(client, line);
  client.interestChanges++;
  client.host.turn.meter.done += UnitsOf.subscription;
  subscribe(client, line);
  return Refusal.None;
}

function subscribe(client: Client, { subject, queue, sid }: SubLine): void {
  const { options } = client.host;
  const { permissions } = client;
  if (queue !== null && bytesEqual(queue, SYSTEM_QUEUE)) return refuseSub(client, subject, queue, sid);
  if (permissions !== null && !permissions.maySubscribe(subject, queue)) return refuseSub(client, subject, queue, sid);
  if (options.subscriptionTokensMax > 0 && tokenCount(subject, 0, subject.length) > options.subscriptionTokensMax) {
    const text = quote(subject);
    client.sendError(refusalText(Refusal.SubscribeTooManyTokens, text));
    client.logError(`Subscription Violation Too Many Tokens - Subject ${text}, SID ${decode(sid)}`);
    return;
  }
  if (client.subscriptionsMax >= 0 && client.subscriptions.size >= client.subscriptionsMax) {
    return refuseSubscription(client);
  }
  if ((client.flags & FLAG_GONE) !== 0) return;
  // A repeated sid keeps the first subscription.
  if (client.subscriptions.get(sid) === undefined) {
    const subscription = new Subscription(client, subject, queue, sid);
    if (!client.subscriptions.add(subscription)) return client.refuse(Refusal.InvalidSubject);
    attachFilterAndShadows(client, subscription);
  }
  if (client.connect.verbose) client.sendOk();
}

function refuseSub(client: Client, subject: Uint8Array, queue: Uint8Array | null, sid: Uint8Array): void {
  const subjectText = quote(subject);
  if (queue === null) {
    client.sendError(refusalText(Refusal.SubscribePermission, subjectText));
    client.logError(`Subscription Violation - Subject ${subjectText}, SID ${decode(sid)}`);
    return;
  }
  const queueText = quote(queue);
  client.sendError(refusalText(Refusal.QueueSubscribePermission, subjectText, queueText));
  client.logError(`Subscription Violation - Subject ${subjectText}, Queue: ${queueText}, SID ${decode(sid)}`);
}

/** `UNSUB <sid> [max]`. An unknown sid is ignored. */
export function handleUnsub(client: Client, source: Buffer, start: number, end: number): Refusal {
  if (client.tracing) client.traceIn("UNSUB", decode(source, start, end));
  const line = readUnsub(source, start, end, client.host.turn.batch.argumentBounds);
  if (typeof line === "string") return malformed(client, line);
  client.interestChanges++;
  const subscription = client.subscriptions.get(line.sid);
  if (client.connect.verbose) client.sendOk();
  if (subscription === undefined) return Refusal.None;
  if (line.messagesMax > 0 && line.messagesMax > subscription.delivered) subscription.deliveredMax = line.messagesMax;
  else client.subscriptions.remove(subscription);
  return Refusal.None;
}

/** `CONNECT {…}`: credentials and options of the client. A second CONNECT logs in again. */
export function handleConnect(client: Client, json: string): Refusal {
  if (client.tracing) client.traceIn("CONNECT", withoutSecrets(json));
  clearAuthTimer(client);
  client.keepalive.onConnect();
  const wrong = readConnect(json, client.connect);
  if (wrong !== null) {
    client.parser.detail = wrong;
    return Refusal.MalformedArguments;
  }
  const first = (client.flags & FLAG_CONNECT_RECEIVED) === 0;
  client.flags |= FLAG_CONNECT_RECEIVED;
  if (client.settings !== null) fillFrom(client.settings.defaultCredentials, client.connect);
  if (!client.authenticator.takesJwt) client.connect.jwt = "";
  if (!first) {
    client.subscriptions.removeAll();
    unbind(client);
  }
  client.followConnectOptions();
  client.user = givenUser(client.connect);
  return settleLater(client, client.host.authenticate(client), verdict => finishConnect(client, verdict));
}

/** Called if the first command is not CONNECT: the client gets the default user, if there is one, or is refused. */
export function admitAnonymous(client: Client): Refusal {
  const { authenticator, host } = client;
  if (!authenticator.admitsAnonymous(client.connectionType)) {
    host.onAuthenticationFailed(client, Refusal.AuthorizationViolation, false);
    return Refusal.AuthorizationViolation;
  }
  clearAuthTimer(client);
  client.flags |= FLAG_CONNECT_RECEIVED;
  return settleLater(client, host.authenticate(client), verdict => enter(client, verdict));
}

/** Calls `finish` with the verdict: now, or when the promise settles. Later commands are not parsed until then. */
function settleLater(client: Client, verdict: Verdict | Promise<Verdict>, finish: (verdict: Verdict) => Refusal): Refusal {
  const attempt = ++client.authAttempt;
  if (!(verdict instanceof Promise)) return finish(verdict);

  client.reading.suspend(FLAG_AUTHENTICATING);
  const settle = (settled: Verdict): void => {
    if (client.closed) return;
    client.flags &= ~FLAG_AUTHENTICATING;
    const end = client.authAttempt === attempt || typeof settled === "number" ? finish(settled) : settleAgain(client, settled, finish);
    logRefusedLogin(client, end);
    if (end !== Refusal.None) client.refuse(end);
    else client.reading.resumeLater();
    client.host.turn.end();
  };
  verdict.then(settle, () => settle(Refusal.AuthorizationViolation));
  return Refusal.None;
}

/** The login was accepted before a reload: authenticates again, unless a callout service accepted it and the reload keeps such clients. */
function settleAgain(client: Client, login: Login, finish: (verdict: Verdict) => Refusal): Refusal {
  if (!login.delegated) return settleLater(client, client.host.authenticate(client), finish);
  if (client.authenticator.keepsDelegated?.(login.account)) return finish(login);
  // The callout service may have given the client another user than it named: the client reconnects, and the service decides again.
  client.close(CloseReason.ClientClosed);
  return Refusal.Closed;
}

/** Fills empty fields of CONNECT with credentials from another source, for example a cookie. */
function fillFrom(defaultCredentials: DefaultCredentials, connect: ConnectOptions): void {
  if (connect.jwt === "") connect.jwt = defaultCredentials.jwt;
  if (connect.user === "") connect.user = defaultCredentials.user;
  if (connect.pass === "") connect.pass = defaultCredentials.pass;
  if (connect.auth_token === "") connect.auth_token = defaultCredentials.auth_token;
}

/** Binds the client to its login. @returns None, or why it is refused */
function enter(client: Client, verdict: Verdict): Refusal {
  if (typeof verdict === "number") {
    client.user = client.login?.user ?? givenUser(client.connect); // the user that was refused, for events
    if (verdict !== Refusal.AuthenticationTimeout) client.host.onAuthenticationFailed(client, verdict);
    return verdict;
  }
  const refusal = bind(client, verdict);
  if (refusal !== Refusal.None) return refusal;
  client.flags &= ~FLAG_AWAITING_AUTH;
  client.parser.awaitingAuth = false;
  client.host.onAuthenticated(client);
  return Refusal.None;
}

function finishConnect(client: Client, verdict: Verdict): Refusal {
  const { connect } = client;
  const refusal = enter(client, verdict);
  if (refusal !== Refusal.None) return refusal;
  // Obsolete fields: naming an account is refused.
  if (connect.new_account || connect.account !== "") {
    client.host.onAuthenticationFailed(client, Refusal.AuthorizationViolation, false);
    return Refusal.AuthorizationViolation;
  }
  client.setFlag(FLAG_INTRODUCED, true);
  if (connect.protocol < 0 || connect.protocol > 1) return Refusal.InvalidClientProtocol;
  client.setFlag(FLAG_NO_RESPONDERS, connect.no_responders);
  if (connect.no_responders && !client.parser.headers) return Refusal.NoRespondersRequiresHeaders;
  if (connect.verbose) client.sendOk();
  return Refusal.None;
}

/** INFO from a client must be valid JSON and has no effect. */
export function handleInfo(client: Client, json: string): Refusal {
  const wrong = checkInfo(json);
  if (wrong === null) return Refusal.None;
  client.parser.detail = wrong;
  return Refusal.MalformedArguments;
}

/** `-ERR` from a client ends the connection. */
export function handlePeerError(client: Client, text: string): Refusal {
  client.logError(`Client Error ${text}`);
  client.close(CloseReason.ParseError);
  return Refusal.Closed;
}

function malformed(client: Client, detail: string): Refusal {
  client.parser.detail = detail;
  return Refusal.MalformedArguments;
}
