/**
 * Accounts and users as a program gives them, completed: what it leaves out is what a file that leaves it out says. A field that there
 * is not, or of another type, is refused with its place: `accounts[0].users[1].pass`.
 */

import type { ConnectionType } from "../../../access/jwt/connection-types.ts";
import {
  type GivenPermissions,
  type PermissionOptions,
  RESPONSE_DEFAULTS,
  type ResponsePermission,
  type SubjectPermissions,
} from "../../../access/permission/permission-options.ts";
import { NO_LIMITS } from "../../../accounts/account/account-options.ts";
import {
  NO_SERVICE_EXPORT,
  NO_SERVICE_IMPORT,
  NO_STREAM_EXPORT,
  NO_STREAM_IMPORT,
  type TradeOptions,
} from "../../../accounts/trade/trade-options.ts";
import {
  type Authorization,
  type CalloutOptions,
  type ConfiguredAccount,
  emptyConfiguredAccount,
  NO_CALLOUT,
  NO_USER,
  type UserOptions,
} from "../../../auth/users/authorization.ts";
import { quoted } from "../../../base/go/strconv.ts";
import type { MappingDestination, MappingRule } from "../../../messaging/mapping/mapping-rule.ts";
import { withResponses } from "../block/permission-block.ts";
import { isConnectionType } from "../block/user-block.ts";
import { OptionError } from "../row/problems.ts";
import type { GivenAccount, GivenAuthorization, GivenMapping } from "./given-options.ts";

/** Makes a part of what was given. @throws OptionError  it cannot be one */
type Part<T> = (value: unknown, where: string) => T;

type Parts<T> = { readonly [K in keyof T]?: Part<T[K]> };

/** Parts that are plain values have the type of their default; others need a reader. */
function completed<T extends object>(value: unknown, where: string, initial: T, parts: Parts<T> = {}): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new OptionError(`option "${where}" must be an object`);
  const complete = { ...initial } as Record<string, unknown>;
  for (const [name, given] of Object.entries(value)) {
    if (!Object.hasOwn(initial, name)) throw new OptionError(`unknown option "${where}.${name}"`);
    if (given === undefined) continue;
    const part = parts[name as keyof T];
    if (part !== undefined) complete[name] = part(given, `${where}.${name}`);
    else complete[name] = sameType(given, complete[name], `${where}.${name}`);
  }
  return complete as T;
}

function sameType<T>(given: unknown, initial: T, where: string): T {
  if (typeof given !== typeof initial) throw new OptionError(`option "${where}" must be a ${typeof initial}`);
  if (typeof given === "number" && !Number.isSafeInteger(given)) throw new OptionError(`option "${where}" must be an integer`);
  return given as T;
}

function listOf<T>(part: Part<T>): Part<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw new OptionError(`option "${where}" must be an array`);
    return value.map((one, at) => part(one, `${where}[${at}]`));
  };
}

function orNull<T>(part: Part<T>): Part<T | null> {
  return (value, where) => (value === null ? null : part(value, where));
}

const textPart: Part<string> = (value, where) => sameType(value, "", where);
const texts = listOf(textPart);

const subjects = orNull((value, where) =>
  completed<SubjectPermissions>(value, where, { allow: null, deny: null }, { allow: orNull(texts), deny: orNull(texts) }),
);

const responses: Part<ResponsePermission> = (value, where) => {
  const { messagesMax, expiresMs } = completed(value, where, RESPONSE_DEFAULTS);
  return { messagesMax: messagesMax || RESPONSE_DEFAULTS.messagesMax, expiresMs: expiresMs || RESPONSE_DEFAULTS.expiresMs };
};

const NO_PERMISSIONS: PermissionOptions = { publish: null, subscribe: null, responses: null };

const permissions: Part<PermissionOptions> = (value, where) =>
  withResponses(completed(value, where, NO_PERMISSIONS, { publish: subjects, subscribe: subjects, responses: orNull(responses) }));

const connectionTypes: Part<readonly ConnectionType[] | null> = (value, where) => {
  const types = texts(value, where).map(type => type.toUpperCase());
  const unknown = types.findIndex(type => !isConnectionType(type));
  if (unknown !== -1) throw new OptionError(`unknown connection type ${quoted((value as string[])[unknown]!)}`);
  return types.length === 0 ? null : ([...new Set(types)] as ConnectionType[]);
};

const USER_PARTS: Parts<UserOptions> = {
  permissions: orNull(permissions),
  connectionTypes: (value, where) => (value === null ? null : connectionTypes(value, where)),
};

const user: Part<UserOptions> = (value, where) => completed(value, where, NO_USER, USER_PARTS);

