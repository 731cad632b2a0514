/**
 * How a client gets in: greeted with INFO, perhaps after a handshake, it has a while to say in CONNECT who it is.
 *
 *   accepted ─▶ INFO ─▶ handshake? ─▶ ready ─▶ CONNECT ─▶ authenticated          refused at the door, or too slow: closed
 *              └ or behind the handshake, where the peer begins with that
 * Cold: once per connection, so clarity wins.
 */

import type { Account } from "../../accounts/account/account.ts";
import type { Login, Verdict } from "../../auth/users/authenticator.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { refusedUser } from "../../wire/protocol/connect-options.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";
import type { DoorRefusal } from "../../wire/transport/transport.ts";
import { FLAG_AUTHENTICATING, FLAG_AWAITING_AUTH, FLAG_CONNECT_RECEIVED } from "../link/connection-flag.ts";
import { bind, renewShadows, reviewSubscriptions, shownUser } from "./binding.ts";
import type { Client } from "./client.ts";
import { peerOf } from "./client-label.ts";

/** INFO, where it was not sent yet. */
export function greet(client: Client): void {
  if (!client.greeted && !client.closed) client.sendInfo("accept");
}

/** Whatever had to come before the protocol has come. */
export function becomeReady(client: Client): void {
  greet(client);
  beginProtocol(client);
  const { tls } = client.transport;
  if (tls === null) return;
  client.logDebug("TLS handshake complete");
  client.logDebug(`TLS version ${tls.version}, cipher suite ${tls.cipherSuite}`);
}

/** From here on the peer's bytes are protocol: the timer for authentication where it is required, the first PING. */
export function beginProtocol(client: Client): void {
  if (client.authRequired) awaitAuthentication(client);
  client.keepalive.startEarly();
}

/** It does not get in. */
export function turnAway(client: Client, { kind, text, detail }: DoorRefusal): void {
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
    default: // load balancers probe: nobody's error
      client.logDebug(`TLS handshake error: ${text}`);
      if (kind === "timeout") client.logDebug("TLS handshake timeout");
      client.close(CloseReason.TlsHandshakeError);
  }
}

/** Nobody in particular is refused, for whatever reason: all hear the same. */
export function isUnproven(refusal: Refusal): boolean {
  return refusal === Refusal.AuthorizationViolation || refusal === Refusal.ProxyNotTrusted || refusal === Refusal.ProxyRequired;
}

/** What the log says of a login that is refused, before the client is told. */
export function logRefusedLogin(client: Client, refusal: Refusal): void {
  if (isUnproven(refusal))
    client.logError(`authentication error${client.login?.claim ? ` - ${shownUser(client)}` : refusedUser(client.connect)}`);
  if (refusal === Refusal.MaxAccountConnectionsExceeded) client.logError(REFUSALS[refusal].error!);
}

/** Nothing but CONNECT is taken until it has proved who it is. */
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
  turn.timers.set(client.authTimer, client.door?.authTimeoutMs ?? options.authTimeoutMs);
}

/** CONNECT came in time, or it is over. */
export function clearAuthTimer(client: Client): void {
  if (client.authTimer !== null) client.host.turn.timers.cancel(client.authTimer);
  client.authTimer = null;
}

/** The same client, as a changed configuration has it. @param renews its account imports other streams than before */
function rebind(client: Client, login: Login, renews: boolean): void {
  if (login.account !== client.account) return client.close(CloseReason.ClientClosed); // it comes back, and is bound there
  bind(client, login);
  reviewSubscriptions(client);
  if (renews) renewShadows(client);
  client.host.onAuthenticated(client);
  client.host.turn.end();
}

/**
 * Who may connect has changed: what it said in CONNECT is looked at again.
 * @param streamsChanged accounts that import other streams than before
 */
export function authenticateAgain(client: Client, streamsChanged: ReadonlySet<Account>): void {
  const { closed, flags, host } = client;
  if (closed) return;
  const asked = ++client.asks; // whatever is under way is asked again when it has an answer
  if ((flags & FLAG_AUTHENTICATING) !== 0) return;
  if ((flags & FLAG_CONNECT_RECEIVED) === 0) {
    if (client.authRequired && (flags & FLAG_AWAITING_AUTH) === 0 && !client.transport.handshaking) awaitAuthentication(client);
    return;
  }
  const settle = (verdict: Verdict, renews: boolean) => {
    if (client.closed || client.asks !== asked) return;
    if (typeof verdict !== "number") return rebind(client, verdict, renews);
    client.logError(`authentication error${refusedUser(client.connect)}`);
    host.onAuthenticationFailed(client, verdict);
    client.refuse(verdict);
    host.turn.end();
  };
  if (client.authenticator.keeps?.(client.connect, client.account) === false) return client.close(CloseReason.ClientClosed);
  const { connect, login } = client;
  // A service gave it that name, and knows its credentials by another: it comes back, and is asked about anew.
  if (login?.delegated && (connect.user !== "" || connect.nkey !== "")) return client.close(CloseReason.ClientClosed);
  const renews = streamsChanged.has(client.account);
  const verdict = host.authenticate(client);
  if (!(verdict instanceof Promise)) return settle(verdict, renews);
  // Until it settles it stays what it was, but for what its account does not import any more.
  if (renews) renewShadows(client);
  verdict.then(
    settled => settle(settled, false),
    () => settle(Refusal.AuthorizationViolation, false),
  );
}
