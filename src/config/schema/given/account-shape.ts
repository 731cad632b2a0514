/** Accounts, users, permissions and authorization as given by a program. Missing fields have the same defaults as in a file. */
import { CONNECTION_TYPES, type ConnectionType } from "../../../access/jwt/connection-types.ts";
import {
  type GivenPermissions,
  type PermissionOptions,
  RESPONSE_DEFAULTS,
  type ResponsePermission,
  type SubjectPermissions,
} from "../../../access/permission/permission-options.ts";
import { type AccountLimits, NO_LIMITS, type TraceOptions } from "../../../accounts/account/account-options.ts";
import {
  type LatencyOptions,
  NO_SERVICE_EXPORT,
  NO_SERVICE_IMPORT,
  NO_STREAM_EXPORT,
  NO_STREAM_IMPORT,
  type TradeOptions,
} from "../../../accounts/trade/trade-options.ts";
import { type Authorization, type CalloutOptions, NO_CALLOUT, NO_USER, type UserOptions } from "../../../auth/users/authorization.ts";
import { quoted } from "../../../base/go/strconv.ts";
import type { MappingDestination, MappingRule } from "../../../messaging/mapping/mapping-rule.ts";
import { withResponses } from "../block/permission-block.ts";
import { OptionError } from "../row/problems.ts";
import { emptyServerAccount, type ServerAccount } from "../server-account.ts";
import { accountJetStreamShape } from "./jetstream-shape.ts";
import { boolean, integer, listOf, mapOf, natural, objectOf, orNull, type Shape, shape, text, wordOf } from "./shape.ts";

const texts = listOf(text);

const subjects = orNull(objectOf<SubjectPermissions>({ allow: null, deny: null }, { allow: orNull(texts), deny: orNull(texts) }));

const responseFields = objectOf<ResponsePermission>(RESPONSE_DEFAULTS, { messagesMax: integer, expiresMs: integer });

/** 0 means the default. */
const responses: Shape<ResponsePermission> = {
  ...responseFields,
  complete(value, where) {
    const { messagesMax, expiresMs } = responseFields.complete(value, where);
    return { messagesMax: messagesMax || RESPONSE_DEFAULTS.messagesMax, expiresMs: expiresMs || RESPONSE_DEFAULTS.expiresMs };
  },
};

const permissionFields = objectOf<PermissionOptions>(
  { publish: null, subscribe: null, responses: null },
  { publish: subjects, subscribe: subjects, responses: orNull(responses) },
);

const permissions: Shape<PermissionOptions> = {
  ...permissionFields,
  complete: (value, where) => withResponses(permissionFields.complete(value, where)),
};

const isConnectionType = (type: string): type is ConnectionType => (CONNECTION_TYPES as readonly string[]).includes(type);

/** Types are case-insensitive; an empty list means every type. */
const connectionTypes: Shape<readonly ConnectionType[] | null> = shape("list of strings", (value, where) => {
  const given = texts.complete(value, where);
  const unknown = given.find(type => !isConnectionType(type.toUpperCase()));
  if (unknown !== undefined) throw new OptionError(`unknown connection type ${quoted(unknown)}`);
  return given.length === 0 ? null : [...new Set(given.map(type => type.toUpperCase() as ConnectionType))];
});

const user = objectOf<UserOptions>(NO_USER, {
  user: text,
  password: text,
  nkey: text,
  permissions: orNull(permissions),
  connectionTypes: orNull(connectionTypes),
  proxyRequired: boolean,
});

const latency = orNull(objectOf<LatencyOptions>({ sampling: 100, subject: "" }, { sampling: integer, subject: text }));

const EXPORT_SHAPES = {
  subject: text,
  accounts: orNull(texts),
  tokenRequired: boolean,
  accountTokenPosition: integer,
  revocations: mapOf(integer),
};

const exported = byKind<TradeOptions["exports"][number]>(
  objectOf(NO_STREAM_EXPORT, { kind: wordOf("stream"), ...EXPORT_SHAPES }),
  objectOf(NO_SERVICE_EXPORT, {
    kind: wordOf("service"),
    ...EXPORT_SHAPES,
    responseType: wordOf("Singleton", "Stream", "Chunked"),
    responseThresholdMs: integer,
    latency,
    allowTrace: boolean,
  }),
);

