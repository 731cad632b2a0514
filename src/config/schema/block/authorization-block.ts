/**
 * `authorization { }`: one user, one token, or the users of `$G`, with their defaults, timeout and auth callout. The server has the full
 * block, a WebSocket listener a simpler one.
 */

import type { Authorization } from "../../../auth/users/authorization.ts";
import { parseGoDuration } from "../../../base/go/duration.ts";
import { type Field, field, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { boolean, mapIn, millisecondsOf, type Reader, reader, safeInteger, text } from "../row/reader.ts";
import { CALLOUT_FIELDS, calloutBlock } from "./callout-block.ts";
import type { Draft as DraftOf } from "./ocsp-block.ts";
import { PERMISSION_FIELDS, permissionBlock } from "./permission-block.ts";
import { USER_FIELDS, usersList } from "./user-block.ts";

/** Longer timeouts cause a warning, because most are mistakes: `1m` without quotes is a million seconds. */
const TIMEOUT_WARNING_MS = 60_000;

interface Draft {
  user: string;
  password: string;
  token: string;
  timeoutMs: number;
}

/** Additional fields of the server's block. */
interface ServerDraft extends Draft {
  more: DraftOf<Authorization>;
}

/** The values of a block. */
export interface AuthorizationBlock {
  /** null: the block has no user and no token. */
  readonly authorization: Authorization | null;
  /** 0: the default. */
  readonly timeoutMs: number;
}

const timeout: Reader<number> = reader("duration, or seconds", (value, { key, problems }) => {
  const { data } = value;
  let milliseconds: number;
  if (typeof data === "bigint") milliseconds = safeInteger(data * 1_000n);
  else if (typeof data === "number") milliseconds = Math.min(Math.round(data * 1_000), Number.MAX_SAFE_INTEGER);
  else if (typeof data === "string") {
    const nanoseconds = parseGoDuration(data);
    if (typeof nanoseconds === "string") throw new ConfigFault(`error parsing authorization config, 'timeout' ${nanoseconds}`);
    milliseconds = millisecondsOf(nanoseconds);
  } else throw new ConfigFault("error parsing authorization config, 'timeout' wrong type");
  if (milliseconds > TIMEOUT_WARNING_MS) {
    const given = `${data} (${(milliseconds / 1_000).toFixed(6)} seconds)`;
    const cause = "possibly caused by unquoted duration; use '1m' instead of 1m, for example";
    problems.warn(value, key, `timeout of ${given} is high, consider keeping it under 60 seconds. ${cause}`);
  }
  return milliseconds;
});

/** In a listener's block a value of another type counts as one second. */
const simpleTimeout: Reader<number> = reader("seconds", ({ data }) => {
  if (typeof data === "bigint") return safeInteger(data * 1_000n);
  return typeof data === "number" ? Math.min(Math.round(data * 1_000), Number.MAX_SAFE_INTEGER) : 1_000;
});

const LOGIN_FIELDS: readonly Field<Draft>[] = [
  field("user username", text, "user name of clients", (draft, user) => (draft.user = user)),
  field("password pass", text, "password of the user", (draft, password) => (draft.password = password)),
  field("token", text, "instead of user and password", (draft, token) => (draft.token = token)),
];

const TIMEOUT_TEXT = "time a client has to authenticate; with TLS the default is one second more than the TLS timeout";

export const AUTHORIZATION_FIELDS: readonly Field<ServerDraft>[] = [
  ...LOGIN_FIELDS,
  field("timeout", timeout, TIMEOUT_TEXT, (draft, milliseconds) => (draft.timeoutMs = milliseconds), { initial: "2s" }),
  field("users", usersList, "several users, of `$G`", (draft, users) => (draft.more.users = users), { fields: USER_FIELDS }),
  field(
    "default_permissions default_permission permissions",
    permissionBlock,
    "permissions of users without their own",
    (draft, permissions) => (draft.more.defaultPermissions = permissions),
    { initial: "everything", fields: PERMISSION_FIELDS },
  ),
  field("auth_callout auth_hook", calloutBlock, "a service decides about logins", (draft, callout) => (draft.more.callout = callout), {
    fields: CALLOUT_FIELDS,
  }),
  field("proxy_required", boolean, "clients must connect through a trusted proxy", (draft, on) => (draft.more.proxyRequired = on), {
    initial: "false",
  }),
];

export const SIMPLE_AUTHORIZATION_FIELDS: readonly Field<Draft>[] = [
  ...LOGIN_FIELDS,
  field("timeout", simpleTimeout, "time a client has to authenticate", (draft, milliseconds) => (draft.timeoutMs = milliseconds)),
];

/** A password without a user is ignored. */
function secretsOf({ user, password, token }: Draft): Authorization {
  return { ...(user === "" ? {} : { user, password }), ...(token === "" ? {} : { token }) };
}

const noDraft = (): Draft => ({ user: "", password: "", token: "", timeoutMs: 0 });

/** Never null: an empty block counts as given. */
export const authorizationBlock: Reader<AuthorizationBlock> = reader("block", (value, { problems }) => {
  const draft: ServerDraft = { ...noDraft(), more: {} };
  readBlock(mapIn(value), AUTHORIZATION_FIELDS, draft, problems);
  const { user, password, token, timeoutMs, more } = draft;
  if ((user !== "" || password !== "") && token !== "") throw new ConfigFault("Cannot have a user/pass and token");
  const authorization = { ...secretsOf(draft), ...more };
  const fault = more.users === undefined ? null : singleAndUsersFault(authorization);
  if (fault !== null) throw new ConfigFault(fault);
  return { authorization, timeoutMs };
});

/** Checks one block, or a block that follows accounts with users. @returns the error; null when there is none */
export function singleAndUsersFault({ user = "", token = "" }: Authorization): string | null {
  if (user !== "") return "Can not have a single user/pass and a users array";
  return token === "" ? null : "Can not have a token and a users array";
}

/** @returns null when the block has no user and no token */
export const simpleAuthorizationBlock: Reader<AuthorizationBlock> = reader("block", (value, { problems }) => {
  const draft = noDraft();
  readBlock(mapIn(value), SIMPLE_AUTHORIZATION_FIELDS, draft, problems);
  const authorization = secretsOf(draft);
  return { authorization: Object.keys(authorization).length === 0 ? null : authorization, timeoutMs: draft.timeoutMs };
});
