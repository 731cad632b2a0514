/**
 * Who decides about clients, and how they are asked: made of the options, and anew by a reload.
 *
 *   client ─▶ ask ─▶ the program's own authenticate(), if it gave one
 *                 └▶ the authenticator of the listener that the client came by
 * Any failure on the way is a refusal.
 */

import { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Accounts } from "../../accounts/account/accounts.ts";
import { Callout } from "../../auth/callout/callout.ts";
import { reportCallout } from "../../auth/callout/callout-check.ts";
import { ConfigCalloutAuthenticator } from "../../auth/callout/config-callout-authenticator.ts";
import { OperatorCalloutAuthenticator } from "../../auth/callout/operator-callout-authenticator.ts";
import type { Authenticator, Login, Verdict } from "../../auth/users/authenticator.ts";
import { authenticatorsOf, newHiddenUserName } from "../../auth/users/authenticators.ts";
import { type Authenticate, GivenAuthenticator } from "../../auth/users/given-authenticator.ts";
import { PasswordChecks } from "../../auth/users/password.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { ServerIdentity } from "../../base/keys/server-identity.ts";
import type { Logger } from "../../base/log/logger.ts";
import { completePermissions } from "../../config/schema/given/complete-accounts.ts";
import type { Options } from "../../config/schema/options.ts";
import type { Client } from "../../connections/client/client.ts";
import type { Turn } from "../../connections/link/turn.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { NATS_VERSION } from "../../wire/protocol/version.ts";
import type { TransportType } from "../../wire/transport/transport.ts";
import type { OperatorMode } from "./operator-mode.ts";

export interface AuthenticationHost {
  readonly log: Logger;
  readonly turn: Turn;
  readonly options: Options;
  readonly directory: Accounts;
  /** null: users are those of the configuration. */
  readonly operator: OperatorMode | null;
  readonly clock: Clock;
  readonly identity: ServerIdentity;
  readonly serverName: string;
  /** Empty: none. */
  readonly clusterName: string;
  readonly advertisedHost: string;
  readonly systemAccount: Account | null;
  /** The refusal that follows is told of in that account. @param reason null: the usual one */
  onRefusedBy(client: Client, account: Account, reason: string | null): void;
}

export class Authentication {
  private byListener: Record<TransportType, Authenticator>;
  private readonly host: AuthenticationHost;
  private readonly permissions: CompiledPermissions;
  private readonly checks = new PasswordChecks();
  private readonly hiddenUserName: string;
  private readonly given: GivenAuthenticator | null;
  private readonly callout: Callout;

  /** @param authenticate of the program that embeds the server: the options have no say then */
  constructor(host: AuthenticationHost, authenticate: Authenticate | null) {
    const { turn, log, directory } = host;
    this.host = host;
    this.permissions = new CompiledPermissions(turn.random);
    this.hiddenUserName = newHiddenUserName(turn.random);
    this.given =
      authenticate === null
        ? null
        : new GivenAuthenticator({
            authenticate,
            accountOf: name => directory.get(name),
            permissions: this.permissions,
            completePermissions: given => completePermissions(given, "permissions"),
            timers: turn.timers,
            log,
            timeoutMs: type => (type === "WEBSOCKET" ? host.options.websocket?.authTimeoutMs : null) ?? host.options.authTimeoutMs,
          });
    this.callout = new Callout({
      identity: host.identity,
      serverName: host.serverName,
      clock: host.clock,
      timers: turn.timers,
      log,
      permissions: this.permissions,
      describe: () => ({
        name: host.serverName,
        host: host.advertisedHost,
        id: host.identity.id,
        version: NATS_VERSION,
        cluster: host.clusterName,
        tags: host.options.serverTags,
      }),
      timeoutMs: () => host.options.authTimeoutMs,
      hasSystemAccount: () => host.systemAccount !== null,
    });
    this.byListener = this.made(host.options);
  }

  /** Tells the log what is wrong with what these options say of an auth callout. */
  report({ authorization, accounts, websocket }: Options): void {
    if (this.given !== null || this.host.operator?.decidesLogins) return;
    const { directory, log } = this.host;
    reportCallout({ authorization, accounts, websocket }, name => directory.get(name) !== undefined, log);
  }

  /** Clients are asked by these options from now on. The accounts of the options are there. */
  follow(options: Options): void {
    this.byListener = this.made(options);
    this.report(options);
  }

  of(listener: TransportType): Authenticator {
    return this.byListener[listener];
  }

  /** @returns the verdict, or a promise of one that may be rejected, which is a refusal too */
  ask(client: Client): Verdict | Promise<Verdict> {
    const { transport, connect, nonce, id, startedAt } = client;
    try {
      return client.authenticator.authenticate({
        connect,
        nonce,
        address: transport.remoteAddress,
        port: transport.remotePort,
        tls: transport.tls,
        connectionType: client.connectionType,
        transport: transport.type,
        id,
        startedAt,
        isWanted: () => !client.closed,
        proxied: key => {
          client.proxyKey = key;
        },
        boundTo: client.registered,
        delegated: login => nameForNow(client, login),
        refusedBy: (account, reason) => this.host.onRefusedBy(client, account, reason),
        debug: text => client.logDebug(text),
        error: text => client.logError(text),
      });
    } catch (error) {
      this.host.log.error(`the authenticator failed: ${(error as Error).message}`);
      return Refusal.AuthorizationViolation;
    }
  }

  private made(options: Options): Record<TransportType, Authenticator> {
    if (this.given !== null) return { nats: this.given, websocket: this.given };
    const { operator } = this.host;
    if (operator?.decidesLogins) {
      const authenticator = new OperatorCalloutAuthenticator(operator.authenticatorFor(options), this.callout, operator.accounts);
      return { nats: authenticator, websocket: authenticator };
    }
    const { permissions, checks, hiddenUserName } = this;
    const { directory, log } = this.host;
    const accountOf = (name: string): Account => directory.open(name);
    const { client, websocket } = authenticatorsOf({ options, accountOf, permissions, checks, log, hiddenUserName });
    const callout = options.authorization?.callout ?? null;
    if (callout === null) return { nats: client, websocket };
    const parts = { callout: this.callout, options: callout, accountOf: (name: string) => directory.get(name), log };
    return { nats: new ConfigCalloutAuthenticator(client, parts), websocket: new ConfigCalloutAuthenticator(websocket, parts) };
  }
}

/** It is nowhere yet, but this is what it is called. One that is looked at again stays what it is. */
function nameForNow(client: Client, login: Login): void {
  if (client.login !== null) return;
  client.login = login;
  client.account = login.account;
}
