/**
 * Who may connect, and what as: the question that connections ask, whatever the mechanism.
 *
 *   CONNECT ─▶ AuthenticationRequest ─▶ Authenticator ─▶ Login: account, permissions, limits, until when
 *                                                    └▶ Refusal: which of the few answers a client gets
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { DenyLists } from "../../access/permission/merge-deny.ts";
import type { Permissions } from "../../access/permission/permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { ConnectOptions } from "../../wire/protocol/connect-options.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";
import type { TlsState } from "../../wire/transport/tls-state.ts";
import type { TransportType } from "../../wire/transport/transport.ts";

/** A client that asks to be let in. */
export interface AuthenticationRequest {
  /**
   * What its CONNECT said, secrets included. Where the configuration or a certificate says who a client is, the authenticator fills that in
   * (`user`, `nkey`), so that logs and monitoring name it, and so that it stays who it is when it is looked at again.
   */
  readonly connect: ConnectOptions;
  /** The challenge that its INFO carried; empty unless the authenticator asked for one. */
  readonly nonce: string;
  /** Where it comes from; empty for an in-process connection. */
  readonly address: string;
  readonly port: number;
  /** What its handshake settled, its verified certificates among it; null in the clear. */
  readonly tls: TlsState | null;
  readonly connectionType: ConnectionType;
  readonly transport: TransportType;
  /** The connection's number. */
  readonly id: number;
  /** Wall clock, ms: when it connected. */
  readonly startedAt: number;
  /** The account that counts it among its connections now; null or left out: none does. */
  readonly boundTo?: Account | null;
  /** Whether it is still there: for what is slow to find out. Left out: it is. */
  readonly isWanted?: () => boolean;
  /** Told of the trusted proxy that it came through, even if it is refused then. Left out: nobody asks. */
  readonly proxied?: (key: string) => void;
  /** Told who it would be, when somebody else is asked before it is let in: what logs and monitoring call it until then. Left out: nobody asks. */
  readonly delegated?: (login: Login) => void;
  /**
   * Told before a refusal in which account that is told, where it is not the one that the client is bound to, and what is said of it
   * there; null: what is said of any such refusal. Left out: nobody asks.
   */
  readonly refusedBy?: (account: Account, reason: string | null) => void;
  /** Writes a line of its log about why, at level debug. Left out: nobody reads it. */
  readonly debug?: (text: string) => void;
  /** The same at level error, for what an operator has to hear of. */
  readonly error?: (text: string) => void;
}

/** Limits of one user, beside those of its account and of the server. -1: none. */
export interface UserLimits {
  readonly subscriptionsMax: number;
  readonly payloadBytesMax: number;
}

/** What the claims of a user say of it, for monitoring and events. */
export interface UserClaim {
  readonly jwt: string;
  /** Public nkey, `U…`. */
  readonly subject: string;
  /** Public account nkey that signed it. */
  readonly issuerKey: string;
  readonly nameTag: string;
  readonly tags: readonly string[];
  /** Unix seconds. */
  readonly issuedAt: number;
  /** Nobody proved to have its key. */
  readonly bearer: boolean;
}

/** Who it is and what it may do. */
export interface Login {
  /** As logs and monitoring call it; a token is never shown. Empty: nobody in particular. */
  readonly user: string;
  readonly account: Account;
  /** null: everything. */
  readonly permissions: Permissions | null;
  /** They are those of its account, having none of its own, and change with them. Left out: they do not. */
  readonly followsDefaults?: boolean;
  /** What is denied beside that, and stays so. Left out: nothing. */
  readonly denied?: DenyLists;
  readonly limits: UserLimits | null;
  /** Wall clock, ms: when it is cut off; 0: never. */
  readonly expiresAt: number;
  readonly claim: UserClaim | null;
  /** Public nkey of the trusted proxy that it came through; empty: of none. When that key is trusted no more, it has to go. */
  readonly proxyKey: string;
  /** Its account was at the limit of its connections when it was decided: it does not get in, whoever may have left since. */
  readonly noRoom?: boolean;
  /** A service decided, which is not asked again about somebody whom it gave another name. Left out: none did. */
  readonly delegated?: boolean;
}

/** What a login is where nothing is said of it. */
export const PLAIN_LOGIN = { user: "", permissions: null, limits: null, expiresAt: 0, claim: null, proxyKey: "" } as const;

/** A refusal is never `None`. */
export type Verdict = Login | Refusal;

export interface Authenticator {
  /** INFO shall carry a nonce, for clients that sign it. */
  readonly usesNonce: boolean;
  /** INFO says `auth_required`, and the first command must be CONNECT. */
  readonly required: boolean;
  /**
   * Who says nothing of itself may begin without CONNECT: as the `no_auth_user`.
   * @returns whether a client of that type may
   */
  admitsAnonymous(type: ConnectionType): boolean;
  /** The JWT of a CONNECT means something. */
  readonly takesJwt: boolean;
  /** It may be a secret whatever it says, and is shown to nobody. Left out: only a bearer JWT is one. */
  readonly hidesJwt?: boolean;
  /** Nothing behind the client's CONNECT is looked at until this has settled. A rejection is a refusal. */
  authenticate(request: AuthenticationRequest): Verdict | Promise<Verdict>;
  /**
   * After a reload: whether the user that a client is, by its CONNECT, is still there and of that account. If not it is closed without a
   * word. Left out: `authenticate` says.
   */
  keeps?(connect: ConnectOptions, account: Account): boolean;
}
