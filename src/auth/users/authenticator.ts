/**
 * The interface between connections and all login mechanisms.
 *
 *   CONNECT ─▶ AuthenticationRequest ─▶ Authenticator ─▶ Login: account, permissions, limits, expiry
 *                                                    └▶ Refusal: the error that the client gets
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { Permissions } from "../../access/permission/permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { ConnectOptions } from "../../wire/protocol/connect-options.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";
import type { TlsState } from "../../wire/transport/tls-state.ts";
import type { TransportType } from "../../wire/transport/transport.ts";

/** A client's login request. */
export interface AuthenticationRequest {
  /**
   * The options of its CONNECT, including secrets. If the configuration or a certificate determines the user, the authenticator sets
   * `user` or `nkey` here, so that logs and monitoring show it and later checks find the same user.
   */
  readonly connect: ConnectOptions;
  /** Nonce sent in INFO; empty unless the authenticator needs one. */
  readonly nonce: string;
  /** Peer address; empty for an in-process connection. */
  readonly address: string;
  readonly port: number;
  /** TLS state including verified certificates; null without TLS. */
  readonly tls: TlsState | null;
  readonly connectionType: ConnectionType;
  readonly transport: TransportType;
  /** Connection id. */
  readonly id: number;
  /** Time of connecting. Wall clock, ms. */
  readonly startedAt: number;
  /** The account that currently counts this connection; null or omitted: none. */
  readonly boundTo?: Account | null;
  /** Name and tags of the user that it logged in as before on the same connection. Omitted: none. */
  readonly tagged?: Pick<Login, "nameTag" | "tags">;
  /**
   * Longest time that a check of the login may wait before it begins: the listener's `timeout`; infinity for a client that is logged in and
   * is authenticated again after a reload.
   */
  readonly timeoutMs: number;
  /** The hash that its password is known to match, see `Login.provedHash`. Omitted: none. */
  readonly provedHash?: string | undefined;
  /** Whether it is still connected, for slow checks. Omitted: assumed connected. */
  readonly isWanted?: () => boolean;
  /** Reports the trusted proxy used, even when the login is refused. Optional. */
  readonly proxied?: (key: string) => void;
  /** Sets a provisional identity for logs until the callout decides. Optional. */
  readonly delegated?: (login: Login) => void;
  /**
   * Called before a refusal that is to be reported in another account than the client's current one, with the reason to report
   * there; null: the default reason. Optional.
   */
  readonly refusedBy?: (account: Account, reason: string | null) => void;
  /** Logs a detail about this client at level debug. Optional. */
  readonly debug?: (text: string) => void;
  /** The same at level error, for problems that an operator must see. */
  readonly error?: (text: string) => void;
}

/** Limits of one user, in addition to those of its account and of the server. -1: no limit. */
export interface UserLimits {
  readonly subscriptionsMax: number;
  readonly payloadBytesMax: number;
}

/** Facts from a user's claims, for monitoring and events. */
export interface UserClaim {
  readonly jwt: string;
  /** Public nkey, `U…`. */
  readonly subject: string;
  /** Public account nkey of the issuer. */
  readonly issuerKey: string;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** A bearer token: the client did not prove that it has the key. */
  readonly bearer: boolean;
}

/** A successful login. */
export interface Login {
  /** User name for logs and monitoring; never a token. Empty: anonymous. */
  readonly user: string;
  readonly account: Account;
  /** null: everything is allowed. */
  readonly permissions: Permissions | null;
  /** The permissions are the account's defaults and change with them. Omitted: false. */
  readonly followsDefaults?: boolean;
  readonly limits: UserLimits | null;
  /** When the connection is closed. Wall clock, ms; 0: never; a time in the past: at once. */
  readonly expiresAt: number;
  readonly claim: UserClaim | null;
  /** Name and tags in the user's claims, for monitoring and events; empty: none. */
  readonly nameTag: string;
  readonly tags: readonly string[];
  /** Public nkey of the trusted proxy used; empty: none. The client is closed when that key is no longer trusted. */
  readonly proxyKey: string;
  /** The account was at its connection limit when the login was decided, so it is refused even if connections have closed since. */
  readonly accountFull?: boolean;
  /** The configured hash that the password or token of its CONNECT matched, so that a reload need not check it again. Omitted: none. */
  readonly provedHash?: string;
  /** Decided by a callout service, which is not asked again about a user that it renamed. Omitted: false. */
  readonly delegated?: boolean;
}

/** Defaults of a login. */
export const PLAIN_LOGIN = {
  user: "",
  permissions: null,
  limits: null,
  expiresAt: 0,
  claim: null,
  nameTag: "",
  tags: [],
  proxyKey: "",
} as const;

/** The earliest of several times as in `expiresAt`: 0 is never, a negative time is long past. */
export function earliest(...times: number[]): number {
  const real = times.filter(time => time !== 0);
  return real.length === 0 ? 0 : Math.min(...real);
}

/** A refusal is never `None`. */
export type Verdict = Login | Refusal;

export interface Authenticator {
  /** INFO must carry a nonce for clients to sign. */
  readonly usesNonce: boolean;
  /** INFO contains `auth_required`, and the first command must be CONNECT. */
  readonly required: boolean;
  /**
   * Clients may begin without CONNECT, as the `no_auth_user`.
   * @returns whether a client of that connection type may
   */
  admitsAnonymous(type: ConnectionType): boolean;
  /** A JWT in CONNECT is evaluated. */
  readonly takesJwt: boolean;
  /** The JWT is always treated as a secret. Omitted: only a bearer JWT is. */
  readonly hidesJwt?: boolean;
  /** Bytes after the client's CONNECT wait until this settles. A rejection refuses the login. */
  authenticate(request: AuthenticationRequest): Verdict | Promise<Verdict>;
  /**
   * After a reload: whether a client that a callout service admitted stays connected without a new request. If not, it is closed without an
   * error. Omitted: `authenticate` decides.
   * @param account the client's account
   */
  keepsDelegated?(account: Account): boolean;
  /**
   * After a reload: whether the user named in the client's CONNECT still exists in that account. If not, the client is closed without an
   * error. Omitted: `authenticate` decides.
   */
  keeps?(connect: ConnectOptions, account: Account): boolean;
}
