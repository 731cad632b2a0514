/** `users [ ]` of an account or of the authorization block. */

import { CONNECTION_TYPES, type ConnectionType } from "../../../access/jwt/connection-types.ts";
import { NO_USER, type UserOptions } from "../../../auth/users/authorization.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { type ConfigValue, goShown } from "../../language/config-value.ts";
import { type Field, field, fieldTable, readBlock } from "../row/field.ts";
import { ConfigFault, type Problems } from "../row/problems.ts";
import { boolean, type Reader, reader, text, textsFor } from "../row/reader.ts";
import type { Draft } from "./ocsp-block.ts";
import { PERMISSION_FIELDS, permissionBlock } from "./permission-block.ts";

const typeTexts = textsFor("allowed connection types");

const connectionTypes = reader<readonly ConnectionType[]>("string or list of strings", (value, context) => {
  const given = [...new Set(typeTexts.read(value, context).map(type => type.toUpperCase()))];
  const unknown = given.filter(type => !isConnectionType(type));
  if (unknown.length > 0) throw new ConfigFault(`invalid connection types [${unknown.map(quoted).join(" ")}]`);
  return given as ConnectionType[];
});

export function isConnectionType(type: string): boolean {
  return (CONNECTION_TYPES as readonly string[]).includes(type);
}

export const USER_FIELDS: readonly Field<Draft<UserOptions>>[] = [
  field("user username", text, "user name of clients", (draft, user) => (draft.user = user)),
  field("password pass", text, "its password, plain or a bcrypt hash", (draft, password) => (draft.password = password)),
  field("nkey", text, "public user nkey, instead of user and password", (draft, nkey) => (draft.nkey = nkey)),
  field(
    "permissions permission authorization",
    permissionBlock,
    "permissions of the user",
    (draft, permissions) => (draft.permissions = permissions),
    { initial: "the default permissions", fields: PERMISSION_FIELDS },
  ),
  field(
    "allowed_connection_types connection_types clients",
    connectionTypes,
    `allowed connection types: ${CONNECTION_TYPES.map(type => `\`${type}\``).join(", ")}`,
    (draft, types) => (draft.connectionTypes = types.length === 0 ? null : types),
    { initial: "all" },
  ),
  field("proxy_required", boolean, "the user may connect only through a trusted proxy", (draft, on) => (draft.proxyRequired = on), {
    initial: "false",
  }),
];

const USER_TABLE = fieldTable(USER_FIELDS);

/** @returns the error in the combination of name, password and nkey; null when it is valid */
export function userFault({ user, password, nkey }: Pick<UserOptions, "user" | "password" | "nkey">): string | null {
  if (nkey === "") return user === "" ? "User entry requires a user" : null;
  if (!isPublicNkey(nkey, NkeyKind.User)) return "Not a valid public nkey for a user";
  return user === "" && password === "" ? null : "Nkey users do not take usernames or passwords";
}

export const usersList: Reader<readonly UserOptions[]> = reader("list of blocks", (value, { problems }) => {
  if (!Array.isArray(value.data)) throw new ConfigFault(`Expected users field to be an array, got ${goShown(value.data)}`);
  const users: UserOptions[] = [];
  for (const entry of value.data) {
    const user = userIn(entry, problems);
    if (user !== null) users.push(user);
  }
  return users;
});

/** @returns null when the entry has errors, which are added to `problems` */
function userIn(entry: ConfigValue, problems: Problems): UserOptions | null {
  const { data } = entry;
  if (!(data instanceof Map)) {
    problems.error(entry, `Expected user entry to be a map/struct, got ${goShown(data)}`);
    return null;
  }
  const before = problems.errors.length;
  const draft: Draft<UserOptions> = { ...NO_USER };
  readBlock(data, USER_TABLE, draft, problems);
  if (problems.errors.length > before) return null;
  const fault = userFault(draft);
  if (fault === null) return draft;
  problems.error([...data.values()].at(-1) ?? entry, fault); // the place that the reference reports for a single field
  return null;
}
