/** `auth_callout { }`: a service decides about logins. */

import { type CalloutOptions, NO_CALLOUT } from "../../../auth/users/authorization.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { type ConfigValue, goShown } from "../../language/config-value.ts";
import { type Field, field, readBlock, type UnknownText } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { type Reader, reader, text, textIn } from "../row/reader.ts";
import type { Draft } from "./ocsp-block.ts";

const unknownCalloutField: UnknownText = key => `Unknown field ${quoted(key)} parsing authorization callout`;

function keyOf(kind: NkeyKind, refusal: (key: string) => string): Reader<string> {
  return reader("public nkey", value => {
    const key = textIn(value);
    if (!isPublicNkey(key, kind)) throw new ConfigFault(refusal(key));
    return key;
  });
}

/** As in the reference, errors name the type of its internal wrapper. */
const listOf = (what: string) =>
  reader<readonly string[]>("list of strings", ({ data }) => {
    if (!Array.isArray(data)) throw new ConfigFault(`Expected ${what} field to be an array, got *conf.token`);
    return data.map(textIn);
  });

export const INVALID_ISSUER = (key: string) => `Expected callout user to be a valid public account nkey, got ${quoted(key)}`;
export const INVALID_XKEY = (key: string) => `Expected callout xkey to be a valid public xkey, got ${quoted(key)}`;

export const CALLOUT_FIELDS: readonly Field<Draft<CalloutOptions>>[] = [
  field("issuer", keyOf(NkeyKind.Account, INVALID_ISSUER), "public account nkey that signs the responses", (draft, key) => {
    draft.issuer = key;
  }),
  field("account acc", text, "account of the service", (draft, account) => (draft.account = account), { initial: "$G" }),
  field(
    "auth_users users",
    listOf("auth_users"),
    "names or nkeys of the service's own users; the server authenticates them itself",
    (draft, users) => (draft.authUsers = users),
  ),
  field(
    "xkey key",
    keyOf(NkeyKind.Curve, INVALID_XKEY),
    "public curve nkey of the service, to encrypt requests and responses",
    (draft, key) => {
      draft.xkey = key;
    },
  ),
  field(
    "allowed_accounts",
    listOf("allowed accounts"),
    "accounts whose users the service decides about",
    (draft, accounts) => (draft.allowedAccounts = accounts.length === 0 ? null : accounts),
    { initial: "all" },
  ),
];

/** @returns the missing field; null when the block is complete */
export function calloutFault({ issuer, authUsers }: CalloutOptions): string | null {
  if (issuer === "") return "Authorization callouts require an issuer to be specified";
  return authUsers.length === 0 ? "Authorization callouts require authorized users to be specified" : null;
}

export const calloutBlock: Reader<CalloutOptions | null> = reader("block", (value: ConfigValue, { problems }) => {
  const { data } = value;
  if (!(data instanceof Map)) throw new ConfigFault(`Expected authorization callout to be a map/struct, got ${goShown(data)}`);
  const before = problems.errors.length;
  const draft: Draft<CalloutOptions> = { ...NO_CALLOUT };
  readBlock(data, CALLOUT_FIELDS, draft, problems, unknownCalloutField, true);
  if (problems.errors.length > before) return null;
  const fault = calloutFault(draft);
  if (fault !== null) throw new ConfigFault(fault, [...data.values()].at(-1) ?? value);
  return draft;
});

/** @returns an error for each allowed account that does not exist */
export function unknownAllowedAccounts(callout: CalloutOptions | null | undefined, accounts: ReadonlySet<string>): string[] {
  const unknown = (callout?.allowedAccounts ?? []).filter(name => !accounts.has(name));
  return unknown.map(name => `auth_callout allowed account ${quoted(name)} not found in configured accounts`);
}
