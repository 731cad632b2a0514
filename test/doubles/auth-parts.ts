/** The parts of a server that authenticators use, without a server; and authentication requests with defaults that a test overrides. */

import { CompiledPermissions } from "../../src/access/permission/compiled-permissions.ts";
import { Account } from "../../src/accounts/account/account.ts";
import type { AuthenticationRequest, Verdict } from "../../src/auth/users/authenticator.ts";
import { type Authenticators, authenticatorsOf } from "../../src/auth/users/authenticators.ts";
import { type CheckOrigin, type CheckResult, PasswordChecks } from "../../src/auth/users/password.ts";
import { Random } from "../../src/base/random/random.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { loadConfigText } from "../../src/config/schema/load-config.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { type ConnectOptions, initialConnectOptions } from "../../src/wire/protocol/connect-options.ts";
import { Refusal } from "../../src/wire/protocol/refusal.ts";
import type { PeerCertificate, TlsState } from "../../src/wire/transport/tls-state.ts";
import { FakeHost } from "./fake-host.ts";

export const NONCE = "ABCDEFGHIJKLMNO";

/** Password checks that record the stored passwords that they compared with. */
export class CountedChecks extends PasswordChecks {
  readonly stored: string[] = [];

  override matches(given: string, stored: string, origin: CheckOrigin): boolean | Promise<CheckResult> {
    this.stored.push(stored);
    return super.matches(given, stored, origin);
  }
}

export class AuthParts {
  readonly host = new FakeHost();
  readonly accounts = new Map<string, Account>([["$G", this.host.globalAccount]]);
  readonly permissions = new CompiledPermissions(new Random(1));
  readonly checks = new CountedChecks(this.host.timers);
  readonly options: Options;
  readonly authenticators: Authenticators;
  /** Lines of connections at level debug. */
  readonly debug: string[] = [];

  /** @param config in the configuration language, or options */
  constructor(config: string | Partial<Options> = {}) {
    this.options = typeof config === "string" ? optionsOf(config) : completeOptions(config);
    for (const { name } of this.options.accounts) this.accounts.set(name, new Account(name, this.host));
    const { checks, host, options, permissions } = this;
    const accountOf = (name: string) => this.accounts.get(name)!;
    this.authenticators = authenticatorsOf({ options, accountOf, permissions, checks, log: host.log, hiddenUserName: "nats-abcdefgh" });
  }

  request(connect: Partial<ConnectOptions> = {}, more: Partial<AuthenticationRequest> = {}): AuthenticationRequest {
    return {
      connect: { ...initialConnectOptions(), ...connect },
      nonce: NONCE,
      address: "192.0.2.1",
      port: 4242,
      tls: null,
      connectionType: "STANDARD",
      transport: "nats",
      id: 1,
      startedAt: 0,
      timeoutMs: 2_000,
      debug: text => this.debug.push(text),
      ...more,
    };
  }

  /** Authenticates a CONNECT. @returns `user@account`, or the name of the refusal */
  async who(connect: Partial<ConnectOptions> = {}, more: Partial<AuthenticationRequest> = {}): Promise<string> {
    const { client, websocket } = this.authenticators;
    const authenticator = more.connectionType === "WEBSOCKET" ? websocket : client;
    return verdictText(await authenticator.authenticate(this.request(connect, more)));
  }
}

export function verdictText(verdict: Verdict): string {
  if (typeof verdict === "number") return Refusal[verdict];
  const { account, proxyKey, user } = verdict;
  return `${user}@${account.name}${proxyKey === "" ? "" : ` by ${proxyKey}`}`;
}

export function optionsOf(config: string): Options {
  return completeOptions(loadConfigText(config, {}).options);
}

export function tlsWith(...peerCertificates: PeerCertificate[]): TlsState {
  return { version: "1.3", cipherSuite: "TLS_AES_128_GCM_SHA256", peerCertificates, handshakeFirst: false };
}
