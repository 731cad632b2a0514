/** Stands in until the auth room has its own: plain users. */
import type { Account } from "../account/account.ts";
import { type AuthenticationRequest, type Authenticator, PLAIN_LOGIN, type Verdict } from "../auth/authenticator.ts";
import type { Options } from "../config/options.ts";
import { CompiledPermissions } from "../permission/compiled-permissions.ts";
import { Refusal } from "../protocol/refusal.ts";
import { Random } from "../random/random.ts";

export class BridgingAuthenticator implements Authenticator {
  readonly usesNonce = false;
  readonly takesJwt = false;
  readonly required: boolean;
  private readonly compiled = new CompiledPermissions(new Random(1));
  constructor(
    private readonly options: Options,
    private readonly accountOf: (name: string) => Account | undefined,
    private readonly authorization = options.authorization,
  ) {
    this.required = authorization !== null || options.accounts.some(({ users }) => users.length > 0);
  }
  admitsAnonymous(): boolean {
    return this.options.noAuthUser !== null;
  }
  authenticate({ connect }: AuthenticationRequest): Verdict {
    const global = this.accountOf("$G")!;
    if (!this.required) return { ...PLAIN_LOGIN, account: global };
    const { user, password, token, users = [], defaultPermissions } = this.authorization ?? {};
    const name = connect.user === "" && connect.auth_token === "" ? (this.options.noAuthUser ?? "") : connect.user;
    const lists = [{ name: "$G", users, defaultPermissions: defaultPermissions ?? null }, ...this.options.accounts];
    for (const account of lists) {
      for (const one of account.users) {
        if (one.user !== name || (one.password !== connect.pass && name !== this.options.noAuthUser)) continue;
        const permissions = one.permissions ?? account.defaultPermissions;
        return {
          ...PLAIN_LOGIN,
          user: name,
          account: this.accountOf(account.name)!,
          permissions: permissions === null ? null : this.compiled.of(permissions),
        };
      }
    }
    if (token !== undefined && connect.auth_token === token) return { ...PLAIN_LOGIN, user: "[REDACTED]", account: global };
    if (user !== undefined && connect.user === user && connect.pass === (password ?? "")) return { ...PLAIN_LOGIN, user, account: global };
    return Refusal.AuthorizationViolation;
  }
}
