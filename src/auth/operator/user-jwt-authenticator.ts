/**
 * Logins by user JWTs: operator mode.
 *
 *   proxy ─▶ user JWT, or the default sentinel ─▶ in force ─▶ pinned account ─▶ account (its resolver) ─▶ right signer
 *     ─▶ scope and template ─▶ account in force ─▶ bearer ─▶ connection type ─▶ nonce ─▶ revoked ─▶ network ─▶ hours ─▶ Login
 * The first failing step decides. Refusals look alike to the client; the log names the step.
 *
 * A login for a loaded account completes synchronously: no I/O, and at most two signature checks, of the user's token and of the nonce. The
 * token of an accepted user is not verified again, and the result of its claims is cached until the account's claims
 * change; the nonce is verified each time.
 * Source: server/auth.go, processClientOrLeafAuthentication (behaviour); core §4.5.
 */

import type { UserClaims } from "../../access/jwt/claims.ts";
import { JwtError } from "../../access/jwt/claims.ts";
import { connectTimes } from "../../access/jwt/connect-times.ts";
import { allowsConnectionType } from "../../access/jwt/connection-types.ts";
import { decodeUser } from "../../access/jwt/decode.ts";
import { isFromNetworks } from "../../access/jwt/source-networks.ts";
import { accountOf, isRevoked } from "../../access/jwt/trust.ts";
import type { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import { quoted } from "../../base/go/strconv.ts";
import { decodeNkey, decodeSignature, hasNkeyForm, verifySignature } from "../../base/keys/nkey.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { type AuthenticationRequest, type Authenticator, earliest, type Login, type Verdict } from "../users/authenticator.ts";
import type { TrustedProxies } from "../users/trusted-proxies.ts";
import { KnownUser, UserFault } from "./known-user.ts";
import type { LoadedAccount } from "./loaded-account.ts";
import { LookupError, MISSING, reasonOf } from "./lookup-error.ts";
import type { OperatorAccounts } from "./operator-accounts.ts";
import type { TrustedKeys } from "./trusted-keys.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

const USERS_MAX = 4_096;
const USER_BYTES_MAX = 8 * 1024 * 1024;
const USER_TOKEN_BYTES_MAX = 8 * 1024;

export interface UserJwtFacts {
  readonly accounts: OperatorAccounts;
  readonly keys: TrustedKeys;
  readonly proxies: TrustedProxies;
  readonly permissions: CompiledPermissions;
  /** Accounts whose users may log in; null: all. */
  readonly pinned: ReadonlySet<string> | null;
  /** JWT for clients without one; empty: they are refused. */
  readonly sentinel: string;
  /** Wall clock, ms. */
  now(): number;
  /** Called when a client names an account that is not pinned. */
  onUnpinned(): void;
  /** Log lines with the reasons of refusals; null when that log level is off. */
  readonly debugs: boolean;
}

/** Result of checking a client's claims, as used by auth callout. */
export interface UserResolution {
  readonly verdict: Verdict;
  /** null: it sent no readable token. */
  readonly claims: UserClaims | null;
  /** null: an earlier check failed. */
  readonly account: LoadedAccount | null;
  /** Key of the trusted proxy used; empty: none. */
  readonly proxyKey: string;
  /** Its claims require a trusted proxy. */
  readonly proxyRequired: boolean;
}

export class UserJwtAuthenticator implements Authenticator {
  readonly usesNonce = true;
  readonly takesJwt = true;
  readonly required = true;
  /** Set when new options replace these: logins that still wait are decided by the successor. */
  successor: UserJwtAuthenticator | null = null;

  /** @param users cache of accepted users; handed on from the previous authenticator when options change */
  constructor(
    private readonly facts: UserJwtFacts,
    readonly users = new VerifiedTokens<KnownUser>(USERS_MAX, USER_BYTES_MAX, USER_TOKEN_BYTES_MAX),
  ) {}

  admitsAnonymous(): boolean {
    return false;
  }

  authenticate(request: AuthenticationRequest): Verdict | Promise<Verdict> {
    const resolution = this.resolve(request);
    return resolution instanceof Promise ? resolution.then(({ verdict }) => verdict) : resolution.verdict;
  }

  resolve(request: AuthenticationRequest): UserResolution | Promise<UserResolution> {
    const refuse = (verdict: Refusal, claims: UserClaims | null, proxyKey = "", why = ""): UserResolution => {
      if (why !== "") request.debug?.(why);
      return { verdict, claims, account: null, proxyKey, proxyRequired: claims?.nats.proxyRequired ?? false };
    };
    const proxyKey = this.facts.proxies.keyOf(request);
    if (proxyKey === null) return refuse(Refusal.ProxyNotTrusted, null, "", "proxy is not trusted");
    const user = this.userOf(request);
    if (user === null) return refuse(Refusal.AuthorizationViolation, null, proxyKey, "Authentication requires a user JWT");
    const { claims } = user;
    if (claims.nats.proxyRequired && proxyKey === "") return refuse(Refusal.ProxyRequired, claims, "", PROXY_REQUIRED);
    const invalid = user.invalidity(this.facts.now());
    if (invalid !== null) return refuse(Refusal.AuthorizationViolation, claims, proxyKey, `User JWT no longer valid: ${invalid}`);
    const name = accountOf(claims);
    if (this.facts.pinned !== null && !this.facts.pinned.has(name)) {
      this.facts.onUnpinned();
      return refuse(Refusal.AuthorizationViolation, claims, proxyKey, `Account ${name} not listed as operator pinned account`);
    }
    const lookUpFailed = (error: unknown) =>
      refuse(Refusal.AuthorizationViolation, claims, proxyKey, `Account JWT lookup error: ${reasonOf(error)}`);
    const resolved = (account: LoadedAccount) => this.resolveIn(account, user, request, proxyKey);
    const resolvedLater = (account: LoadedAccount) => {
      if (this.successor !== null) return this.successor.resolve(request); // options changed during the wait
      return this.facts.accounts.get(name) === account ? resolved(account) : lookUpFailed(new LookupError(MISSING));
    };
    try {
      const found = this.facts.accounts.find(name);
      return found instanceof Promise ? found.then(resolvedLater, lookUpFailed) : resolved(found);
    } catch (error) {
      return lookUpFailed(error);
    }
  }

  /** The user of its token; null: no readable token. */
  private userOf({ connect }: AuthenticationRequest): KnownUser | null {
    const sent = this.decoded(connect.jwt);
    if (sent !== null || this.facts.sentinel === "") return sent;
    connect.jwt = this.facts.sentinel;
    return this.decoded(connect.jwt);
  }

  private decoded(jwt: string): KnownUser | null {
    const known = this.users.get(jwt);
    if (known !== undefined || jwt === "") return known ?? null;
    try {
      return new KnownUser(jwt, decodeUser(jwt));
    } catch (error) {
      if (error instanceof JwtError) return null;
      throw error;
    }
  }

  private resolveIn(account: LoadedAccount, user: KnownUser, request: AuthenticationRequest, proxyKey: string): UserResolution {
    let verdict: Verdict;
    let { proxyRequired } = user.claims.nats;
    try {
      this.checkIssuers(account, user);
      const { claims } = user.effectiveIn(account);
      ({ proxyRequired } = claims.nats);
      if (proxyRequired && proxyKey === "") throw new UserFault(PROXY_REQUIRED, Refusal.ProxyRequired);
      verdict = this.admit(account, user, request, proxyKey);
      this.users.add(user.jwt, user);
      if (request.debug !== undefined && this.facts.debugs && !account.account.isFull) request.debug(welcomeText(account, user.claims));
    } catch (error) {
      if (!(error instanceof UserFault)) throw error;
      if (error.isError) request.error?.(error.message);
      else request.debug?.(error.message);
      verdict = error.refusal;
    }
    return { verdict, claims: user.claims, account, proxyKey, proxyRequired };
  }

  private checkIssuers({ claims, signers }: LoadedAccount, user: KnownUser): void {
    if (!this.facts.keys.has(claims.issuer)) throw new UserFault("Account JWT not signed by trusted operator");
    if (!signers.has(user.claims.issuer)) throw new UserFault("User JWT issuer is not known");
  }

  /** @throws UserFault */
  private admit(loaded: LoadedAccount, user: KnownUser, request: AuthenticationRequest, proxyKey: string): Login {
    const { account } = loaded;
    const { claims, connectionTypes, limits, permissions: own } = user.effectiveIn(loaded);
    const { nats, issuedAtSeconds, subject } = claims;
    if (account.expired) throw new UserFault("Account JWT has expired");
    if (nats.bearerToken && loaded.disallowsBearer) throw new UserFault("Account does not allow bearer tokens");
    if (connectionTypes.error !== null) {
      if (connectionTypes.types.size === 0) throw new UserFault(connectionTypes.error);
      request.debug?.(connectionTypes.error);
    }
    if (!allowsConnectionType(connectionTypes, request.connectionType)) throw new UserFault("Connection type not allowed");
    if (!nats.bearerToken) checkNonce(request, subject);
    if (isRevoked(loaded.claims.nats.revocations, subject, issuedAtSeconds)) throw new UserFault("User authentication revoked");
    if (!isFromNetworks(nats.sources, request.address))
      throw new UserFault(`Bad src Ip ${request.address}`, Refusal.AuthorizationViolation, true);
    const hours = connectTimes(nats.times, nats.timesLocation, this.facts.now());
    if (!hours.allowed) throw new UserFault("Outside connect times", Refusal.AuthorizationViolation, true);
    const permissions = own ?? account.defaultPermissions;
    const { connect } = request;
    return {
      user: connect.nkey || connect.user || subject,
      account,
      permissions: permissions === null ? null : this.facts.permissions.of(permissions),
      followsDefaults: own === null,
      limits,
      expiresAt: earliest(claims.expiresAtSeconds * 1000, hours.endsAtMs ?? 0),
      claim: { ...user.claim, bearer: nats.bearerToken }, // a scope can set it
      nameTag: claims.name,
      tags: nats.tags,
      proxyKey,
    };
  }
}

/** Four bytes. */
const SHORTEST_KEY_LETTERS = 7;
const PROXY_REQUIRED = "proxy connection required";

/** @throws UserFault the client did not prove possession of the key */
function checkNonce({ connect, nonce }: AuthenticationRequest, subject: string): void {
  if (connect.sig === "") throw new UserFault("Signature missing");
  const signature = decodeSignature(connect.sig);
  if (signature === null) throw new UserFault("Signature not valid base64");
  const fault = nkeyFault(subject);
  if (fault !== null) throw new UserFault(`User nkey not valid: ${fault}`);
  if (!verifySignature(subject, nonce, signature)) throw new UserFault("Signature not verified");
}

/** Why a text is not an nkey, in the nkeys library's words; null when it is one. */
function nkeyFault(text: string): string | null {
  if (decodeNkey(text) !== null) return null;
  if (hasNkeyForm(text)) return "nkeys: invalid public key";
  const wrong = text.search(/[^A-Z2-7]/);
  if (wrong !== -1) return `illegal base32 data at input byte ${wrong}`;
  return text.length < SHORTEST_KEY_LETTERS ? "nkeys: invalid encoded key" : "nkeys: invalid checksum";
}

function welcomeText({ account, claims: ofAccount }: LoadedAccount, { issuer, name, nats, subject }: UserClaims): string {
  const tags = (list: readonly string[]) => `[${list.map(quoted).join(" ")}]`;
  return (
    `Authenticated JWT: Client ${quoted(subject)} (claim-name: ${quoted(name)}, claim-tags: ${tags(nats.tags)}) ` +
    `signed with ${quoted(issuer)} by Account ${quoted(account.name)} (claim-name: ${quoted(ofAccount.name)}, ` +
    `claim-tags: ${tags(ofAccount.nats.tags)}) signed with ${quoted(ofAccount.issuer)} has mappings ${account.mappings !== null}`
  );
}
