/**
 * The users of a configuration, of all accounts and of the authorization block, found by what a client shows.
 *
 *   name         ─▶ users         one map, so a login costs the same among ten and among ten thousand
 *   nkey         ─▶ nkeys
 *   certificate  ─▶ by the keys of names that are distinguished names (named-subject.ts): a second map, made when the first
 *                   certificate comes, as most servers map none
 * Made once per configuration, never changed. What users may do is compiled when the first of them comes.
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import { type Account, GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import type { Authorization, ConfiguredAccount, UserOptions } from "./authorization.ts";
import type { CertificateIdentity } from "./certificate-identity.ts";
import { NamedSubject } from "./named-subject.ts";
import { isBcrypt } from "./password.ts";

/** One user, with what its block gives it. */
export interface KnownUser {
  /** Its nkey, or its name. */
  readonly name: string;
  readonly options: UserOptions;
  readonly account: Account;
  /** Its own, else the defaults of its block; null: everything. */
  readonly permissions: PermissionOptions | null;
}

/** What the table is made of. */
export interface UserSource {
  readonly authorization: Authorization | null;
  readonly accounts: readonly ConfiguredAccount[];
}

export class UserTable {
  readonly users = new Map<string, KnownUser>();
  readonly nkeys = new Map<string, KnownUser>();
  /** A hash that refusing somebody unknown is as much work with as refusing a user; empty: nobody's password is hashed. */
  readonly decoyHash: string;
  private certificateUsers: CertificateUsers | null = null;

  /**
   * @param accountOf every account that the source names, and `$G`
   * @param hidden a user of `$G` beside them
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

  /** Nobody is in it. */
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
   * Who of the users a certificate means by this; only one that may connect in that way.
   * @returns null when it means nobody
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

/** Users whose names are distinguished names. */
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
  const there = map.get(key);
  if (there === undefined) map.set(key, [user]);
  else there.push(user);
}

export function allowsType({ options }: KnownUser, type: ConnectionType): boolean {
  return options.connectionTypes === null || options.connectionTypes.includes(type);
}

/** One of the cost that most users have: the cost decides how long a check takes. */
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
