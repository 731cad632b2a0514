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
import { logLimited } from "../link/limited-log.ts";
import { applyLimits, bind, followAccount, renewShadows, reviewSubscriptions, shownUser } from "./binding.ts";
import type { Client } from "./client.ts";
import { peerOf } from "./client-label.ts";

/** Sends INFO if it was not sent yet. */
export function greet(client: Client): void {
  if (!client.greeted && !client.closed) client.sendInfo("accept");
}

/** Called when the handshake is complete. */
export function becomeReady(client: Client): void {
  greet(client);
  beginProtocol(client);
  const { tls } = client.transport;
  if (tls === null) return;
  client.logDebug("TLS handshake complete");
  client.logDebug(`TLS version ${tls.version}, cipher suite ${tls.cipherSuite}`);
}

/** From now on the peer sends commands: starts the timer for authentication, if that is required, and the keepalive. */
export function beginProtocol(client: Client): void {
  if (client.authRequired) awaitAuthentication(client);
  client.keepalive.startEarly();
}

/** Called when the transport has refused the peer: sends and logs the reason, and closes. */
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
    default: // probes of load balancers are not logged as errors
      client.logDebug(`TLS handshake error: ${text}`);
      if (kind === "timeout") client.logDebug("TLS handshake timeout");
      client.close(CloseReason.TlsHandshakeError);
  }
}

/** Whether the login itself was refused. The client gets the same error for all these refusals, so that they reveal nothing. */
export function isUnproven(refusal: Refusal): boolean {
  return refusal === Refusal.AuthorizationViolation || refusal === Refusal.ProxyNotTrusted || refusal === Refusal.ProxyRequired;
}

/** Logs a refused login, before the client gets its error. Other refusals are not logged here. */
export function logRefusedLogin(client: Client, refusal: Refusal): void {
  if (isUnproven(refusal))
    client.logError(`authentication error${client.login?.claim ? ` - ${shownUser(client)}` : refusedUser(client.connect)}`);
  if (refusal === Refusal.AuthenticationTimeout) logLimited(client, "debug", "Authentication Timeout");
  if (refusal === Refusal.MaxAccountConnectionsExceeded) logLimited(client, "error", REFUSALS[refusal].error!);
}

/** Accepts only CONNECT until the client has authenticated, and limits the time for it. */
function awaitAuthentication(client: Client): void {
  const { turn, options } = client.host;
  client.setFlag(FLAG_AWAITING_AUTH, true);
  client.parser.awaitingAuth = true;
  client.authTimer = new WheelTimer(() => {
    client.sendError(REFUSALS[Refusal.AuthenticationTimeout].error!);
    logLimited(client, "debug", "Authentication Timeout");
    client.close(CloseReason.AuthenticationTimeout);
    turn.end();
  });
  turn.timers.set(client.authTimer, client.settings?.authTimeoutMs ?? options.authTimeoutMs);
}

/** Called when CONNECT has arrived or the connection is closed. */
export function clearAuthTimer(client: Client): void {
  if (client.authTimer !== null) client.host.turn.timers.cancel(client.authTimer);
  client.authTimer = null;
}

/** Applies a new login of the same user. @param renews the account's stream imports have changed */
function rebind(client: Client, login: Login, renews: boolean): void {
  // A connected client cannot change its account: it has to reconnect, and is then bound to the new one.
  if (login.account !== client.account) return client.close(CloseReason.ClientClosed);
  const { host } = client;
  const refusal = bind(client, login);
  if (refusal !== Refusal.None) {
    logRefusedLogin(client, refusal);
    client.refuse(refusal);
    client.logError(`authentication error${refusedUser(client.connect)}`);
    host.onAuthenticationFailed(client, Refusal.AuthorizationViolation);
    return host.turn.end();
  }
  reviewSubscriptions(client);
  if (renews) renewShadows(client);
  host.onAuthenticated(client);
  host.turn.end();
}

/**
 * Called after a reload has changed who may connect: authenticates the client again, with the CONNECT that it sent.
 * @param streamsChanged accounts whose stream imports have changed
 */
export function authenticateAgain(client: Client, streamsChanged: ReadonlySet<Account>): void {
  const { closed, flags, host } = client;
  if (closed) return;
  const attempt = ++client.authAttempt; // a running authentication is repeated once it has a result
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
  const { authenticator, connect, login } = client;
  const renews = streamsChanged.has(client.account);
  if (login?.delegated && authenticator.keepsDelegated !== undefined) {
    if (!authenticator.keepsDelegated(client.account)) return client.close(CloseReason.ClientClosed);
    if (client.account.isOverfull) {
      logRefusedLogin(client, Refusal.MaxAccountConnectionsExceeded);
      return client.refuse(Refusal.MaxAccountConnectionsExceeded);
    }
    applyLimits(client);
    followAccount(client);
    if (renews) renewShadows(client);
    return;
  }
  if (authenticator.keeps?.(connect, client.account) === false) return client.close(CloseReason.ClientClosed);
  // A callout service gave it another user than it named, so its credentials cannot be checked: it reconnects, and the service decides again.
  if (login?.delegated && (connect.user !== "" || connect.nkey !== "")) return client.close(CloseReason.ClientClosed);
  const verdict = host.authenticate(client);
  if (!(verdict instanceof Promise)) return settle(verdict, renews);
  // Until there is a result the client keeps its login, but not the streams that its account no longer imports.
  if (renews) renewShadows(client);
  verdict.then(
    settled => settle(settled, false),
    () => settle(Refusal.AuthorizationViolation, false),
  );
}
