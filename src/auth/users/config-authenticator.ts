/**
 * Logins by configuration: users and nkeys of accounts, a single user or token, certificates, trusted proxies.
 *
 *   trusted proxy? ─▶ nkey ─▶ certificate, or name ─▶ single token, or single user
 *        │             └───────────┴── a user: its proxy rule, then its signature or password
 *        └ signature of an untrusted proxy: refused
 * The first credential that names a user decides. A client without credentials becomes the `no_auth_user`, if configured.
 *
 * The duration of a refusal does not reveal which names exist: an unknown name is checked against another user's hash, and so
 * is a known name whose own check is quicker. Secrets are compared in constant time.
 * Source: core §4.1; reference, processClientOrLeafAuthentication (behaviour).
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import { quoted } from "../../base/go/strconv.ts";
import { decodeSignature, verifySignature } from "../../base/keys/nkey.ts";
import { type ConnectOptions, givenUser } from "../../wire/protocol/connect-options.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { distinguishedName } from "../../wire/transport/tls/distinguished-name.ts";
import { type AuthenticationRequest, type Authenticator, type Login, PLAIN_LOGIN, type Verdict } from "./authenticator.ts";
import { hasAnyName, identitiesOf } from "./certificate-identity.ts";
import type { ListenerRules } from "./listener-rules.ts";
import { type CheckResult, type PasswordChecks, secretEquals } from "./password.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import { allowsType, type KnownUser, type UserTable } from "./user-table.ts";

/** The configuration's result for a client, as used by auth callout. */
export interface Resolution {
  readonly verdict: Verdict | Promise<Verdict>;
  /** The nkey or user that it names, proved or not; empty: not in the configuration. */
  readonly identity: string;
  /** Key of the trusted proxy used; empty: none. */
  readonly proxyKey: string;
  /** This user must connect through a trusted proxy. */
  readonly proxyRequired: boolean;
}

/** An authenticator that reports its result. */
export interface ResolvingAuthenticator extends Authenticator {
  resolve(request: AuthenticationRequest): Resolution;
}

/** Shared by the listeners of a server. */
export interface ConfigFacts {
  readonly table: UserTable;
  readonly globalAccount: Account;
  readonly proxies: TrustedProxies;
  readonly permissions: CompiledPermissions;
  readonly checks: PasswordChecks;
  readonly log: { warn(text: string): void };
  /** A user without a password that may belong to a certificate: no other login is possible. */
  isCertificateOnly(user: KnownUser): boolean;
}

/** All unknown names share one place in the queue of password checks. */
const UNKNOWN_USER = "";
/** The place of the single token. */
const SINGLE_TOKEN = "[token]";

/** The claimed identity of a client, before it is proved. */
type Found =
  | { readonly by: "nkey" | "certificate" | "name"; readonly user: KnownUser }
  /** Not in the table: the listener's single user or token decides. */
  | { readonly by: "rules" }
  /** Refused. `user`: the user may not use this connection type. `known`: the refusal may reveal that the name exists. */
  | { readonly by: "nothing"; readonly user: KnownUser | null; readonly known: boolean };

export class ConfigAuthenticator implements ResolvingAuthenticator {
  readonly usesNonce: boolean;
  readonly required = true;
  readonly takesJwt = false;

  constructor(
    private readonly facts: ConfigFacts,
    private readonly rules: ListenerRules,
  ) {
    this.usesNonce = facts.table.nkeys.size > 0 || facts.proxies.keys.length > 0;
  }

  admitsAnonymous(type: ConnectionType): boolean {
    const user = this.facts.table.users.get(this.rules.anonymousUser);
    return user !== undefined && !user.options.proxyRequired && allowsType(user, type);
  }

  authenticate(request: AuthenticationRequest): Verdict | Promise<Verdict> {
    return this.resolve(request).verdict;
  }

  keeps({ nkey, user }: ConnectOptions, account: Account): boolean {
    const { nkeys, users } = this.facts.table;
    if (nkey !== "") return nkeys.get(nkey)?.account === account;
    if (user === "" || users.size === 0) return true;
    return users.get(user)?.account === account;
  }

