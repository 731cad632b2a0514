/**
 * Auth callout: a service in one of the accounts decides about logins.
 *
 *   request claims ─ signed, sealed? ─▶ Requests ─▶ answer ─▶ user claims ─▶ Placement ─▶ Login
 * Every failure refuses the login with the same error as a wrong password; the log gives the reason.
 * Source: server/auth_callout.go (behaviour); core §4.9.
 */

import { generateKeyPairSync } from "node:crypto";
import type { AuthorizationServer, UserClaims } from "../../access/jwt/claims.ts";
import { connectTimes } from "../../access/jwt/connect-times.ts";
import { allowsConnectionType } from "../../access/jwt/connection-types.ts";
import { encodeClaims } from "../../access/jwt/encode.ts";
import { isFromNetworks } from "../../access/jwt/source-networks.ts";
import { validateClaims } from "../../access/jwt/validate-claims.ts";
import type { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { quoted } from "../../base/go/strconv.ts";
import { encodeNkey, NkeyKind, sign } from "../../base/keys/nkey.ts";
import type { ServerIdentity } from "../../base/keys/server-identity.ts";
import { seal } from "../../base/keys/xkey.ts";
import type { Logger } from "../../base/log/logger.ts";
import { buildHeader } from "../../messaging/header/header-write.ts";
import { Inboxes } from "../../services/inboxes.ts";
import { Requests } from "../../services/requests.ts";
import { givenUser } from "../../wire/protocol/connect-options.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";
import { userLimitsOf } from "../operator/claims-options.ts";
import { type AuthenticationRequest, earliest, type Login, PLAIN_LOGIN, type Verdict } from "../users/authenticator.ts";
import { type Expected, readAnswer } from "./authorization-answer.ts";
import { requestClaims } from "./authorization-request.ts";
import { CALLOUT_SUBJECT, calloutDenials } from "./callout-denials.ts";
import { CalloutFault } from "./callout-fault.ts";
import type { CalloutParty, Placement } from "./callout-party.ts";

/** Header with the server's curve key, by which the request was encrypted. */
export const XKEY_HEADER = "Nats-Server-Xkey";

export interface CalloutHost {
  readonly identity: ServerIdentity;
  readonly serverName: string;
  readonly clock: Clock;
  readonly timers: TimingWheel;
  readonly log: Logger;
  readonly permissions: CompiledPermissions;
  /** The server's description in requests, without its curve key. */
  describe(): Omit<AuthorizationServer, "curveKey">;
  /** Time limit for an answer, ms. */
  timeoutMs(): number;
  /** Whether requests can be sent: without a system account the reference sends none. */
  hasSystemAccount(): boolean;
}

/** A delegated client. */
export interface Delegation {
  readonly request: AuthenticationRequest;
  readonly party: CalloutParty;
  /** The client's claims; null: none that are evaluated. */
  readonly user: UserClaims | null;
  /** Key of the trusted proxy used; empty: none. */
  readonly proxyKey: string;
  readonly proxyRequired: boolean;
}

export class Callout {
  private readonly requests: Requests;

  constructor(private readonly host: CalloutHost) {
    const { log, serverName, timers } = host;
    const inboxes = new Inboxes(serverName, error => log.error(`auth callout: an answer could not be handled: ${error}`));
    this.requests = new Requests(timers, inboxes);
  }

  /** Asks the service. Never rejects. */
  async decide(delegation: Delegation): Promise<Verdict> {
    const { party, request, proxyKey, proxyRequired } = delegation;
    // A missing proxy determines the close reason, even when something else is wrong too.
    const defaultRefusal = proxyRequired && proxyKey === "" ? Refusal.ProxyRequired : Refusal.AuthorizationViolation;
    try {
      return await this.admit(delegation);
    } catch (error) {
      if (request.isWanted?.() === false) return defaultRefusal;
      if (!(error instanceof CalloutFault)) {
        this.host.log.error(`auth callout failed: ${(error as Error).message}`);
        return defaultRefusal;
      }
      this.host.log[error.level](error.logText);
      request.refusedBy?.(party.account, error.level === "warn" ? error.logText : "");
      return error.refusal ?? defaultRefusal;
    }
  }

  /** The login of a client in the account of a callout service: without the subjects of callouts. @param isService one of the `auth_users` */
  guarded(login: Login, isService: boolean): Login {
    return { ...login, permissions: this.host.permissions.denying(login.permissions?.options ?? null, calloutDenials(isService)) };
  }

  private async admit(delegation: Delegation): Promise<Verdict> {
    const { party, request, proxyKey, proxyRequired } = delegation;
    const userNkey = newUserNkey();
    const answer = await this.answerTo(delegation, userNkey);
    const { clock, identity } = this.host;
    const expected: Expected = { party, userNkey, serverId: identity.id, xkeySeed: identity.xkeySeed, nowMs: clock.now() };
    const claims = await readAnswer(answer, expected);
    if ((proxyRequired || claims.nats.proxyRequired) && proxyKey === "") throw CalloutFault.proxyRequired();
    const [issue] = validateClaims(claims, clock.now()).issues;
    if (issue !== undefined) throw new CalloutFault(`Error validating user JWT: ${issue.description}`);
    if (claims.subject !== userNkey) {
      const wrong = `${quoted(userNkey)} but got ${quoted(claims.subject)} on account ${quoted(party.account.name)}`;
      throw new CalloutFault(`Expected authorized user of ${wrong}`);
    }
    const placement = await party.place(claims);
    const endsAt = this.allowedUntil(placement, delegation);
    // The template of a scoped key may require a proxy.
    if (placement.claims.nats.proxyRequired && proxyKey === "") throw CalloutFault.proxyRequired();
    if (isFullFor(placement.account, request)) {
      this.host.log.warn(`Could not register auth callout user: ${REFUSALS[Refusal.MaxAccountConnectionsExceeded].error}`);
      return { ...PLAIN_LOGIN, user: givenUser(request.connect), account: placement.account, accountFull: true };
    }
    const login = this.loginOf(placement, delegation, endsAt);
    return party.servesIn(login.account) ? this.guarded(login, false) : login;
  }

  /** Rejects with CalloutFault when there is no valid answer. */
  private async answerTo({ party, request, user }: Delegation, userNkey: string): Promise<Uint8Array> {
    const { clock, identity } = this.host;
    const { account, subject, xkey } = party;
    const timeoutMs = this.host.timeoutMs();
    const server = { ...this.host.describe(), curveKey: xkey === "" ? "" : identity.xkey };
    const expiresAtSeconds = Math.floor((clock.now() + timeoutMs) / 1000);
    const claims = requestClaims({ subject, server, userNkey, expiresAtSeconds, client: request, user });
    const signer = { publicKey: identity.id, sign: (data: Uint8Array) => sign(identity.seed, data)! };
    const token = encodeClaims(claims, signer, Math.floor(clock.now() / 1000));
    const payload = xkey === "" ? token : await seal(Buffer.from(token), xkey, identity.xkeySeed);
    const name = quoted(account.name);
    if (payload === null) {
      throw new CalloutFault(`Error encrypting auth request claim on account ${name}: nkeys: not a valid recipient public curve key`);
    }
    if (!this.host.hasSystemAccount()) throw new CalloutFault("Error sending authorization request: system account not setup", "debug");
    const header = xkey === "" ? null : buildHeader([[XKEY_HEADER, identity.xkey]]);
    const isWanted = request.isWanted ?? (() => true);
    const answer = isWanted()
      ? await this.requests.ask({ account, subject: CALLOUT_SUBJECT, header, payload, timeoutMs, isWanted })
      : "late";
    if (typeof answer !== "string") return answer;
    const why = answer === "late" ? "response not received in time" : "not asked, too many requests are waiting";
    throw new CalloutFault(`Authorization callout ${why} on account ${name}`, "debug");
  }

  /**
   * @returns end of the allowed hours, wall clock in ms; 0: none
   * @throws CalloutFault connecting from this network, at this time or by this connection type is not allowed
   */
  private allowedUntil({ claims: { nats }, connectionTypes }: Placement, { party, request }: Delegation): number {
    const user = `authorized user on account ${quoted(party.account.name)}`;
    if (!isFromNetworks(nats.sources, request.address)) {
      request.error?.(`Bad src Ip ${request.address}`);
      throw new CalloutFault(`${user} not allowed from source ${quoted(request.address)}`);
    }
    const hours = connectTimes(nats.times, nats.timesLocation, this.host.clock.now());
    if (!hours.allowed) {
      request.error?.("Outside connect times");
      throw new CalloutFault(`${user} outside of valid connect times`);
    }
    if (connectionTypes.error !== null) {
      request.debug?.(connectionTypes.error);
      if (connectionTypes.types.size === 0) throw new CalloutFault(`${user} using invalid connection type`);
    }
    if (!allowsConnectionType(connectionTypes, request.connectionType)) {
      throw new CalloutFault(`${user} not allowed to use connection type`);
    }
    return hours.endsAtMs ?? 0;
  }

  private loginOf(placement: Placement, { proxyKey, request }: Delegation, endsAt: number): Login {
    const { account, claim, claims, permissions: own } = placement;
    const { connect } = request;
    connect.jwt = ""; // the client's rights do not come from that token
    if (claims.name !== "") {
      connect.user = claims.name;
      connect.nkey = "";
      connect.auth_token = "";
    }
    // As in the reference, default permissions of a configured account apply to configured users only.
    const permissions = own ?? (claim === null ? null : account.defaultPermissions);
    return {
      user: givenUser(connect),
      account,
      permissions: permissions === null ? null : this.host.permissions.of(permissions),
      followsDefaults: own === null && claim !== null,
      limits: userLimitsOf(claims.nats),
      expiresAt: earliest(claims.expiresAtSeconds * 1000, endsAt),
      claim,
      nameTag: claims.name,
      tags: claims.nats.tags,
      proxyKey,
      delegated: true,
    };
  }
}

/** Whether the account's connection limit refuses the client. A client that is checked again is already counted. */
export function isFullFor(account: Account, { boundTo }: AuthenticationRequest): boolean {
  return account.isFull && account !== boundTo;
}

/** A key without a private half: it only identifies the attempt. */
function newUserNkey(): string {
  const { x } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  return encodeNkey(NkeyKind.User, new Uint8Array(Buffer.from(x!, "base64url")));
}
