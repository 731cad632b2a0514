/**
 * Logins decided by the program that embeds the server:
 * ```ts
 * const server = await NatsServer.start({
 *   async authenticate({ user, password }) {
 *     const member = await members.find(user, password);
 *     return member && { account: member.tenant, permissions: { publish: { allow: [`${user}.>`] } } };
 *   },
 * });
 * ```
 * The function replaces the configured users, for all listeners. It is called again for connected clients when a reload changes who may
 * connect. While its promise is pending, only that client waits. If it fails, the login is refused; the server never crashes.
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import { permissionsFault } from "../../access/permission/permission-check.ts";
import type { GivenPermissions, PermissionOptions } from "../../access/permission/permission-options.ts";
import { type Account, GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import { encode, quote } from "../../base/bytes/ascii.ts";
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import { givenUser } from "../../wire/protocol/connect-options.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import type { PeerCertificate } from "../../wire/transport/tls-state.ts";
import { type AuthenticationRequest, type Authenticator, PLAIN_LOGIN, type Verdict } from "./authenticator.ts";
import { isSigned } from "./config-authenticator.ts";

/** A client's data from CONNECT, and its address. Texts are empty when absent. */
export interface GivenRequest {
  readonly user: string;
  readonly password: string;
  readonly token: string;
  /** Public nkey given by the client; `verifyNkey` checks that it has the private key. */
  readonly nkey: string;
  /** The JWT as received, unchecked. */
  readonly jwt: string;
  /** Signature of `nonce`, base64. */
  readonly signature: string;
  /** Nonce sent by the server. */
  readonly nonce: string;
  /** Connection name given by the client. */
  readonly name: string;
  /** Language and version of the client library. */
  readonly lang: string;
  readonly version: string;
  /** Peer address; empty for an in-process connection. */
  readonly address: string;
  readonly port: number;
  /** Its verified certificate, if the `tls` option requires one; otherwise null. */
  readonly certificate: PeerCertificate | null;
  readonly connectionType: ConnectionType;
  /**
   * Whether the client proved that it has the private key of an nkey.
   * @param nkey public nkey; by default the one given by the client
   */
  verifyNkey(nkey?: string): boolean;
}

/** Identity and rights of a client. Every field is optional. */
export interface GivenLogin {
  /** Name for logs and monitoring; by default the name given by the client. */
  readonly user?: string;
  /** A configured account; `$G` by default. An unknown account refuses the login and logs an error. */
  readonly account?: string;
  /** By default everything is allowed. The same object for several clients is compiled once. */
  readonly permissions?: GivenPermissions | null;
  /** When it is disconnected: a `Date`, or milliseconds since 1970. */
  readonly expiresAt?: Date | number | null;
}

/** A login, or `true` for a login with defaults; anything else refuses. */
export type GivenAnswer = GivenLogin | boolean | null | undefined;

/**
 * Decides about a client. An exception, a rejection, or a promise that takes longer than the auth timeout refuses the login; it is logged
 * without the client's secrets.
 */
export type Authenticate = (request: GivenRequest) => GivenAnswer | Promise<GivenAnswer>;

export interface GivenParts {
  readonly authenticate: Authenticate;
  readonly accountOf: (name: string) => Account | undefined;
  readonly permissions: CompiledPermissions;
  /** Adds the defaults, as in the permissions of a configured user. @throws Error naming what is unknown or of the wrong type */
  completePermissions(given: GivenPermissions): PermissionOptions;
  readonly timers: TimingWheel;
  readonly log: { error(text: string): void };
  /** Auth timeout for that connection type, ms. */
  timeoutMs(type: ConnectionType): number;
}

export class GivenAuthenticator implements Authenticator {
  readonly usesNonce = true;
  readonly required = true;
  readonly takesJwt = true;
  readonly hidesJwt = true;
  private readonly completed = new WeakMap<GivenPermissions, PermissionOptions>();

  constructor(private readonly parts: GivenParts) {}

  admitsAnonymous(): boolean {
    return false;
  }

