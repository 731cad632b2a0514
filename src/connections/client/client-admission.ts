/**
 * Admits a client: INFO is sent, before or after a TLS handshake, and the client must then authenticate within a time limit.
 *
 *   accepted ─▶ INFO ─▶ handshake? ─▶ ready ─▶ CONNECT ─▶ authenticated          refused, or too slow: closed
 *              └ or after the handshake, if the peer begins with it
 * Runs once per connection, so it is written for clarity rather than speed.
 */

import type { Account } from "../../accounts/account/account.ts";
import type { Login, Verdict } from "../../auth/users/authenticator.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { refusedUser } from "../../wire/protocol/connect-options.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";
import type { TransportRefusal } from "../../wire/transport/transport.ts";
import { FLAG_AUTHENTICATING, FLAG_AWAITING_AUTH, FLAG_CONNECT_RECEIVED } from "../link/connection-flag.ts";
import { bind, renewShadows, reviewSubscriptions, shownUser } from "./binding.ts";
import type { Client } from "./client.ts";
import { peerOf } from "./client-label.ts";

/** Sends INFO if it was not sent yet. */
export function greet(client: Client): void {
  if (!client.greeted && !client.closed) client.sendInfo("accept");
}

/** The handshake is over. */
export function becomeReady(client: Client): void {
  greet(client);
  beginProtocol(client);
  const { tls } = client.transport;
  if (tls === null) return;
  client.logDebug("TLS handshake complete");
  client.logDebug(`TLS version ${tls.version}, cipher suite ${tls.cipherSuite}`);
}

/** From here on the peer's bytes are protocol: starts the timer for authentication, where it is required, and the keepalive. */
export function beginProtocol(client: Client): void {
  if (client.authRequired) awaitAuthentication(client);
  client.keepalive.startEarly();
}

/** The transport does not let the peer in. */
export function turnAway(client: Client, { kind, text, detail }: TransportRefusal): void {
  if (detail !== undefined) client.logDebug(detail);
  switch (kind) {
    case "throttled":
      client.sendError("Connection throttling is active. Please try again later.");
      return client.close(CloseReason.MaxConnectionsExceeded);
    case "proxy":
      client.log.warn(`Error reading PROXY protocol header from ${peerOf(client.transport)}: ${text}`);
      return client.close(CloseReason.ProtocolViolation);
    case "handshake":
      client.logError(`TLS handshake error: ${text}`);
      return client.close(CloseReason.TlsHandshakeError);
    default: // probes of load balancers are no errors
      client.logDebug(`TLS handshake error: ${text}`);
      if (kind === "timeout") client.logDebug("TLS handshake timeout");
      client.close(CloseReason.TlsHandshakeError);
  }
}

/** A refusal of the login itself. Such refusals look alike to the client, so that they reveal nothing. */
export function isUnproven(refusal: Refusal): boolean {
  return refusal === Refusal.AuthorizationViolation || refusal === Refusal.ProxyNotTrusted || refusal === Refusal.ProxyRequired;
}

/** Logs a refused login, before the client is told. Other refusals are not logged here. */
export function logRefusedLogin(client: Client, refusal: Refusal): void {
  if (isUnproven(refusal))
    client.logError(`authentication error${client.login?.claim ? ` - ${shownUser(client)}` : refusedUser(client.connect)}`);
  if (refusal === Refusal.MaxAccountConnectionsExceeded) client.logError(REFUSALS[refusal].error!);
}

/** Takes nothing but CONNECT until the client has authenticated, for which it has a limited time. */
function awaitAuthentication(client: Client): void {
  const { turn, options } = client.host;
  client.setFlag(FLAG_AWAITING_AUTH, true);
  client.parser.awaitingAuth = true;
  client.authTimer = new WheelTimer(() => {
    client.sendError(REFUSALS[Refusal.AuthenticationTimeout].error!);
    client.logDebug("Authentication Timeout");
    client.close(CloseReason.AuthenticationTimeout);
    turn.end();
  });
  turn.timers.set(client.authTimer, client.settings?.authTimeoutMs ?? options.authTimeoutMs);
}

/** CONNECT came in time, or the connection is closed. */
export function clearAuthTimer(client: Client): void {
  if (client.authTimer !== null) client.host.turn.timers.cancel(client.authTimer);
  client.authTimer = null;
}

/** Applies a new login of the same user. @param renews the account imports other streams than before */
function rebind(client: Client, login: Login, renews: boolean): void {
  // An account cannot change while connected: the client reconnects, and is bound to the new one.
  if (login.account !== client.account) return client.close(CloseReason.ClientClosed);
  bind(client, login);
  reviewSubscriptions(client);
  if (renews) renewShadows(client);
  client.host.onAuthenticated(client);
  client.host.turn.end();
}

/**
 * A reload changed who may connect: authenticates the client again, with the CONNECT that it sent.
 * @param streamsChanged accounts that import other streams than before
 */
export function authenticateAgain(client: Client, streamsChanged: ReadonlySet<Account>): void {
  const { closed, flags, host } = client;
  if (closed) return;
  const attempt = ++client.authAttempt; // an authentication under way is repeated once it has a result
  if ((flags & FLAG_AUTHENTICATING) !== 0) return;
  if ((flags & FLAG_CONNECT_RECEIVED) === 0) {
    if (client.authRequired && (flags & FLAG_AWAITING_AUTH) === 0 && !client.transport.handshaking) awaitAuthentication(client);
    return;
  }
  const settle = (verdict: Verdict, renews: boolean) => {
    if (client.closed || client.authAttempt !== attempt) return;
    if (typeof verdict !== "number") return rebind(client, verdict, renews);
    client.logError(`authentication error${refusedUser(client.connect)}`);
    host.onAuthenticationFailed(client, verdict);
    client.refuse(verdict);
    host.turn.end();
  };
  if (client.authenticator.keeps?.(client.connect, client.account) === false) return client.close(CloseReason.ClientClosed);
  const { connect, login } = client;
  // A callout service gave it this user, under which it does not know the credentials: the client reconnects, and the service is asked anew.
  if (login?.delegated && (connect.user !== "" || connect.nkey !== "")) return client.close(CloseReason.ClientClosed);
  const renews = streamsChanged.has(client.account);
  const verdict = host.authenticate(client);
  if (!(verdict instanceof Promise)) return settle(verdict, renews);
  // Until the result is there the client keeps its login, but not streams that its account no longer imports.
  if (renews) renewShadows(client);
  verdict.then(
    settled => settle(settled, false),
    () => settle(Refusal.AuthorizationViolation, false),
  );
}
