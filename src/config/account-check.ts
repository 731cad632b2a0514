/**
 * What accounts may not be, each for itself and side by side, in the reference's words. Whether an import is authorized, and whether
 * imports form a cycle, is known when the accounts are made; not here.
 */
import { NkeyKind } from "../identity/nkey.ts";
import { checkMapping } from "../mapping/mapping-rule.ts";
import { isSubsetText, isValidPublishSubjectText } from "../subject/subject-text.ts";
import type { AccountOptions, ServiceExportOptions } from "./account-options.ts";
import type { Authorization, UserOptions } from "./authorization.ts";
import { duplicateAccount, GLOBAL_ACCOUNT, invalidAccountNkey, reservedAccount } from "./block/account-block.ts";
import { BAD_SAMPLING } from "./block/export-block.ts";
import { duplicateImport } from "./block/import-block.ts";
import { traceDestinationFault, traceSamplingFault } from "./block/trace-block.ts";
import { userFault } from "./block/user-block.ts";
import { quoted } from "./go-values.ts";
import { permissionsFault } from "./permission-check.ts";
import { isPublicNkey } from "./public-nkey.ts";

/** What is wrong first of accounts that came of no file. @returns null when nothing is */
export function accountsFault(accounts: readonly AccountOptions[]): string | null {
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

function accountFault({ nkey, users, exports, imports, mappings, trace }: AccountOptions): string | null {
  if (nkey !== "" && !isPublicNkey(nkey, NkeyKind.Account)) return invalidAccountNkey(quoted(nkey));
  for (const user of users) {
    const fault = userFault(user);
    if (fault !== null) return fault;
  }
  for (const { source, destinations } of mappings) {
    const fault = checkMapping({ source, destinations });
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

function importsFault(imports: AccountOptions["imports"]): string | null {
  const services = new Map<string, AccountOptions["imports"][number]>();
  for (const one of imports) {
    if (one.account === "" || one.subject === "") return "Expect an account name and a subject";
    if (one.kind === "stream" && one.prefix !== "" && one.to !== "") return "Stream import can not have a 'prefix' and a 'to' property";
    const duplicate = duplicateImport(services, one);
    if (duplicate !== null) return duplicate;
  }
  return null;
}

/** Names and nkeys of users are unique over all accounts. @returns what is wrong with those that are there already */
export function duplicateFaults(users: readonly UserOptions[], seen: Set<string>): string[] {
  const faults: string[] = [];
  for (const { user, nkey } of users) {
    const name = nkey || user;
    if (seen.has(name)) faults.push(`Duplicate ${nkey === "" ? "user" : "nkey"} ${quoted(name)} detected`);
    seen.add(name);
  }
  return faults;
}

/** Of accounts that have users. @returns null when nothing is wrong */
export function singleAndAccountsFault({ user = "", token = "" }: Authorization): string | null {
  if (user !== "") return "Can not have a single user/pass and accounts";
  return token === "" ? null : "Can not have a token and accounts";
}

/** What is wrong with permissions of any of the users. */
export function usersPermissionFault(users: readonly UserOptions[]): string | null {
  for (const { user, nkey, permissions } of users) {
    const fault = permissions === null ? null : permissionsFault(permissions);
    if (fault !== null) return `invalid permissions for ${nkey === "" ? `user ${quoted(user)}` : `nkey ${quoted(nkey)}`}: ${fault}`;
  }
  return null;
}

/**
 * Everything that is wrong with what accounts share with each other: streams and services that they export, then what they import.
 * @param more names of accounts beside those
 */
export function sharingFaults(accounts: readonly AccountOptions[], more: readonly string[], noSystemAccount: boolean): string[] {
  const names = new Set([...accounts.map(({ name }) => name), ...more]);
  const faults: string[] = [];
  for (const kind of ["stream", "service"] as const) {
    for (const { exports } of accounts) {
      const services: ServiceExportOptions[] = [];
      for (const one of exports) {
        if (one.kind !== kind) continue;
        if (one.kind === "service") services.push(one);
        for (const name of one.accounts ?? []) if (!names.has(name)) faults.push(`${quoted(name)} account not defined for ${kind} export`);
        const fault = positionFault(one.subject, one.accountTokenPosition);
        if (fault !== null) faults.push(`Error adding ${kind} export ${quoted(one.subject)}: ${fault}`);
        else if (one.kind === "service") faults.push(...latencyFaults(one, services, noSystemAccount));
      }
    }
  }
  for (const kind of ["stream", "service"] as const) {
    for (const { account } of accounts.flatMap(({ imports }) => imports.filter(one => one.kind === kind))) {
      if (!names.has(account)) faults.push(`${quoted(account)} account not defined for ${kind} import`);
    }
  }
  return faults;
}

function positionFault(subject: string, position: number): string | null {
  return position === 0 || subject.split(".")[position - 1] === "*" ? null : "sublist: invalid subject";
}

/** @param services those exported until here, itself included: metrics of a service that are requests to one would go round */
function latencyFaults(one: ServiceExportOptions, services: readonly ServiceExportOptions[], noSystemAccount: boolean): string[] {
  if (one.latency === null) return [];
  const { subject } = one.latency;
  const what = `Error adding service latency sampling for ${quoted(one.subject)}`;
  if (noSystemAccount) return [`${what}: system account not setup`];
  const loops = services.some(service => service.subject === subject || isSubsetText(subject, service.subject));
  if (loops || !isValidPublishSubjectText(subject)) return [`${what} on subject ${quoted(subject)}: invalid publish subject`];
  return one.responseType === "Singleton" ? [] : [`${what} on subject ${quoted(subject)}: bad service response type`];
}
