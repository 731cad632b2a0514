/** The accounts that options speak of. */
import { emptyAccount } from "../../config/schema/account-options.ts";
import type { Options } from "../../config/schema/options.ts";
import { GLOBAL_ACCOUNT, SYSTEM_ACCOUNT } from "./account.ts";
import type { AccountsOptions } from "./accounts.ts";

export function accountsIn({
  accounts,
  mappings,
  systemAccount,
  noSystemAccount,
}: Pick<Options, "accounts" | "mappings" | "systemAccount" | "noSystemAccount">): AccountsOptions {
  const global = accounts.find(({ name }) => name === GLOBAL_ACCOUNT) ?? emptyAccount(GLOBAL_ACCOUNT);
  const others = accounts.filter(({ name }) => name !== GLOBAL_ACCOUNT);
  const named = systemAccount ?? (others.some(({ name }) => name === SYSTEM_ACCOUNT) ? SYSTEM_ACCOUNT : null);
  return {
    accounts: [{ ...global, mappings: [...global.mappings, ...mappings] }, ...others],
    systemAccount: named ?? (noSystemAccount ? null : SYSTEM_ACCOUNT),
  };
}
