/** Checks of the options of accounts and users for contradictions, in the reference's order. */

import { allUsers } from "../../../auth/users/authorization.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { checkMapping } from "../../../messaging/mapping/mapping-rule.ts";
import { GLOBAL_ACCOUNT } from "../block/account-block.ts";
import { singleAndUsersFault } from "../block/authorization-block.ts";
import { calloutFault, INVALID_ISSUER, INVALID_XKEY, unknownAllowedAccounts } from "../block/callout-block.ts";
import { userFault } from "../block/user-block.ts";
import type { Options } from "../options.ts";
import { OptionError } from "../row/problems.ts";
import { accountsFault, duplicateFaults, sharingFaults, singleAndAccountsFault, usersPermissionFault } from "./account-check.ts";

function refuse(fault: string | null | undefined): void {
  if (fault != null) throw new OptionError(fault);
}

/** @throws OptionError */
export function checkUsers(options: Options): void {
  const { authorization, accounts, mappings, noAuthUser, noSystemAccount, trustedProxies } = options;
  const users = allUsers(options);
  refuse(accountsFault(accounts));
  for (const user of authorization?.users ?? []) refuse(userFault(user));
  for (const mapping of mappings) {
    const fault = checkMapping(mapping, GLOBAL_ACCOUNT);
    if (fault !== null) refuse(`Error adding mapping for ${quoted(mapping.source)} : ${fault}`);
  }
  if (authorization?.users !== undefined) refuse(singleAndUsersFault(authorization));
  else if (users.length > 0 && authorization !== null) refuse(singleAndAccountsFault(authorization));
  refuse(duplicateFaults(users, new Set())[0]);
  refuse(usersPermissionFault(users));
  checkCallout(options);
  refuse(sharingFaults(accounts, mappings.length === 0 ? [] : [GLOBAL_ACCOUNT], noSystemAccount)[0]);
  if (noAuthUser !== null) checkNoAuthUser(noAuthUser, options);
  const wrongProxy = trustedProxies.find(key => !isPublicNkey(key));
  if (wrongProxy !== undefined) refuse(`proxy trusted key ${quoted(wrongProxy)} is invalid`);
}

function checkCallout({ authorization, accounts, mappings }: Options): void {
  const callout = authorization?.callout;
  if (!callout) return;
  refuse(calloutFault(callout));
  if (!isPublicNkey(callout.issuer, NkeyKind.Account)) refuse(INVALID_ISSUER(callout.issuer));
  if (callout.xkey !== "" && !isPublicNkey(callout.xkey, NkeyKind.Curve)) refuse(INVALID_XKEY(callout.xkey));
  const known = [...accounts.map(({ name }) => name), ...(mappings.length === 0 ? [] : [GLOBAL_ACCOUNT])];
  refuse(unknownAllowedAccounts(callout, new Set(known))[0]);
}

/** Checks `no_auth_user` of the server or of a listener. @throws OptionError  the user does not exist */
export function checkNoAuthUser(name: string, options: Options): void {
  if (options.operators.length > 0) refuse("no_auth_user not compatible with Trusted Operator");
  const users = allUsers(options);
  if (users.length === 0) refuse(`no_auth_user: "${name}" present, but users/nkeys are not defined`);
  if (users.some(({ user, nkey }) => user === name || nkey === name)) return;
  refuse(`no_auth_user: "${name}" not present as user or nkey in authorization block or account configuration`);
}

/** Without operators the system account must be an account of the configuration. @throws OptionError */
export function checkSystemAccount({ systemAccount, accounts, operators, trustedKeys, resolver }: Options): void {
  if (systemAccount === null || operators.length > 0 || trustedKeys.length > 0 || resolver !== null) return;
  if (systemAccount === GLOBAL_ACCOUNT || accounts.some(({ name }) => name === systemAccount)) return;
  refuse("error resolving system account: account missing");
}
