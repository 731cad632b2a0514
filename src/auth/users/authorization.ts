/** Who may connect, and to which account: the `authorization` block, and the users of the `accounts` block. */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import { type AccountOptions, emptyAccount } from "../../accounts/account/account-options.ts";

/** One user: by name and password, or by nkey. */
export interface UserOptions {
  /** Empty for a user with an nkey. */
  readonly user: string;
  /** As configured: plain text or a bcrypt hash. */
  readonly password: string;
  /** Public user nkey, `U…`; empty for a user with a name. */
  readonly nkey: string;
  /** null: the default permissions of its block, else everything. */
  readonly permissions: PermissionOptions | null;
  /** null: every type. */
  readonly connectionTypes: readonly ConnectionType[] | null;
  /** The user must connect through a trusted proxy. */
  readonly proxyRequired: boolean;
}

/** A user with every field at its default. */
export const NO_USER: UserOptions = { user: "", password: "", nkey: "", permissions: null, connectionTypes: null, proxyRequired: false };

/** `auth_callout { }`: a service decides who may connect. */
export interface CalloutOptions {
  /** Public account nkey that signs the answers. */
  readonly issuer: string;
  /** Account in which the service listens; empty: `$G`. */
  readonly account: string;
  /** Users that the service itself logs in as; the server checks their credentials. */
  readonly authUsers: readonly string[];
  /** Public curve key of the service, `X…`; empty: requests and answers are not encrypted. */
  readonly xkey: string;
  /** Accounts whose users are delegated to the service; null: all accounts. */
  readonly allowedAccounts: readonly string[] | null;
}

export const NO_CALLOUT: CalloutOptions = { issuer: "", account: "", authUsers: [], xkey: "", allowedAccounts: null };

/**
 * A single user or a token, several users of `$G`, and rules for all of them. All fields are optional. An empty block has no users: when
 * accounts have users, a client without credentials is refused.
 */
export interface Authorization {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly users?: readonly UserOptions[];
  /** For `users` without permissions of their own. They do not apply to the single user, who may do everything. */
  readonly defaultPermissions?: PermissionOptions | null;
  readonly callout?: CalloutOptions | null;
  /** The single user or token is accepted only through a trusted proxy. */
  readonly proxyRequired?: boolean;
}

/** Login rules of a listener other than the client listener. null: as for the client listener. */
export interface ListenerAuthorization {
  /** A single user or a token only. Replaces the server's. */
  readonly authorization: Authorization | null;
  readonly authTimeoutMs: number | null;
  /** User or nkey of clients that give no credentials. */
  readonly noAuthUser: string | null;
}

/** An account of the configuration. Accounts of an operator have no users here, because their users log in with JWTs. */
export interface ConfiguredAccount extends AccountOptions {
  readonly users: readonly UserOptions[];
}

export function emptyConfiguredAccount(name: string): ConfiguredAccount {
  return { ...emptyAccount(name), users: [] };
}

/** All users: those of `$G` first, then those of the accounts. */
export function allUsers({
  authorization,
  accounts,
}: {
  readonly authorization: Authorization | null;
  readonly accounts: readonly ConfiguredAccount[];
}): readonly UserOptions[] {
  return [...(authorization?.users ?? []), ...accounts.flatMap(({ users }) => users)];
}
