/**
 * Checks across blocks of a file: users defined twice, a single user together with a list of users, imports from missing accounts.
 * An error has the later of two places.
 */

import type { Authorization, ConfiguredAccount } from "../../../auth/users/authorization.ts";
import type { ConfigMap, ConfigValue } from "../../language/config-value.ts";
import { GLOBAL_ACCOUNT, placeOfUsers } from "../block/account-block.ts";
import { singleAndUsersFault } from "../block/authorization-block.ts";
import { unknownAllowedAccounts } from "../block/callout-block.ts";
import type { Options } from "../options.ts";
import type { Problems } from "../row/problems.ts";
import { duplicateFaults, sharingFaults, singleAndAccountsFault } from "./account-check.ts";

/** @param options values of the file's fields, not yet checked against each other */
export function checkFile(map: ConfigMap, options: Partial<Options>, problems: Problems): void {
  const { accounts = [], mappings, authorization, noSystemAccount = false } = options;
  const seen = new Set<string>();
  let earlier: Authorization = {};
  for (const [key, value] of map) {
    const name = key.toLowerCase();
    if (name === "accounts") checkAccountUsers(value, accounts, earlier, seen, problems);
    if (name !== "authorization" || authorization == null) continue;
    earlier = authorization;
    const single = seen.size > 0 ? singleAndUsersFault(authorization) : null;
    const faults = single === null ? duplicateFaults(authorization.users ?? [], seen) : [single];
    for (const fault of faults) problems.error(value, fault);
  }
  const more = mappings === undefined ? [] : [GLOBAL_ACCOUNT];
  const unknown = unknownAllowedAccounts(authorization?.callout, new Set([...accounts.map(account => account.name), ...more]));
  const sound = problems.errors.length === 0;
  for (const fault of unknown) problems.errorAnywhere(fault);
  const place = [...map].find(([key]) => key.toLowerCase() === "accounts")?.[1];
  if (sound && place !== undefined) for (const fault of sharingFaults(accounts, more, noSystemAccount)) problems.error(place, fault);
}

function checkAccountUsers(
  block: ConfigValue,
  accounts: readonly ConfiguredAccount[],
  earlier: Authorization,
  seen: Set<string>,
  problems: Problems,
): void {
  for (const { name, users } of accounts) {
    const single = users.length === 0 ? null : singleAndAccountsFault(earlier);
    const faults = single === null ? duplicateFaults(users, seen) : [single];
    for (const fault of faults) problems.error(placeOfUsers(block, name), fault);
  }
}
