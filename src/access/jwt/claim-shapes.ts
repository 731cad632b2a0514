/**
 * The JSON of claims: one row per field, in the order in which Go's library writes them (monitoring shows claims as they are written).
 * Claims of the first version are in `first-version.ts`.
 */
import { encode, quote } from "../../base/bytes/ascii.ts";
import type {
  AccountBody,
  AccountLimits,
  ActivationBody,
  AllowDeny,
  AuthorizationClient,
  AuthorizationConnect,
  AuthorizationRequestBody,
  AuthorizationResponseBody,
  AuthorizationServer,
  AuthorizationTls,
  BodyData,
  ClaimKind,
  Claims,
  ClaimsData,
  Export,
  ExportKind,
  ExternalAuthorization,
  Import,
  JetStreamLimits,
  MessageTrace,
  NatsLimits,
  OperatorBody,
  Permissions,
  ResponsePermission,
  ServiceLatency,
  TimeRange,
  UserBody,
  UserLimits,
  UserScope,
  WeightedMapping,
} from "./claims.ts";
import {
  field,
  flag,
  int64,
  list,
  map,
  mismatch,
  optional,
  type Rows,
  type Shape,
  sortedKeys,
  structure,
  text,
  uint8,
  uint64,
} from "./json-shape.ts";
import { JsonList, JsonNumber, JsonObject, type JsonTree, plainValue } from "./json-tree.ts";
import { JwtError } from "./jwt-error.ts";

export const texts = list(text);

export const DATA_ROWS: Rows<ClaimsData> = {
  audience: field("aud", text),
  expiresAtSeconds: field("exp", int64),
  id: field("jti", text),
  issuedAtSeconds: field("iat", int64),
  issuer: field("iss", text),
  name: field("name", text),
  notBeforeSeconds: field("nbf", int64),
  subject: field("sub", text),
};

export const BODY_ROWS: Rows<BodyData> = {
  tags: field("tags", texts),
  type: field("type", text),
  version: field("version", int64),
};

export const exportKind: Shape<ExportKind> = {
  zero: () => "",
  read(tree, _previous, where) {
    if (tree === "stream" || tree === "service") return tree;
    if (tree !== null && typeof tree !== "string") return mismatch(tree, "string", where);
    throw new JwtError(`unknown export type ${quote(encode(tree ?? ""))}`);
  },
  write: value => value,
  isEmpty: value => value === "",
};

/** `"headers"` is 0. */
const sampling: Shape<number> = {
  zero: () => 0,
  read: (tree, _previous, where) => (typeof tree === "string" && tree.toLowerCase() === "headers" ? 0 : int64.read(tree, 0, where)),
  write: value => (value === 0 ? "headers" : value),
  isEmpty: () => false,
};

/** A list, or one text with commas. */
const networks: Shape<readonly string[]> = {
  ...texts,
  read(tree, _previous, where) {
    if (typeof tree !== "string") return texts.read(tree, texts.zero(), where);
    return [...new Set(tree.split(",").map(network => network.trim().toLowerCase()))].filter(network => network !== "");
  },
};

export const NATS_LIMIT_ROWS: Rows<NatsLimits> = {
  subscriptionsMax: field("subs", int64),
  dataBytesMax: field("data", int64),
  payloadBytesMax: field("payload", int64),
};

const allowDeny = structure<AllowDeny>({ allow: field("allow", texts), deny: field("deny", texts) });

const PERMISSION_ROWS: Rows<Permissions> = {
  publish: field("pub", allowDeny),
  subscribe: field("sub", allowDeny),
  responses: field(
    "resp",
    optional(
      structure<ResponsePermission>({
        messagesMax: field("max", int64, "always"),
        expiresNanoseconds: field("ttl", int64, "always"),
      }),
    ),
  ),
};

export const timeRanges = list(structure<TimeRange>({ start: field("start", text), end: field("end", text) }));

