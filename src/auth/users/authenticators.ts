/**
 * Builds the authenticators of a server's listeners from its configuration, at the start and at each reload.
 *
 *   options ─▶ UserTable ─┬─▶ client      ConfigAuthenticator, or OpenAuthenticator when no credentials are required
 *                         └─▶ websocket   the same users under other rules
 * Operator mode and auth callout replace these, or wrap them and use
 * their result (`resolve`).
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
  /** All accounts of the options, and `$G`. */
  readonly accountOf: (name: string) => Account;
  /** Owned by the server; survives reloads. */
  readonly permissions: CompiledPermissions;
  /** Owned by the server, so that its limit covers all listeners and reloads. */
  readonly checks: PasswordChecks;
  readonly log: { warn(text: string): void };
  /** From `newHiddenUserName`, and not the name of a configured user; constant while the server runs, unless a reload adds a user of that name. */
  readonly hiddenUserName: string;
}

export interface Authenticators {
  readonly client: ResolvingAuthenticator;
  readonly websocket: ResolvingAuthenticator;
}

/** One authenticator per kind of listener. Users are indexed once here, so that their number does not slow down logins. */
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
  const requiresCredentials = (rules: ListenerRules) => !facts.table.isEmpty || rules.user !== "" || rules.token !== "";
  const open = new OpenAuthenticator(globalAccount, facts.proxies);
  const clientsNeedCredentials = requiresCredentials(clientRules);
  return {
    client: clientsNeedCredentials ? new ConfigAuthenticator(facts, clientRules) : open,
    websocket: clientsNeedCredentials || requiresCredentials(websocketRules) ? new ConfigAuthenticator(facts, websocketRules) : open,
  };
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** `nats-` and eight characters. Not a secret: this user needs no credentials. */
export function newHiddenUserName(random: Random): string {
  return `nats-${Array.from({ length: 8 }, () => LETTERS[random.below(LETTERS.length)]).join("")}`;
}
