/** `authorization { }`: one user or one token. Of the server, and in a simpler form of a WebSocket listener. */
import type { Authorization } from "../authorization.ts";
import { type Field, field, missingField, readBlock } from "../block.ts";
import { parseGoDuration } from "../go-duration.ts";
import type { ConfigValue } from "../language/config-value.ts";
import { ConfigFault, type Problems } from "../problems.ts";
import { mapIn, millisecondsOf, type Reader, reader, safeInteger, text } from "../reader.ts";

/** Longer ones are mostly mistakes: `1m` without quotes is a million seconds. */
const TIMEOUT_WARNING_MS = 60_000;

interface Draft {
  user: string;
  password: string;
  token: string;
  timeoutMs: number;
}

/** What a block says. */
export interface AuthorizationBlock {
  /** null: it names nobody. */
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

/** Elsewhere another type counts as a second. */
const simpleTimeout: Reader<number> = reader("seconds", ({ data }) => {
  if (typeof data === "bigint") return safeInteger(data * 1_000n);
  return typeof data === "number" ? Math.min(Math.round(data * 1_000), Number.MAX_SAFE_INTEGER) : 1_000;
});

const WHO: readonly Field<Draft>[] = [
  field("user username", text, "name that clients give", (draft, user) => (draft.user = user)),
  field("password pass", text, "its password", (draft, password) => (draft.password = password)),
  field("token", text, "instead of user and password", (draft, token) => (draft.token = token)),
];

const TIMEOUT_TEXT = "time a client has to authenticate; one second more than TLS has, with TLS";

const AUTHORIZATION_WORKING: readonly Field<Draft>[] = [
  ...WHO,
  field("timeout", timeout, TIMEOUT_TEXT, (draft, milliseconds) => (draft.timeoutMs = milliseconds), { initial: "2s" }),
];

export const AUTHORIZATION_FIELDS: readonly Field<Draft>[] = [
  ...AUTHORIZATION_WORKING,
  missingField("users", "several users"),
  missingField("default_permissions default_permission permissions", "permissions"),
  missingField("auth_callout auth_hook", "auth callout"),
  missingField("proxy_required", "trusted proxies"),
];

export const SIMPLE_AUTHORIZATION_FIELDS: readonly Field<Draft>[] = [
  ...WHO,
  field("timeout", simpleTimeout, "time a client has to authenticate", (draft, milliseconds) => (draft.timeoutMs = milliseconds)),
];

function readAuthorization(value: ConfigValue, fields: readonly Field<Draft>[], problems: Problems): Draft {
  const draft: Draft = { user: "", password: "", token: "", timeoutMs: 0 };
  readBlock(mapIn(value), fields, draft, problems);
  return draft;
}

/** A password of nobody asks for nothing. */
function authorizationOf({ user, password, token }: Draft): Authorization | null {
  if (user === "" && token === "") return null;
  return { ...(user === "" ? {} : { user, password }), ...(token === "" ? {} : { token }) };
}

export const authorizationBlock: Reader<AuthorizationBlock> = reader("block", (value, { problems }) => {
  const draft = readAuthorization(value, AUTHORIZATION_FIELDS, problems);
  if ((draft.user !== "" || draft.password !== "") && draft.token !== "") throw new ConfigFault("Cannot have a user/pass and token");
  return { authorization: authorizationOf(draft), timeoutMs: draft.timeoutMs };
});

export const simpleAuthorizationBlock: Reader<AuthorizationBlock> = reader("block", (value, { problems }) => {
  const draft = readAuthorization(value, SIMPLE_AUTHORIZATION_FIELDS, problems);
  return { authorization: authorizationOf(draft), timeoutMs: draft.timeoutMs };
});