export const USER_LIMIT_ROWS: Rows<UserLimits> = {
  ...PERMISSION_ROWS,
  sources: field("src", networks),
  times: field("times", timeRanges),
  timesLocation: field("times_location", text),
  ...NATS_LIMIT_ROWS,
  bearerToken: field("bearer_token", flag),
  proxyRequired: field("proxy_required", flag),
  allowedConnectionTypes: field("allowed_connection_types", texts),
};

export const imports = list(
  optional(
    structure<Import>({
      name: field("name", text),
      subject: field("subject", text),
      account: field("account", text),
      token: field("token", text),
      to: field("to", text),
      localSubject: field("local_subject", text),
      type: field("type", exportKind),
      share: field("share", flag),
      allowTrace: field("allow_trace", flag),
    }),
  ),
);

export const revocations = map(int64);

export const exports = list(
  optional(
    structure<Export>({
      name: field("name", text),
      subject: field("subject", text),
      type: field("type", exportKind),
      tokenRequired: field("token_req", flag),
      revocations: field("revocations", revocations),
      responseType: field("response_type", text),
      responseThresholdNanoseconds: field("response_threshold", int64),
      latency: field(
        "service_latency",
        optional(structure<ServiceLatency>({ sampling: field("sampling", sampling, "always"), results: field("results", text, "always") })),
      ),
      accountTokenPosition: field("account_token_position", uint64),
      advertise: field("advertise", flag),
      allowTrace: field("allow_trace", flag),
      description: field("description", text),
      infoUrl: field("info_url", text),
    }),
  ),
);

const JETSTREAM_ROWS: Rows<JetStreamLimits> = {
  memoryBytesMax: field("mem_storage", int64),
  diskBytesMax: field("disk_storage", int64),
  streamsMax: field("streams", int64),
  consumersMax: field("consumer", int64),
  ackPendingMax: field("max_ack_pending", int64),
  memoryStreamBytesMax: field("mem_max_stream_bytes", int64),
  diskStreamBytesMax: field("disk_max_stream_bytes", int64),
  streamBytesRequired: field("max_bytes_required", flag),
};
/** What an account has when its limits are those of tiers. */
export const NO_JETSTREAM: JetStreamLimits = structure(JETSTREAM_ROWS).zero();

type CountLimits = Omit<AccountLimits, keyof NatsLimits | keyof JetStreamLimits | "tiers">;
export const COUNT_LIMIT_ROWS: Rows<CountLimits> = {
  importsMax: field("imports", int64),
  exportsMax: field("exports", int64),
  wildcardExports: field("wildcards", flag),
  disallowBearer: field("disallow_bearer", flag),
  connectionsMax: field("conn", int64),
  leafNodesMax: field("leaf", int64),
};

const ACCOUNT_LIMIT_ROWS: Rows<AccountLimits> = {
  ...NATS_LIMIT_ROWS,
  ...COUNT_LIMIT_ROWS,
  ...JETSTREAM_ROWS,
  tiers: field("tiered_limits", map(structure<JetStreamLimits>(JETSTREAM_ROWS))),
};

const scopeKind: Shape<"user_scope"> = {
  zero: () => "user_scope",
  read(tree, _previous, where) {
    if (tree === "user_scope") return tree;
    if (tree !== null && typeof tree !== "string") return mismatch(tree, "string", where);
    throw new JwtError('unknown scope type "user_scope"'); // what it was, not what it is
  },
  write: value => value,
  isEmpty: () => false,
};

const NO_NATS_LIMITS: NatsLimits = { subscriptionsMax: -1, dataBytesMax: -1, payloadBytesMax: -1 };

const userScope = structure<UserScope>({
  kind: field("kind", scopeKind, "always"),
  key: field("key", text, "always"),
  role: field("role", text, "always"),
  template: field("template", structure<UserLimits>(USER_LIMIT_ROWS, NO_NATS_LIMITS), "always"),
  description: field("description", text, "always"),
});

