/** `accounts { }`: accounts by name, with their users, exports and imports; or only a list of names. */

import { type AccountLimits, NO_LIMITS } from "../../../accounts/account/account-options.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { type ConfigData, type ConfigMap, type ConfigValue, goShown, goTypeOf } from "../../language/config-value.ts";
import { type Field, field, fieldTable, readBlock, type UnknownText } from "../row/field.ts";
import { ConfigFault, type Problems } from "../row/problems.ts";
import { integer, type Reader, reader, textIn } from "../row/reader.ts";
import { emptyServerAccount, type ServerAccount } from "../server-account.ts";
import { ACCOUNT_JETSTREAM_FIELDS, accountJetStream } from "./account-jetstream-block.ts";
import { EXPORT_FIELDS, exportsList } from "./export-block.ts";
import { IMPORT_FIELDS, importsList } from "./import-block.ts";
import { mappingsOf } from "./mapping-block.ts";
import type { Draft } from "./ocsp-block.ts";
import { PERMISSION_FIELDS, permissionBlock } from "./permission-block.ts";
import { TRACE_FIELDS, traceReader } from "./trace-block.ts";
import { USER_FIELDS, usersList } from "./user-block.ts";

/** The global account always exists, so a file must not define it. */
export const GLOBAL_ACCOUNT = "$G";

export const reservedAccount = (name: string) => `${quoted(name)} is a Reserved Account`;
export const duplicateAccount = (name: string) => `Duplicate Account Entry: ${name}`;

const unknownLimit: UnknownText = key => `Unknown field ${quoted(key)} parsing account limits`;

export const LIMIT_FIELDS: readonly Field<Draft<AccountLimits>>[] = [
  field("max_connections max_conn", integer, "client connections", (draft, most) => (draft.connectionsMax = most)),
  field("max_subscriptions max_subs", integer, "subscriptions of all its clients", (draft, most) => (draft.subscriptionsMax = most)),
  field("max_payload max_pay", integer, "largest message, bytes", (draft, most) => (draft.payloadBytesMax = most)),
  field("max_leafnodes max_leafs", integer, "leaf nodes", (draft, most) => (draft.leafNodesMax = most)),
];

const limitsBlock: Reader<AccountLimits> = reader("block", ({ data }, { problems }) => {
  if (!(data instanceof Map)) throw new ConfigFault(`Expected account limits to be a map/struct, got ${goShown(data)}`);
  const draft: Draft<AccountLimits> = { ...NO_LIMITS };
  readBlock(data, LIMIT_FIELDS, draft, problems, unknownLimit, true);
  return draft;
});

export const invalidAccountNkey = (shown: string) => `Not a valid public nkey for an account: ${shown}`;

/** Go's `%q` of a value that is not text. */
function quotedByGo(data: ConfigData): string {
  if (typeof data === "string") return quoted(data);
  return `%!q(${goTypeOf(data)}=${goShown(data)})`;
}

const accountNkey = reader("public nkey", ({ data }) => {
  if (typeof data === "string" && isPublicNkey(data, NkeyKind.Account)) return data;
  throw new ConfigFault(invalidAccountNkey(quotedByGo(data)));
});

export const ACCOUNT_FIELDS: readonly Field<Draft<ServerAccount>>[] = [
  field("nkey", accountNkey, "public account nkey", (draft, nkey) => (draft.nkey = nkey)),
  field("users", usersList, "its users", (draft, users) => (draft.users = users), { fields: USER_FIELDS }),
  field(
    "default_permissions",
    permissionBlock,
    "permissions of users without their own",
    (draft, permissions) => (draft.defaultPermissions = permissions),
    { initial: "everything", fields: PERMISSION_FIELDS },
  ),
  field("exports", exportsList, "streams and services that other accounts may import", (draft, exports) => (draft.exports = exports), {
    fields: EXPORT_FIELDS,
  }),
  field("imports", importsList, "streams and services imported from other accounts", (draft, imports) => (draft.imports = imports), {
    fields: IMPORT_FIELDS,
  }),
  {
    names: ["mappings", "maps"],
    type: mappingsOf("").type,
    initial: "",
    text: "mappings of subjects to other subjects",
    missing: null,
    set: (draft, value, context) => {
      draft.mappings = mappingsOf(draft.name).read(value, context);
    },
  },
  field("limits", limitsBlock, "its limits; -1: no limit", (draft, limits) => (draft.limits = limits), { fields: LIMIT_FIELDS }),
  field(
    "msg_trace trace_dest",
    traceReader,
    "destination of traces requested by `traceparent` headers",
    (draft, trace) => (draft.trace = trace),
    { fields: TRACE_FIELDS },
  ),
  field(
    "jetstream",
    accountJetStream,
    "whether it may use JetStream, and how much of it; -1: no limit",
    (draft, own) => (draft.jetStream = own),
    {
      initial: "false",
      fields: ACCOUNT_JETSTREAM_FIELDS,
    },
  ),
];

const ACCOUNT_TABLE = fieldTable(ACCOUNT_FIELDS);

export const accountsBlock: Reader<readonly ServerAccount[]> = reader("block by name, or list of names", ({ data }, { problems }) => {
  if (Array.isArray(data)) return namedAccounts(data, problems);
  if (data instanceof Map) return describedAccounts(data, problems);
  throw new ConfigFault("Expected map entries for accounts"); // the reference silently reads no accounts
});

function namedAccounts(names: readonly ConfigValue[], problems: Problems): ServerAccount[] {
  const accounts = new Map<string, ServerAccount>();
  for (const value of names) {
    const name = textIn(value);
    if (name === GLOBAL_ACCOUNT) problems.error(value, reservedAccount(name));
    else if (accounts.has(name)) problems.error(value, duplicateAccount(name));
    else accounts.set(name, emptyServerAccount(name));
  }
  return [...accounts.values()];
}

function describedAccounts(map: ConfigMap, problems: Problems): ServerAccount[] {
  const accounts: ServerAccount[] = [];
  for (const [name, value] of map) {
    if (value.usedAsVariable) continue;
    if (!(value.data instanceof Map)) problems.error(value, "Expected map entries for accounts");
    else if (name === GLOBAL_ACCOUNT) problems.error(value, reservedAccount(name));
    else {
      const draft: Draft<ServerAccount> = emptyServerAccount(name);
      readBlock(value.data, ACCOUNT_TABLE, draft, problems);
      accounts.push(draft);
    }
  }
  return accounts;
}

/** Place of an account's users, for errors about duplicates. */
export function placeOfUsers(accounts: ConfigValue, name: string): ConfigValue {
  const account = accounts.data instanceof Map ? accounts.data.get(name) : undefined;
  if (!(account?.data instanceof Map)) return accounts;
  return [...account.data].find(([key]) => key.toLowerCase() === "users")?.[1] ?? account;
}
