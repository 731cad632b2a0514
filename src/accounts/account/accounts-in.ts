/** Derives a server's accounts from its options. */

import type { MappingRule } from "../../messaging/mapping/mapping-rule.ts";
import { GLOBAL_ACCOUNT, SYSTEM_ACCOUNT } from "./account.ts";
import { type AccountOptions, emptyAccount } from "./account-options.ts";
import type { AccountsOptions } from "./accounts.ts";
import type { JetStreamAccess } from "./jetstream-access.ts";

/** The options that determine a server's accounts. */
export interface ServerAccountOptions {
  readonly accounts: readonly AccountOptions[];
  /** Mappings of `$G`. */
  readonly mappings: readonly MappingRule[];
  readonly systemAccount: string | null;
  readonly noSystemAccount: boolean;
}

/** `$G` first, with the server's mappings, then the other accounts; and which one is the system account. */
export function accountsIn(
  { accounts, mappings, systemAccount, noSystemAccount }: ServerAccountOptions,
  jetStream: JetStreamAccess,
): AccountsOptions {
  const global = accounts.find(({ name }) => name === GLOBAL_ACCOUNT) ?? emptyAccount(GLOBAL_ACCOUNT);
  const others = accounts.filter(({ name }) => name !== GLOBAL_ACCOUNT);
  const named = systemAccount ?? (others.some(({ name }) => name === SYSTEM_ACCOUNT) ? SYSTEM_ACCOUNT : null);
  return {
    accounts: [{ ...global, mappings: [...global.mappings, ...mappings] }, ...others],
    systemAccount: named ?? (noSystemAccount ? null : SYSTEM_ACCOUNT),
    jetStream,
  };
}