/** Keys and objects with a key in them; items of other types are skipped. */
const signingKeys: Shape<ReadonlyMap<string, UserScope | null>> = {
  zero: () => new Map(),
  read(tree, previous, where) {
    if (tree === null) return previous;
    if (!(tree instanceof JsonList)) return mismatch(tree, "array", where);
    const keys = new Map(previous);
    for (const item of tree.items) {
      plainValue(item); // an unbelievable number is an error wherever it stands
      if (typeof item === "string") keys.set(item, null);
      else if (item instanceof JsonObject) {
        const scope = readScope(item);
        keys.set(scope.key, scope);
      }
    }
    return keys;
  },
  write(keys) {
    return sortedKeys(keys).map(key => {
      const scope = keys.get(key)!;
      return scope === null ? key : userScope.write(scope);
    });
  },
  isEmpty: keys => keys.size === 0,
};

function readScope(item: JsonObject): UserScope {
  const kind = item.values[item.names.lastIndexOf("kind")];
  if (kind !== "user_scope") {
    const type = item.values[item.names.lastIndexOf("type")];
    throw new JwtError(`unknown signing key scope ${typeof type === "string" ? quote(encode(type)) : "%!q(<nil>)"}`);
  }
  return userScope.read(regrouped(item, SCOPE_DEPTH), userScope.zero(), "signing_keys");
}

/** Structures within a scope, and one to be sure. */
const SCOPE_DEPTH = 5;

/** The library reads a scope twice: names are sorted and unique by then, and an integer may be written as `1e3`. */
function regrouped(tree: JsonTree, depth: number): JsonTree {
  if (tree instanceof JsonNumber) return new JsonNumber(String(Number(tree.text)));
  if (depth === 0) return tree;
  if (tree instanceof JsonList) {
    const copy = new JsonList();
    for (const item of tree.items) copy.items.push(regrouped(item, depth - 1));
    return copy;
  }
  if (!(tree instanceof JsonObject)) return tree;
  const last = new Map(tree.names.map((name, index) => [name, tree.values[index]]));
  const copy = new JsonObject();
  for (const name of sortedKeys(last)) {
    copy.names.push(name);
    copy.values.push(regrouped(last.get(name)!, depth - 1));
  }
  return copy;
}

const operatorBody = structure<OperatorBody>({
  signingKeys: field("signing_keys", texts),
  accountServerUrl: field("account_server_url", text),
  operatorServiceUrls: field("operator_service_urls", texts),
  systemAccount: field("system_account", text),
  assertServerVersion: field("assert_server_version", text),
  strictSigningKeyUsage: field("strict_signing_key_usage", flag),
  ...BODY_ROWS,
});

const accountBody = structure<AccountBody>({
  imports: field("imports", imports),
  exports: field("exports", exports),
  limits: field("limits", structure<AccountLimits>(ACCOUNT_LIMIT_ROWS)),
  signingKeys: field("signing_keys", signingKeys),
  revocations: field("revocations", revocations),
  defaultPermissions: field("default_permissions", structure<Permissions>(PERMISSION_ROWS)),
  mappings: field(
    "mappings",
    map(
      list(
        structure<WeightedMapping>({
          subject: field("subject", text, "always"),
          weight: field("weight", uint8),
          cluster: field("cluster", text),
        }),
      ),
    ),
  ),
  authorization: field(
    "authorization",
    structure<ExternalAuthorization>({
      users: field("auth_users", texts),
      allowedAccounts: field("allowed_accounts", texts),
      curveKey: field("xkey", text),
    }),
  ),
  trace: field("trace", optional(structure<MessageTrace>({ destination: field("dest", text), sampling: field("sampling", int64) }))),
  clusterTraffic: field("cluster_traffic", text),
  description: field("description", text),
  infoUrl: field("info_url", text),
  ...BODY_ROWS,
});

const userBody = structure<UserBody>({
  ...USER_LIMIT_ROWS,
  issuerAccount: field("issuer_account", text),
  ...BODY_ROWS,
});

const activationBody = structure<ActivationBody>({
  importSubject: field("subject", text),
  importKind: field("kind", exportKind),
  issuerAccount: field("issuer_account", text),
  ...BODY_ROWS,
});

