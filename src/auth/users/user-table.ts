/**
 * The users of a configuration, of all accounts and of the authorization block, indexed by credentials.
 *
 *   name         ─▶ users         one map, so a login costs the same with ten and with ten thousand users
 *   nkey         ─▶ nkeys
 *   certificate  ─▶ by keys of distinguished names (named-subject.ts): a second map, built when the first
 *                   certificate arrives, because most servers map none
 * Built once per configuration and immutable. Permissions are compiled at a user's first login.
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import { type Account, GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import type { Authorization, ConfiguredAccount, UserOptions } from "./authorization.ts";
import type { CertificateIdentity } from "./certificate-identity.ts";
import { NamedSubject } from "./named-subject.ts";
import { isBcrypt } from "./password.ts";

/** One user, with the defaults of its block applied. */
export interface KnownUser {
  /** Its nkey, or its name. */
  readonly name: string;
  readonly options: UserOptions;
  readonly account: Account;
  /** Its own permissions, else the defaults of its block; null: everything. */
  readonly permissions: PermissionOptions | null;
}

/** Input of the table. */
export interface UserSource {
  readonly authorization: Authorization | null;
  readonly accounts: readonly ConfiguredAccount[];
}

export class UserTable {
  readonly users = new Map<string, KnownUser>();
  readonly nkeys = new Map<string, KnownUser>();
  /** A hash for unknown names, so that refusing them takes as long as refusing a user; empty when no password is hashed. */
  readonly decoyHash: string;
  private certificateUsers: CertificateUsers | null = null;

  /**
   * @param accountOf resolves every account that the source names, and `$G`
   * @param hidden an additional user of `$G`
   */
  constructor(source: UserSource, accountOf: (name: string) => Account, hidden: UserOptions | null = null) {
    const { authorization, accounts } = source;
    this.addAll(authorization?.users ?? [], accountOf(GLOBAL_ACCOUNT), authorization?.defaultPermissions ?? null);
    for (const { name, users, defaultPermissions } of accounts) {
      if (users.length > 0) this.addAll(users, accountOf(name), defaultPermissions);
    }
    if (hidden !== null) this.addAll([hidden], accountOf(GLOBAL_ACCOUNT), null);
    this.decoyHash = commonestHash(this.users.values());
  }

  /** The table has no users. */
  get isEmpty(): boolean {
    return this.users.size + this.nkeys.size === 0;
  }

  private addAll(users: readonly UserOptions[], account: Account, defaults: PermissionOptions | null): void {
    for (const options of users) {
      const byNkey = options.nkey !== "";
      const user = { name: byNkey ? options.nkey : options.user, options, account, permissions: options.permissions ?? defaults };
      (byNkey ? this.nkeys : this.users).set(user.name, user);
    }
  }

  /**
   * The user that a certificate identifies; only one allowed for that connection type.
   * @returns null when there is none
   */
  byCertificate({ text, name }: CertificateIdentity, type: ConnectionType): KnownUser | null {
    if (name === null) {
      const user = this.users.get(text);
      return user !== undefined && allowsType(user, type) ? user : null;
    }
    this.certificateUsers ??= new CertificateUsers(this.users.values());
    return this.certificateUsers.find(name, type);
  }
}

/** Builds the index of users whose names are distinguished names. */
class CertificateUsers {
  private readonly exact = new Map<string, KnownUser[]>();
  private readonly reordered = new Map<string, KnownUser[]>();

  constructor(users: Iterable<KnownUser>) {
    for (const user of users) {
      const name = NamedSubject.parse(user.name);
      if (name === null) continue;
      append(this.exact, name.exactKey, user);
      append(this.reordered, name.setKey, user);
    }
  }

  find({ exactKey, setKey }: NamedSubject, type: ConnectionType): KnownUser | null {
    const allowed = (user: KnownUser) => allowsType(user, type);
    return this.exact.get(exactKey)?.find(allowed) ?? this.reordered.get(setKey)?.find(allowed) ?? null;
  }
}

function append(map: Map<string, KnownUser[]>, key: string, user: KnownUser): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [user]);
  else list.push(user);
}

export function allowsType({ options }: KnownUser, type: ConnectionType): boolean {
  return options.connectionTypes === null || options.connectionTypes.includes(type);
}

/** A hash with the most frequent cost, because the cost determines the duration of a check. */
function commonestHash(users: Iterable<KnownUser>): string {
  const byCost = new Map<string, { hash: string; count: number }>();
  for (const { options } of users) {
    if (!isBcrypt(options.password)) continue;
    const cost = options.password.slice(4, 6);
    const known = byCost.get(cost);
    if (known === undefined) byCost.set(cost, { hash: options.password, count: 1 });
    else known.count++;
  }
  let commonest = { hash: "", count: 0 };
  for (const one of byCost.values()) if (one.count > commonest.count) commonest = one;
  return commonest.hash;
}
