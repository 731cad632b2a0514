/**
 * Checks of single accounts and between accounts, with the reference's texts.
 */

import { permissionsFault } from "../../../access/permission/permission-check.ts";
import { emptyAccount } from "../../../accounts/account/account-options.ts";
import { NO_ACTIVATIONS } from "../../../accounts/trade/export-access.ts";
import { planTrades } from "../../../accounts/trade/plan-trades.ts";
import type { TradeOptions } from "../../../accounts/trade/trade-options.ts";
import type { Authorization, ConfiguredAccount, UserOptions } from "../../../auth/users/authorization.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { checkMapping } from "../../../messaging/mapping/mapping-rule.ts";
import { duplicateAccount, GLOBAL_ACCOUNT, invalidAccountNkey, reservedAccount } from "../block/account-block.ts";
import { BAD_SAMPLING } from "../block/export-block.ts";
import { duplicateImport } from "../block/import-block.ts";
import { traceDestinationFault, traceSamplingFault } from "../block/trace-block.ts";
import { userFault } from "../block/user-block.ts";

/** @returns the first error in accounts given by a program; null when there is none */
export function accountsFault(accounts: readonly ConfiguredAccount[]): string | null {
  const names = new Set<string>();
  for (const account of accounts) {
    const { name } = account;
    if (name === "") return "an account needs a name";
    if (name === GLOBAL_ACCOUNT) return reservedAccount(name);
    if (names.has(name)) return duplicateAccount(name);
    names.add(name);
    const fault = accountFault(account);
    if (fault !== null) return fault;
  }
  return null;
}

function accountFault({ name, nkey, users, exports, imports, mappings, trace }: ConfiguredAccount): string | null {
  if (nkey !== "" && !isPublicNkey(nkey, NkeyKind.Account)) return invalidAccountNkey(quoted(nkey));
  for (const user of users) {
    const fault = userFault(user);
    if (fault !== null) return fault;
  }
  for (const { source, destinations } of mappings) {
    const fault = checkMapping({ source, destinations }, name);
    if (fault !== null) return `Error adding mapping for ${quoted(source)} : ${fault}`;
  }
  for (const one of exports) {
    const sampling = one.kind === "service" ? (one.latency?.sampling ?? 0) : 0;
    if (sampling < 0 || sampling > 100) return BAD_SAMPLING;
  }
  const importFault = importsFault(imports);
  if (importFault !== null || trace === null) return importFault;
  return traceDestinationFault(trace.destination) ?? traceSamplingFault(trace.sampling);
}

function importsFault(imports: TradeOptions["imports"]): string | null {
  const services = new Map<string, TradeOptions["imports"][number]>();
  for (const one of imports) {
    if (one.account === "" || one.subject === "") return "Expect an account name and a subject";
    if (one.kind === "stream" && one.prefix !== "" && one.to !== "") return "Stream import can not have a 'prefix' and a 'to' property";
    const duplicate = duplicateImport(services, one);
    if (duplicate !== null) return duplicate;
  }
  return null;
}

/** Names and nkeys of users must be unique across accounts. @param seen names so far; the new ones are added @returns one error per duplicate */
export function duplicateFaults(users: readonly UserOptions[], seen: Set<string>): string[] {
  const faults: string[] = [];
  for (const { user, nkey } of users) {
    const name = nkey || user;
    if (seen.has(name)) faults.push(`Duplicate ${nkey === "" ? "user" : "nkey"} ${quoted(name)} detected`);
    seen.add(name);
  }
  return faults;
}

/** A single user or token is refused together with accounts. @returns the error, or null */
export function singleAndAccountsFault({ user = "", token = "" }: Authorization): string | null {
  if (user !== "") return "Can not have a single user/pass and accounts";
  return token === "" ? null : "Can not have a token and accounts";
}

/** The first error in the users' permissions; null when there is none. */
export function usersPermissionFault(users: readonly UserOptions[]): string | null {
  for (const { user, nkey, permissions } of users) {
    const fault = permissions === null ? null : permissionsFault(permissions);
    if (fault !== null) return `invalid permissions for ${nkey === "" ? `user ${quoted(user)}` : `nkey ${quoted(nkey)}`}: ${fault}`;
  }
  return null;
}

/**
 * All errors of exports, then of imports, between accounts.
 * @param more names of additional accounts
 */
export function sharingFaults(
  accounts: readonly ConfiguredAccount[],
  more: readonly string[],
  noSystemAccount: boolean,
): readonly string[] {
  return planTrades([...accounts, ...more.map(emptyAccount)], NO_ACTIVATIONS, !noSystemAccount).problems;
}
