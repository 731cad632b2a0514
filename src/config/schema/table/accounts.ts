/** Options of accounts and their users. */

import { SYSTEM_ACCOUNT } from "../../../accounts/account/account.ts";
import { allUsers } from "../../../auth/users/authorization.ts";
import type { MappingRule } from "../../../messaging/mapping/mapping-rule.ts";
import { ACCOUNT_FIELDS, accountsBlock, GLOBAL_ACCOUNT } from "../block/account-block.ts";
import { mappingsOf } from "../block/mapping-block.ts";
import { PROXIES_FIELDS, proxiesBlock } from "../block/proxies-block.ts";
import { accountsShape, mappingsShape } from "../given/account-shape.ts";
import * as given from "../given/shape.ts";
import { option, type ReloadFacts } from "../row/option-row.ts";
import { ConfigFault } from "../row/problems.ts";
import { boolean, reader, textOrUnset } from "../row/reader.ts";
import type { ServerAccount } from "../server-account.ts";

const systemAccount = reader<string | null>("string", ({ data }) => {
  if (typeof data !== "string") throw new ConfigFault("system account name must be a string");
  return data || null;
});

/** An account named `$SYS` is the system account, unless another one is named. */
function systemAccountOf({ systemAccount, accounts }: Pick<ReloadFacts, "systemAccount" | "accounts">): string | null {
  return systemAccount ?? (accounts.some(({ name }) => name === SYSTEM_ACCOUNT) ? SYSTEM_ACCOUNT : null);
}

export const ACCOUNT_TABLE_OPTIONS = {
  accounts: option<readonly ServerAccount[]>({
    names: "accounts",
    reader: accountsBlock,
    given: accountsShape,
    initial: [],
    text: "accounts in addition to `$G`, which always exists",
    fields: ACCOUNT_FIELDS,
    reload: "live",
    goName: "Accounts",
  }),
  mappings: option<readonly MappingRule[]>({
    names: "mappings maps",
    reader: mappingsOf(GLOBAL_ACCOUNT),
    given: mappingsShape,
    initial: [],
    text: "mappings of subjects to other subjects, in `$G`",
    reload: "live",
    goName: "Accounts",
  }),
  systemAccount: option<string | null>({
    names: "system_account system",
    reader: systemAccount,
    given: given.orNull(given.text),
    initial: null,
    text: "account for the server's events and services; `$SYS` when not set",
    reload: "fixed",
    reloadText: "the name `$SYS` may be added or removed",
    mayChange: (before, after) => before.systemAccount === SYSTEM_ACCOUNT && after.systemAccount === null,
    compared: (before, after) => [systemAccountOf(before), after.systemAccount],
    goName: "SystemAccount",
  }),
  noSystemAccount: option<boolean>({
    names: "no_system_account no_system no_sys_acc",
    reader: boolean,
    initial: false,
    text: "do not create the account `$SYS` by default",
    reload: "fixed",
    goName: "NoSystemAccount",
  }),
  noAuthUser: option<string | null>({
    names: "no_auth_user",
    reader: textOrUnset,
    given: given.orNull(given.text),
    initial: null,
    text: "user or nkey of clients without credentials",
    reload: "fixed",
    reloadText: "may be removed together with its user",
    mayChange: (before, after) => after.noAuthUser === null && !allUsers(after).some(({ user }) => user === before.noAuthUser),
    goName: "NoAuthUser",
  }),
  trustedProxies: option<readonly string[]>({
    names: "proxies",
    reader: proxiesBlock,
    given: given.listOf(given.text),
    initial: [],
    text: "public nkeys of proxies whose signatures are trusted; in a file `proxies { trusted: [ { key } ] }`",
    fields: PROXIES_FIELDS,
    reload: "live",
    goName: "Proxies",
  }),
};