  authenticate(request: AuthenticationRequest): Verdict | Promise<Verdict> {
    try {
      const answer = this.parts.authenticate(givenRequestOf(request));
      return isPromise(answer) ? this.withTimeout(answer, request) : this.judge(answer, request);
    } catch (error) {
      return this.failed(error, request);
    }
  }

  /** Answers after the timeout are discarded. */
  private withTimeout(answer: PromiseLike<GivenAnswer>, request: AuthenticationRequest): Promise<Verdict> {
    const { log, timers, timeoutMs } = this.parts;
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const limitMs = timeoutMs(request.connectionType);
    const timer = new WheelTimer(() => {
      log.error(`authenticate() has not answered within ${limitMs} ms`);
      resolve(Refusal.AuthorizationViolation);
    });
    timers.set(timer, limitMs);
    const settle = (judge: () => Verdict) => {
      if (!timer.active) return;
      timers.cancel(timer);
      resolve(judge());
    };
    Promise.resolve(answer).then(
      login => settle(() => this.judge(login, request)),
      error => settle(() => this.failed(error, request)),
    );
    return promise;
  }

  private judge(answer: GivenAnswer, request: AuthenticationRequest): Verdict {
    if (answer === true) return this.loginFor({}, request);
    if (typeof answer !== "object" || answer === null) return Refusal.AuthorizationViolation;
    try {
      return this.loginFor(answer, request);
    } catch (error) {
      return this.failed(error, request);
    }
  }

  /** @throws Error  the answer is invalid */
  private loginFor(login: GivenLogin, { connect }: AuthenticationRequest): Verdict {
    const { user = givenUser(connect), account: accountName = GLOBAL_ACCOUNT, permissions = null } = login;
    const account = this.parts.accountOf(accountName);
    if (account === undefined) throw new Error(`there is no account ${quote(encode(String(accountName)))}`);
    const compiled = permissions === null ? null : this.parts.permissions.of(this.complete(permissions));
    return { ...PLAIN_LOGIN, user: String(user), account, permissions: compiled, expiresAt: timeOf(login.expiresAt ?? null) };
  }

  private complete(given: GivenPermissions): PermissionOptions {
    const known = this.completed.get(given);
    if (known !== undefined) return known;
    const permissions = this.parts.completePermissions(given);
    const fault = permissionsFault(permissions);
    if (fault !== null) throw new Error(`invalid permissions: ${fault}`);
    this.completed.set(given, permissions);
    return permissions;
  }

  private failed(error: unknown, request: AuthenticationRequest): Refusal {
    const text = error instanceof Error ? error.message : String(error);
    this.parts.log.error(`authenticate() failed: ${withoutSecrets(text, request)}`);
    return Refusal.AuthorizationViolation;
  }
}

function isPromise(answer: GivenAnswer | PromiseLike<GivenAnswer>): answer is PromiseLike<GivenAnswer> {
  return typeof (answer as PromiseLike<GivenAnswer> | null | undefined)?.then === "function";
}

function givenRequestOf(request: AuthenticationRequest): GivenRequest {
  const { address, connect, connectionType, nonce, port, tls } = request;
  const { auth_token: token, jwt, lang, name, nkey, pass: password, sig: signature, user, version } = connect;
  return {
    ...{ user, password, token, nkey, jwt, signature, nonce, name, lang, version, address, port, connectionType },
    certificate: tls?.peerCertificates[0] ?? null,
    verifyNkey: (wanted = nkey) => isSigned(request, wanted),
  };
}

/** @returns wall clock, ms; 0: never @throws Error */
function timeOf(expiresAt: Date | number | null): number {
  if (expiresAt === null) return 0;
  const at = Number(expiresAt);
  if (!Number.isFinite(at)) throw new Error("expiresAt is not a valid time");
  return Math.max(1, Math.round(at));
}

/** Removes the client's secrets from the program's error text. */
function withoutSecrets(text: string, { connect }: AuthenticationRequest): string {
  const secrets = [connect.pass, connect.auth_token, connect.jwt, connect.sig].filter(secret => secret !== "");
  return secrets.sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, "[REDACTED]"), text);
}