  resolve(request: AuthenticationRequest): Resolution {
    const proxyKey = this.facts.proxies.keyOf(request);
    if (proxyKey === null) {
      request.debug?.("proxy is not trusted");
      return { verdict: Refusal.ProxyNotTrusted, identity: "", proxyKey: "", proxyRequired: false };
    }
    const found = this.find(request);
    if (found.by === "rules") return this.resolveByRules(request, proxyKey);
    if (found.by === "nothing") {
      const verdict = found.known ? Refusal.AuthorizationViolation : this.refuseWithEqualWork(request);
      return { verdict, identity: found.user?.name ?? "", proxyKey, proxyRequired: false };
    }
    const { name, options } = found.user;
    return { verdict: this.prove(request, found, proxyKey), identity: name, proxyKey, proxyRequired: options.proxyRequired };
  }

  private find(request: AuthenticationRequest): Found {
    const { connect, connectionType } = request;
    const { nkeys, users } = this.facts.table;
    if (nkeys.size > 0) {
      this.applyNoAuthNkey(request);
      if (connect.nkey !== "") {
        const user = nkeys.get(connect.nkey) ?? null;
        if (user === null || !allowsType(user, connectionType)) return { by: "nothing", user, known: true };
        return { by: "nkey", user };
      }
    }
    if (users.size === 0) return { by: "rules" };
    if (this.rules.mapsCertificates) {
      const user = this.mapped(request);
      return user === null ? { by: "nothing", user, known: true } : { by: "certificate", user };
    }
    this.applyNoAuthUser(request);
    if (connect.user === "") return { by: "rules" };
    const user = users.get(connect.user) ?? null;
    if (user === null || !allowsType(user, connectionType)) return { by: "nothing", user, known: false };
    return { by: "name", user };
  }

  private applyNoAuthNkey({ connect }: AuthenticationRequest): void {
    const { noAuthUser } = this.rules;
    if (noAuthUser === "" || givenUser(connect) !== "" || connect.pass !== "") return;
    if (this.facts.table.nkeys.has(noAuthUser)) connect.nkey = noAuthUser;
  }

  private applyNoAuthUser({ connect }: AuthenticationRequest): void {
    const user = this.facts.table.users.get(this.rules.noAuthUser);
    if (user === undefined || connect.user !== "" || connect.pass !== "" || connect.auth_token !== "") return;
    connect.user = user.name;
    connect.pass = user.options.password;
  }

  /** The user that the client's certificate identifies; null: none. */
  private mapped(request: AuthenticationRequest): KnownUser | null {
    const { connect, connectionType, debug, tls } = request;
    if (tls === null || tls.peerCertificates.length === 0) {
      debug?.(`User required in cert, ${tls === null ? "no TLS connection state" : "no peer certificates found"}`);
      return null;
    }
    const [certificate] = tls.peerCertificates;
    if (!hasAnyName(certificate)) {
      debug?.("User required in cert, none found");
      return null;
    }
    for (const identity of identitiesOf(certificate)) {
      const user = this.facts.table.byCertificate(identity, connectionType);
      if (user === null) continue;
      const found = identity.kind === "email" || identity.kind === "SAN" || identity.kind === "URI" ? " found in cert" : "";
      debug?.(`Using ${identity.kind}${found} for auth [${quoted(user.name)}]`);
      if (connect.user !== "") this.facts.log.warn(`User ${quoted(connect.user)} found in connect proto, but user required from cert`);
      connect.user = user.name;
      return user;
    }
    debug?.(`User in cert [${quoted(distinguishedName(certificate.name, "known"))}], not found`);
    return null;
  }

  private prove(
    request: AuthenticationRequest,
    { by, user }: Exclude<Found, { by: "rules" | "nothing" }>,
    proxyKey: string,
  ): Verdict | Promise<Verdict> {
    if (user.options.proxyRequired && proxyKey === "") return proxyRequired(request);
    if (by === "nkey") {
      const proven = user.name === this.rules.noAuthUser || isSigned(request, user.name);
      return proven ? this.loginOf(request, user, proxyKey) : Refusal.AuthorizationViolation;
    }
    const { password } = user.options;
    if (by === "name" && password === "" && user.name !== this.rules.noAuthUser && this.facts.isCertificateOnly(user)) {
      request.debug?.(`User ${quoted(user.name)} requires a client certificate`);
      return this.refuseWithEqualWork(request);
    }
    return this.settle(request, user.name, request.connect.pass, password, () => this.loginOf(request, user, proxyKey));
  }

