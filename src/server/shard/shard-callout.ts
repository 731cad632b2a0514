/** Auth callout of a shard: wraps the authenticators of the configuration, or of the operators, in callout authenticators. */
import type { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Accounts } from "../../accounts/account/accounts.ts";
import { Callout } from "../../auth/callout/callout.ts";
import { reportCallout } from "../../auth/callout/callout-check.ts";
import { ConfigCalloutAuthenticator } from "../../auth/callout/config-callout-authenticator.ts";
import { OperatorCalloutAuthenticator } from "../../auth/callout/operator-callout-authenticator.ts";
import type { Authenticator } from "../../auth/users/authenticator.ts";
import type { CalloutOptions } from "../../auth/users/authorization.ts";
import type { ResolvingAuthenticator } from "../../auth/users/config-authenticator.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { ServerIdentity } from "../../base/keys/server-identity.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import type { Turn } from "../../connections/link/turn.ts";
import { NATS_VERSION } from "../../wire/protocol/version.ts";
import type { OperatorMode } from "./operator-mode.ts";

/** The shard, as a callout uses it. */
export interface CalloutHost {
  readonly log: Logger;
  readonly turn: Turn;
  readonly options: Options;
  readonly directory: Accounts;
  readonly clock: Clock;
  readonly identity: ServerIdentity;
  readonly serverName: string;
  /** Empty: no cluster. */
  readonly clusterName: string;
  readonly advertisedHost: string;
  /** null: no system account. */
  readonly systemAccount: Account | null;
}

export class ShardCallout {
  private readonly host: CalloutHost;
  private readonly callout: Callout;

  constructor(host: CalloutHost, permissions: CompiledPermissions) {
    this.host = host;
    this.callout = new Callout({
      identity: host.identity,
      serverName: host.serverName,
      clock: host.clock,
      timers: host.turn.timers,
      log: host.log,
      permissions,
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
  }

  /** Logs errors in the callout configuration of these options. */
  report({ authorization, accounts, websocket }: Options): void {
    reportCallout({ authorization, accounts, websocket }, name => this.accountNamed(name) !== undefined, this.host.log);
  }

  /** Wraps the operators' authenticator: accounts whose claims configure a callout are decided by the service. */
  wrapOperator(operator: OperatorMode, options: Options): Authenticator {
    return new OperatorCalloutAuthenticator(operator.authenticatorFor(options), this.callout, operator.accounts);
  }

  /**
   * Wraps a configuration's authenticator: accounts with a callout in the configuration are decided by the service.
   * @param keepsDelegated clients that the service admitted before a reload stay connected
   */
  wrapConfig(inner: ResolvingAuthenticator, options: CalloutOptions, keepsDelegated: boolean): Authenticator {
    const { callout } = this;
    const accountOf = (name: string): Account | undefined => this.accountNamed(name);
    return new ConfigCalloutAuthenticator(inner, { callout, options, accountOf, log: this.host.log, keepsDelegated });
  }

  private accountNamed(name: string): Account | undefined {
    return this.host.directory.get(name);
  }
}
