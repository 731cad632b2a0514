/**
 * Log lines for an `auth_callout { }` that cannot admit anyone, because its account or a user of its service is missing. The server still
 * starts, as in the reference.
 * Source: server/auth.go, configureAuthorization (behaviour).
 */

import { GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import { quoted } from "../../base/go/strconv.ts";
import type { Logger } from "../../base/log/logger.ts";
import { MISSING } from "../operator/lookup-error.ts";
import { allUsers } from "../users/authorization.ts";
import type { AuthOptions } from "../users/listener-rules.ts";

export function reportCallout(
  { authorization, accounts, websocket }: Pick<AuthOptions, "authorization" | "accounts" | "websocket">,
  hasAccount: (name: string) => boolean,
  log: Pick<Logger, "error">,
): void {
  const callout = authorization?.callout;
  if (!callout) return;
  const name = callout.account || GLOBAL_ACCOUNT;
  const exists = hasAccount(name);
  if (!exists) log.error(`Authorization callout account ${quoted(name)} not valid`);
  const users = allUsers({ authorization, accounts });
  const known = new Set([authorization?.user, websocket?.authorization?.user, ...users.flatMap(({ user, nkey }) => [user, nkey])]);
  for (const user of callout.authUsers) {
    // As in the reference, the line has a reason only when the account is missing.
    if (user === "" || !known.has(user)) log.error(`Authorization callout user ${quoted(user)} not valid: ${exists ? "<nil>" : MISSING}`);
  }
}
