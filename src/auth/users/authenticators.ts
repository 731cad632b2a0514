/**
 * The authenticators of a server's listeners, as its configuration wants them. Made at the start, and anew by a reload.
 *
 *   options ─▶ UserTable ─┬─▶ client      ConfigAuthenticator, or OpenAuthenticator where nobody is to be asked
 *                         └─▶ websocket   the same users by other rules
 * Who has more to say than the configuration (operators, an auth callout) takes the place of these, or stands before them and asks them
 * for what they found (`resolve`).
 */

import type { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import { type Account, GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import type { Random } from "../../base/random/random.ts";
import { ConfigAuthenticator, type ConfigFacts, type ResolvingAuthenticator } from "./config-authenticator.ts";
import { type AuthOptions, hiddenUserOf, type ListenerRules, listenerRules, mayBeMapped } from "./listener-rules.ts";
import { OpenAuthenticator } from "./open-authenticator.ts";
import type { PasswordChecks } from "./password.ts";
import { TrustedProxies } from "./trusted-proxies.ts";
import { UserTable } from "./user-table.ts";

export interface AuthenticationParts {
  readonly options: AuthOptions;
  /** Every account of the options, and `$G`. */
  readonly accountOf: (name: string) => Account;
  /** The server's: survives reloads. */
  readonly permissions: CompiledPermissions;
  /** The server's: its bound holds over all listeners and reloads. */
  readonly checks: PasswordChecks;
  readonly log: { warn(text: string): void };
  /** `newHiddenUserName`, the same for as long as the server runs. */
  readonly hiddenUserName: string;
}

export interface Authenticators {
  readonly client: ResolvingAuthenticator;
  readonly websocket: ResolvingAuthenticator;
}

/** One authenticator per kind of listener. Users are read once: their number costs time here, and none at a login. */
export function authenticatorsOf({ options, accountOf, permissions, checks, log, hiddenUserName }: AuthenticationParts): Authenticators {
  const hidden = hiddenUserOf(options, hiddenUserName);
  const globalAccount = accountOf(GLOBAL_ACCOUNT);
  const facts: ConfigFacts = {
    table: new UserTable(options, accountOf, hidden),
    globalAccount,
    proxies: new TrustedProxies(options.trustedProxies),
    permissions,
    checks,
    log,
    isCertificateOnly: user => mayBeMapped(options, user.options),
  };
  const clientRules = listenerRules(options, "client", hidden);
  const websocketRules = listenerRules(options, "websocket", hidden);
  const asks = (rules: ListenerRules) => !facts.table.isEmpty || rules.user !== "" || rules.token !== "";
  const open = new OpenAuthenticator(globalAccount, facts.proxies);
  const isAsked = asks(clientRules);
  return {
    client: isAsked ? new ConfigAuthenticator(facts, clientRules) : open,
    websocket: isAsked || asks(websocketRules) ? new ConfigAuthenticator(facts, websocketRules) : open,
  };
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** `nats-` and eight characters. Not a secret: whoever comes in as that user needs none. */
export function newHiddenUserName(random: Random): string {
  return `nats-${Array.from({ length: 8 }, () => LETTERS[random.below(LETTERS.length)]).join("")}`;
}
