/** Who may connect, and to which account, as the `authorization` and `accounts` blocks say it. */
import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { PermissionOptions } from "../../access/permission/permission-options.ts";

/** One user: by name and password, or by nkey. */
export interface UserOptions {
  /** Empty for one with an nkey. */
  readonly user: string;
  /** As it stands in the file: plain, or a bcrypt hash. */
  readonly password: string;
  /** Public user nkey, `U…`; empty for one with a name. */
  readonly nkey: string;
  /** null: the default permissions of its block, else everything. */
  readonly permissions: PermissionOptions | null;
  /** null: every type. */
  readonly connectionTypes: readonly ConnectionType[] | null;
  /** Only through a trusted proxy. */
  readonly proxyRequired: boolean;
}

/** What a user has of which nothing is said. */
export const NO_USER: UserOptions = { user: "", password: "", nkey: "", permissions: null, connectionTypes: null, proxyRequired: false };

/** `auth_callout { }`: another service decides. */
export interface CalloutOptions {
  /** Public account nkey that signs the answers. */
  readonly issuer: string;
  /** Where the service listens; empty: `$G`. */
  readonly account: string;
  /** Users of the service itself, who are checked here. */
  readonly authUsers: readonly string[];
  /** Public curve key of the service, `X…`; empty: answers and requests are in the clear. */
  readonly xkey: string;
  /** Accounts whose own users are delegated; null: those of every account. */
  readonly allowedAccounts: readonly string[] | null;
}

export const NO_CALLOUT: CalloutOptions = { issuer: "", account: "", authUsers: [], xkey: "", allowedAccounts: null };

/**
 * A single user or a token, several users of `$G`, and what holds for all of them. Every field may be left out. Without
 * any it is a block that names nobody: then nobody is let in by default where accounts have users.
 */
export interface Authorization {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly users?: readonly UserOptions[];
  /** For `users` that have none of their own. A single user may do everything. */
  readonly defaultPermissions?: PermissionOptions | null;
  readonly callout?: CalloutOptions | null;
  /** Nobody gets in but through a trusted proxy. */
  readonly proxyRequired?: boolean;
}
