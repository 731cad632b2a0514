/**
 * Authentication of clients: builds the authenticators that the options ask for, again at each reload, and asks them.
 *
 *   client ─▶ ask ─▶ authenticate() of the embedding program, if there is one
 *                 └▶ the authenticator of the listener that the client connected to
 * Any failure on the way is a refusal.
 */

import { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import { calloutInputsChanged } from "../../auth/callout/callout-inputs.ts";
import type { Authenticator, Verdict } from "../../auth/users/authenticator.ts";
import { authenticatorsOf, newHiddenUserName } from "../../auth/users/authenticators.ts";
import { allUsers } from "../../auth/users/authorization.ts";
import type { ResolvingAuthenticator } from "../../auth/users/config-authenticator.ts";
import type { Authenticate, GivenAuthenticator } from "../../auth/users/given-authenticator.ts";
import { PasswordChecks } from "../../auth/users/password.ts";
import { completePermissions } from "../../config/schema/given/account-shape.ts";
import type { Options } from "../../config/schema/options.ts";
import { bindProvisionally } from "../../connections/client/binding.ts";
import type { Client } from "../../connections/client/client.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import type { TransportType } from "../../wire/transport/transport.ts";
import type { OperatorMode } from "./operator-mode.ts";
import type { CalloutHost, ShardCallout } from "./shard-callout.ts";

/** The shard, as authentication uses it. */
export interface AuthenticationHost extends CalloutHost {
  /** null: the configuration defines the users. */
  readonly operator: OperatorMode | null;
  /** Reports the coming refusal in that account. @param reason null: the usual reason */
  onRefusedBy(client: Client, account: Account, reason: string | null): void;
}

export class Authentication {
  private byListener: Record<TransportType, Authenticator>;
  /** The options that the authenticators were built from. */
  private options: Options;
  private readonly host: AuthenticationHost;
  private readonly permissions: CompiledPermissions;
  private readonly checks: PasswordChecks;
  private hiddenUserName: string;
  private readonly given: GivenAuthenticator | null;
  /** null until options configure an auth callout. */
  private startedCallout: ShardCallout | null = null;

  /** @param authenticate given by the embedding program; decides instead of the options. null: the options decide */
  constructor(host: AuthenticationHost, authenticate: Authenticate | null) {
    const { turn } = host;
    this.host = host;
    this.checks = new PasswordChecks(turn.timers);
    this.permissions = new CompiledPermissions(turn.random);
    this.hiddenUserName = newHiddenUserName(turn.random);
    this.given = authenticate === null ? null : this.buildGiven(authenticate);
    this.options = host.options;
    this.byListener = this.buildAuthenticators(host.options, true);
  }

  private buildGiven(authenticate: Authenticate): GivenAuthenticator {
    const { host } = this;
    const { GivenAuthenticator } = givenAuthenticatorModule();
    return new GivenAuthenticator({
      authenticate,
      accountOf: name => host.directory.get(name),
      permissions: this.permissions,
      completePermissions: given => completePermissions(given, "permissions"),
      timers: host.turn.timers,
      log: host.log,
      timeoutMs: type => (type === "WEBSOCKET" ? host.options.websocket?.authTimeoutMs : null) ?? host.options.authTimeoutMs,
    });
  }

  /** Logs errors in the auth callout configuration. */
  report(options: Options): void {
    if (this.given !== null || this.host.operator?.decidesLogins || !options.authorization?.callout) return;
    this.callout.report(options);
  }

  /** Applies new options. Their accounts must exist already. */
  follow(options: Options): void {
    this.byListener = this.buildAuthenticators(options, !calloutInputsChanged(this.options, options));
    this.options = options;
    this.report(options);
  }

  of(listener: TransportType): Authenticator {
    return this.byListener[listener];
  }

  /** @returns the verdict or a promise of it; a rejected promise is a refusal too */
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
        timeoutMs: client.login === null ? (client.settings?.authTimeoutMs ?? this.host.options.authTimeoutMs) : Number.POSITIVE_INFINITY,
        provedHash: client.login?.provedHash,
        isWanted: () => !client.closed,
        proxied: key => {
          client.proxyKey = key;
        },
        boundTo: client.registered,
        tagged: { nameTag: client.nameTag, tags: client.tags },
        delegated: login => bindProvisionally(client, login),
        refusedBy: (account, reason) => this.host.onRefusedBy(client, account, reason),
        debug: text => client.logDebug(text),
        error: text => client.logError(text),
      });
    } catch (error) {
      this.host.log.error(`the authenticator failed: ${(error as Error).message}`);
      return Refusal.AuthorizationViolation;
    }
  }

  /** @param keepsDelegated clients that a callout service admitted before stay connected */
  private buildAuthenticators(options: Options, keepsDelegated: boolean): Record<TransportType, Authenticator> {
    if (this.given !== null) return { nats: this.given, websocket: this.given };
    const { directory, log, operator } = this.host;
    if (operator?.decidesLogins) {
      const authenticator = this.callout.wrapOperator(operator, options);
      return { nats: authenticator, websocket: authenticator };
    }
    const { permissions, checks } = this;
    while (allUsers(options).some(({ user }) => user === this.hiddenUserName))
      this.hiddenUserName = newHiddenUserName(this.host.turn.random);
    const { hiddenUserName } = this;
    const accountOf = (name: string): Account => directory.open(name);
    const { client, websocket } = authenticatorsOf({ options, accountOf, permissions, checks, log, hiddenUserName });
    const callout = options.authorization?.callout ?? null;
    if (callout === null) return { nats: client, websocket };
    const wrap = (inner: ResolvingAuthenticator) => this.callout.wrapConfig(inner, callout, keepsDelegated);
    return { nats: wrap(client), websocket: wrap(websocket) };
  }

  private get callout(): ShardCallout {
    this.startedCallout ??= new (calloutModule().ShardCallout)(this.host, this.permissions);
    return this.startedCallout;
  }
}

// Loaded when they are needed, as a default start does without them (bench/start.ts); synchronously, so that a reload stays one step.

function calloutModule(): typeof import("./shard-callout.ts") {
  return require("./shard-callout.ts");
}

function givenAuthenticatorModule(): typeof import("../../auth/users/given-authenticator.ts") {
  return require("../../auth/users/given-authenticator.ts");
}