  /** Checks the listener's single token or single user. */
  private resolveByRules(request: AuthenticationRequest, proxyKey: string): Resolution {
    const { connect } = request;
    const { password, token, user } = this.rules;
    const identity = token === "" && user !== "" && connect.user === user ? user : "";
    const resolution = { identity, proxyKey, proxyRequired: this.rules.proxyRequired };
    if (this.rules.proxyRequired && proxyKey === "") return { ...resolution, verdict: proxyRequired(request) };
    const login = () => this.globalLogin(request, proxyKey);
    if (token !== "") return { ...resolution, verdict: this.settle(request, SINGLE_TOKEN, connect.auth_token, token, login) };
    if (user === "") return { ...resolution, verdict: this.refuseWithEqualWork(request) };
    const named = secretEquals(connect.user, user);
    const answer = named ? login : () => Refusal.AuthorizationViolation;
    return { ...resolution, verdict: this.settle(request, named ? user : UNKNOWN_USER, connect.pass, password, answer) };
  }

  /** Compares the secret. A refusal takes as long as for an unknown user. */
  private settle(
    request: AuthenticationRequest,
    user: string,
    given: string,
    stored: string,
    login: () => Verdict,
  ): Verdict | Promise<Verdict> {
    if (stored === request.provedHash) return proved(login(), stored);
    const matches = this.matches(request, user, given, stored);
    if (!(matches instanceof Promise)) return matches ? login() : this.refuseWithEqualWork(request);
    return matches.then(result => {
      if (result === "late") return Refusal.AuthenticationTimeout;
      return result ? proved(login(), stored) : Refusal.AuthorizationViolation;
    });
  }

  /** Refuses after the same work as for a user with a hashed password. */
  private refuseWithEqualWork(request: AuthenticationRequest): Refusal | Promise<Refusal> {
    const { decoyHash } = this.facts.table;
    const work = this.matches(request, UNKNOWN_USER, request.connect.pass, decoyHash);
    if (!(work instanceof Promise)) return Refusal.AuthorizationViolation;
    return work.then(result => (result === "late" ? Refusal.AuthenticationTimeout : Refusal.AuthorizationViolation));
  }

  private matches(
    { address, isWanted, timeoutMs }: AuthenticationRequest,
    user: string,
    given: string,
    stored: string,
  ): boolean | Promise<CheckResult> {
    return this.facts.checks.matches(given, stored, { address, user, timeoutMs, isWanted });
  }

  private loginOf({ connect }: AuthenticationRequest, { account, permissions }: KnownUser, proxyKey: string): Login {
    const compiled = permissions === null ? null : this.facts.permissions.of(permissions);
    return { ...PLAIN_LOGIN, user: givenUser(connect), account, permissions: compiled, proxyKey };
  }

  private globalLogin({ connect }: AuthenticationRequest, proxyKey: string): Login {
    return { ...PLAIN_LOGIN, user: givenUser(connect), account: this.facts.globalAccount, proxyKey };
  }
}

function proved(verdict: Verdict, hash: string): Verdict {
  return typeof verdict === "number" ? verdict : { ...verdict, provedHash: hash };
}

function proxyRequired({ debug }: AuthenticationRequest): Refusal {
  debug?.("proxy connection required");
  return Refusal.ProxyRequired;
}

/** Verifies the signature of the nonce. Without a nonce it fails: a signature over nothing could be reused forever. */
export function isSigned({ connect, debug, nonce }: AuthenticationRequest, nkey: string): boolean {
  const signature = connect.sig === "" ? null : decodeSignature(connect.sig);
  if (signature === null) debug?.(connect.sig === "" ? "Signature missing" : "Signature not valid base64");
  else if (nonce !== "" && verifySignature(nkey, nonce, signature)) return true;
  else debug?.("Signature not verified");
  return false;
}