const requestBody = structure<AuthorizationRequestBody>({
  server: field(
    "server_id",
    structure<AuthorizationServer>({
      name: field("name", text, "always"),
      host: field("host", text, "always"),
      id: field("id", text, "always"),
      version: field("version", text),
      cluster: field("cluster", text),
      tags: field("tags", texts),
      curveKey: field("xkey", text),
    }),
  ),
  userNkey: field("user_nkey", text, "always"),
  client: field(
    "client_info",
    structure<AuthorizationClient>({
      host: field("host", text),
      id: field("id", uint64),
      user: field("user", text),
      name: field("name", text),
      tags: field("tags", texts),
      nameTag: field("name_tag", text),
      kind: field("kind", text),
      type: field("type", text),
      mqttId: field("mqtt_id", text),
      nonce: field("nonce", text),
    }),
  ),
  connect: field(
    "connect_opts",
    structure<AuthorizationConnect>({
      jwt: field("jwt", text),
      nkey: field("nkey", text),
      signature: field("sig", text),
      token: field("auth_token", text),
      user: field("user", text),
      password: field("pass", text),
      name: field("name", text),
      language: field("lang", text),
      version: field("version", text),
      protocol: field("protocol", int64, "always"),
    }),
  ),
  tls: field(
    "client_tls",
    optional(
      structure<AuthorizationTls>({
        version: field("version", text),
        cipher: field("cipher", text),
        certificates: field("certs", texts),
        verifiedChains: field("verified_chains", list(texts)),
      }),
    ),
  ),
  requestNonce: field("request_nonce", text),
  ...BODY_ROWS,
});

const responseBody = structure<AuthorizationResponseBody>({
  jwt: field("jwt", text),
  error: field("error", text),
  issuerAccount: field("issuer_account", text),
  ...BODY_ROWS,
});

const genericBody: Shape<Readonly<Record<string, unknown>> | null> = {
  zero: () => null,
  read(tree, previous, where) {
    if (tree === null) return null;
    if (!(tree instanceof JsonObject)) return mismatch(tree, "object", where);
    return { ...previous, ...(plainValue(tree) as Record<string, unknown>) };
  },
  write: value => sortedMembers(value),
  isEmpty: value => value === null || Object.keys(value).length === 0,
};

function sortedMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedMembers);
  if (typeof value !== "object" || value === null) return value;
  const members = new Map(Object.entries(value));
  return Object.fromEntries(sortedKeys(members).map(name => [name, sortedMembers(members.get(name))]));
}

type Body<K extends ClaimKind> = Extract<Claims, { kind: K }>["nats"];

export const BODIES: { readonly [K in ClaimKind]: Shape<Body<K>> } = {
  operator: operatorBody,
  account: accountBody,
  user: userBody,
  activation: activationBody,
  authorization_request: requestBody,
  authorization_response: responseBody,
  generic: genericBody,
};

/** Data and body, without `kind`. */
export type Content<K extends ClaimKind> = ClaimsData & { readonly nats: Body<K> };

function content<K extends ClaimKind>(kind: K): Shape<Content<K>> {
  return structure<Content<K>>({ ...DATA_ROWS, nats: field("nats", BODIES[kind]) } as unknown as Rows<Content<K>>);
}

export const SHAPES: { readonly [K in ClaimKind]: Shape<Content<K>> } = {
  operator: content("operator"),
  account: content("account"),
  user: content("user"),
  activation: content("activation"),
  authorization_request: content("authorization_request"),
  authorization_response: content("authorization_response"),
  generic: content("generic"),
};

export const dataShape: Shape<ClaimsData> = structure<ClaimsData>(DATA_ROWS);

/**
 * Claims as Go's library writes them: its names, its order, nothing for what is empty. A fresh object, to be made text by a JSON encoder
 * that escapes as Go does; what monitoring calls `decoded_jwt`.
 */
export function claimsJson(claims: Claims): unknown {
  return (SHAPES[claims.kind] as Shape<Claims>).write(claims);
}