const imported = byKind<TradeOptions["imports"][number]>(
  objectOf(NO_STREAM_IMPORT, {
    kind: wordOf("stream"),
    account: text,
    subject: text,
    to: text,
    prefix: text,
    allowTrace: boolean,
    token: text,
  }),
  objectOf(NO_SERVICE_IMPORT, { kind: wordOf("service"), account: text, subject: text, to: text, share: boolean, token: text }),
);

/** An object whose `kind` selects one of two shapes. The page shows the fields of both. */
function byKind<T extends { readonly kind: "stream" | "service" }>(stream: Shape<T>, service: Shape<T>): Shape<T> {
  const kinds = wordOf("stream", "service");
  const fields = { ...service.fields, ...stream.fields, kind: { type: kinds.type, initial: undefined, fields: null } };
  return shape(
    "object",
    (value, where) => {
      const kind = kinds.complete((value as { kind?: unknown } | null)?.kind, `${where}.kind`);
      return (kind === "stream" ? stream : service).complete(value, where);
    },
    fields,
  );
}

const destination = objectOf<MappingDestination>(
  { subject: "", weight: 100, cluster: "" },
  { subject: text, weight: integer, cluster: text },
);

export const mappingsShape = listOf(
  objectOf<MappingRule>({ source: "", destinations: [] }, { source: text, destinations: listOf(destination) }),
);

const account = objectOf<ServerAccount>(emptyServerAccount(""), {
  name: text,
  nkey: text,
  users: listOf(user),
  defaultPermissions: orNull(permissions),
  exports: listOf(exported),
  imports: listOf(imported),
  mappings: mappingsShape,
  limits: objectOf<AccountLimits>(NO_LIMITS, {
    connectionsMax: integer,
    leafNodesMax: integer,
    subscriptionsMax: integer,
    payloadBytesMax: integer,
  }),
  trace: orNull(objectOf<TraceOptions>({ destination: "", sampling: 100 }, { destination: text, sampling: natural })),
  jetStream: accountJetStreamShape,
});

export const accountsShape = listOf(account);

/** @param where name of the value in errors @throws OptionError */
export function completePermissions(given: GivenPermissions, where: string): PermissionOptions {
  return permissions.complete(given, where);
}

const callout = objectOf<CalloutOptions>(NO_CALLOUT, {
  issuer: text,
  account: text,
  authUsers: texts,
  xkey: text,
  allowedAccounts: orNull(texts),
});

const LOGIN_SHAPES = { user: text, password: text, token: text };
const NO_LOGIN = { user: "", password: "", token: "" };

/** The authorization of the WebSocket listener: a single user or a token. */
export const loginShape = authorizationOf(objectOf<Pick<Required<Authorization>, "user" | "password" | "token">>(NO_LOGIN, LOGIN_SHAPES));

export const authorizationShape = authorizationOf(
  objectOf<Required<Authorization>>(
    { ...NO_LOGIN, users: [], defaultPermissions: null, callout: null, proxyRequired: false },
    {
      ...LOGIN_SHAPES,
      users: listOf(user),
      defaultPermissions: orNull(permissions),
      callout: orNull(callout),
      proxyRequired: boolean,
    },
  ),
);

/**
 * Drops empty fields, so that a flag with an empty value removes what a file sets. Drops a password without a user too.
 * The value is null without a block, or when empty values removed all its fields; `{}` for an empty block.
 */
function authorizationOf(block: Shape<Authorization>): Shape<Authorization | null> {
  return shape(
    "object or null",
    (value, where) => {
      if (value === null) return null;
      const { user: name, password, token, users, defaultPermissions, callout: service, proxyRequired } = block.complete(value, where);
      const given = value as Authorization;
      const complete: Authorization = {
        ...(name ? { user: name, ...(given.password === undefined ? {} : { password: password! }) } : {}),
        ...(token ? { token } : {}),
        ...(users?.length ? { users } : {}),
        ...(defaultPermissions ? { defaultPermissions } : {}),
        ...(service ? { callout: service } : {}),
        ...(proxyRequired ? { proxyRequired } : {}),
      };
      return Object.keys(complete).length === 0 && isRemoved(given) ? null : complete;
    },
    block.fields,
  );
}

/** Whether a user or a token is given as empty text. */
function isRemoved({ user: name, token }: Authorization): boolean {
  return name === "" || token === "";
}