const revocations: Part<Readonly<Record<string, number>>> = (value, where) => {
  if (typeof value !== "object" || value === null) throw new OptionError(`option "${where}" must be an object`);
  for (const [account, time] of Object.entries(value)) sameType(time, 0, `${where}.${account}`);
  return value as Readonly<Record<string, number>>;
};

const EXPORT_PARTS = { kind: textPart as Part<never>, accounts: orNull(texts), revocations };

const latency = orNull((value: unknown, where: string) => completed(value, where, { sampling: 100, subject: "" }));

const oneExport: Part<TradeOptions["exports"][number]> = (value, where) => {
  const service = kindOf(value, where) === "service";
  if (!service) return completed(value, where, NO_STREAM_EXPORT, EXPORT_PARTS);
  return completed(value, where, NO_SERVICE_EXPORT, { ...EXPORT_PARTS, responseType, latency });
};

const responseType: Part<"Singleton" | "Stream" | "Chunked"> = (value, where) => {
  if (value === "Singleton" || value === "Stream" || value === "Chunked") return value;
  throw new OptionError(`option "${where}" must be "Singleton", "Stream" or "Chunked"`);
};

const oneImport: Part<TradeOptions["imports"][number]> = (value, where) => {
  const service = kindOf(value, where) === "service";
  return service ? completed(value, where, NO_SERVICE_IMPORT) : completed(value, where, NO_STREAM_IMPORT);
};

function kindOf(value: unknown, where: string): "stream" | "service" {
  const kind = (value as { kind?: unknown } | null)?.kind;
  if (kind === "stream" || kind === "service") return kind;
  throw new OptionError(`option "${where}.kind" must be "stream" or "service"`);
}

const NO_DESTINATION: MappingDestination = { subject: "", weight: 100, cluster: "" };

const destinations = listOf<MappingDestination>((value, where) => completed(value, where, NO_DESTINATION));

const mappings: Part<readonly MappingRule[]> = listOf((value, where) =>
  completed<MappingRule>(value, where, { source: "", destinations: [] }, { destinations }),
);

const ACCOUNT_PARTS: Parts<ConfiguredAccount> = {
  users: listOf(user),
  defaultPermissions: orNull(permissions),
  exports: listOf(oneExport),
  imports: listOf(oneImport),
  mappings,
  limits: (value, where) => completed(value, where, NO_LIMITS),
  trace: orNull((value, where) => completed(value, where, { destination: "", sampling: 100 })),
};

const account: Part<ConfiguredAccount> = (value, where) => completed(value, where, emptyConfiguredAccount(""), ACCOUNT_PARTS);

/** @throws OptionError */
export function completeAccounts(given: readonly GivenAccount[]): readonly ConfiguredAccount[] {
  return listOf(account)(given, "accounts");
}

/** @param where how errors name it @throws OptionError */
export function completePermissions(given: GivenPermissions, where: string): PermissionOptions {
  return permissions(given, where);
}

/** @throws OptionError */
export function completeMappings(given: readonly GivenMapping[]): readonly MappingRule[] {
  return mappings(given, "mappings");
}

const callout: Part<CalloutOptions> = (value, where) =>
  completed(value, where, NO_CALLOUT, { authUsers: texts, allowedAccounts: orNull(texts) });

const NO_AUTHORIZATION: Required<Authorization> = {
  user: "",
  password: "",
  token: "",
  users: [],
  defaultPermissions: null,
  callout: null,
  proxyRequired: false,
};

/**
 * What is empty asks for nothing, a password of nobody neither; so flags can take back what a file says.
 * @returns null when there is no block, or all that was in it was taken back; `{}` for a block without anything in it
 * @throws OptionError
 */
export function completeAuthorization(given: GivenAuthorization | null, where: string): Authorization | null {
  if (given === null) return null;
  const {
    user: name,
    password,
    token,
    users,
    ...rest
  } = completed(given, where, NO_AUTHORIZATION, {
    users: listOf(user),
    defaultPermissions: orNull(permissions),
    callout: orNull(callout),
  });
  const complete: Authorization = {
    ...(name === "" ? {} : { user: name, ...(given.password === undefined ? {} : { password }) }),
    ...(token === "" ? {} : { token }),
    ...(users.length === 0 ? {} : { users }),
    ...(rest.defaultPermissions === null ? {} : { defaultPermissions: rest.defaultPermissions }),
    ...(rest.callout === null ? {} : { callout: rest.callout }),
    ...(rest.proxyRequired ? { proxyRequired: true } : {}),
  };
  return Object.keys(complete).length === 0 && tookBack(given) ? null : complete;
}

/** A name or token that is there, and empty. */
function tookBack({ user: name, token }: GivenAuthorization): boolean {
  return name === "" || token === "";
}
