/**
 * The JSON of claims: one row per field, in the order in which Go's library writes them (monitoring shows claims as they are written).
 * Parts of several claims are in the files beside this one, claims of the first version in `first-version.ts`.
 */
import {
  embedded,
  field,
  flag,
  list,
  map,
  optional,
  type Rows,
  type Shape,
  sortedKeys,
  structure,
  text,
  textOf,
  uint8,
} from "../../base/go/json-shape.ts";
import { JsonObject, plainValue } from "../../base/go/json-tree.ts";
import { requestBody, responseBody } from "./authorization-shapes.ts";
import { BODY_ROWS, DATA_ROWS, GENERIC_ROWS, int, subjectText, texts } from "./body-rows.ts";
import type {
  AccountBody,
  AccountLimits,
  ActivationBody,
  BodyData,
  ClaimKind,
  Claims,
  ClaimsData,
  ExternalAuthorization,
  MessageTrace,
  OperatorBody,
  Permissions,
  UserBody,
  UserLimits,
  WeightedMapping,
} from "./claims.ts";
import { ACCOUNT_LIMIT_ROWS, PERMISSION_ROWS, USER_LIMIT_ROWS } from "./limit-shapes.ts";
import { signingKeys } from "./signing-key-shape.ts";
import { exportKind, exports, INFO_ROWS, imports, revocations } from "./trade-shapes.ts";

const operatorBody = structure<OperatorBody>("jwt.Operator", {
  signingKeys: field("signing_keys", texts),
  accountServerUrl: field("account_server_url", text),
  operatorServiceUrls: field("operator_service_urls", texts),
  systemAccount: field("system_account", text),
  assertServerVersion: field("assert_server_version", text),
  strictSigningKeyUsage: field("strict_signing_key_usage", flag),
  ...BODY_ROWS,
});

const accountBody = structure<AccountBody>("jwt.Account", {
  imports: field("imports", imports),
  exports: field("exports", exports),
  limits: field("limits", structure<AccountLimits>("jwt.OperatorLimits", ACCOUNT_LIMIT_ROWS)),
  signingKeys: field("signing_keys", signingKeys),
  revocations: field("revocations", revocations),
  defaultPermissions: field("default_permissions", structure<Permissions>("jwt.Permissions", PERMISSION_ROWS)),
  mappings: field(
    "mappings",
    map(
      list(
        structure<WeightedMapping>("jwt.WeightedMapping", {
          subject: field("subject", subjectText, "always"),
          weight: field("weight", uint8),
          cluster: field("cluster", text),
        }),
      ),
      "jwt.Mapping",
    ),
  ),
  authorization: field(
    "authorization",
    structure<ExternalAuthorization>("jwt.ExternalAuthorization", {
      users: field("auth_users", texts),
      allowedAccounts: field("allowed_accounts", texts),
      curveKey: field("xkey", text),
    }),
  ),
  trace: field(
    "trace",
    optional(structure<MessageTrace>("jwt.MsgTrace", { destination: field("dest", subjectText), sampling: field("sampling", int) })),
  ),
  clusterTraffic: field("cluster_traffic", textOf("jwt.ClusterTraffic")),
  ...INFO_ROWS,
  ...BODY_ROWS,
});

const userBody = structure<UserBody>("jwt.User", {
  ...embedded<UserLimits>("UserPermissionLimits", USER_LIMIT_ROWS),
  issuerAccount: field("issuer_account", text),
  ...BODY_ROWS,
});

const activationBody = structure<ActivationBody>("jwt.Activation", {
  importSubject: field("subject", subjectText),
  importKind: field("kind", exportKind),
  issuerAccount: field("issuer_account", text),
  ...BODY_ROWS,
});

const genericBody: Shape<Readonly<Record<string, unknown>> | null> = {
  type: "map[string]interface {}",
  zero: () => null,
  read(tree, previous, decoder) {
    if (tree === null) return null;
    if (!(tree instanceof JsonObject)) return decoder.mismatch(tree, "map[string]interface {}", previous);
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

function rowsOf<K extends ClaimKind>(kind: K): Rows<Content<K>> {
  return { ...DATA_ROWS, nats: field("nats", BODIES[kind]) } as unknown as Rows<Content<K>>;
}

function content<K extends ClaimKind>(kind: K, type: string): Shape<Content<K>> {
  return structure<Content<K>>(type, rowsOf(kind));
}

export const SHAPES: { readonly [K in ClaimKind]: Shape<Content<K>> } = {
  operator: content("operator", "jwt.OperatorClaims"),
  account: content("account", "jwt.AccountClaims"),
  user: content("user", "jwt.UserClaims"),
  activation: content("activation", "jwt.ActivationClaims"),
  authorization_request: content("authorization_request", "jwt.AuthorizationRequestClaims"),
  authorization_response: content("authorization_response", "jwt.AuthorizationResponseClaims"),
  generic: content("generic", "jwt.GenericClaims"),
};

/** A token of any kind, with the fields of a body that stand outside of it in the first version. */
export const anyKind: Shape<Content<"generic"> & BodyData> = structure<Content<"generic"> & BodyData>(
  "struct { jwt.GenericClaims; jwt.GenericFields }",
  { ...embedded("GenericClaims", rowsOf("generic")), ...embedded("GenericFields", GENERIC_ROWS) },
);

export const dataShape: Shape<ClaimsData> = structure<ClaimsData>("jwt.ClaimsData", DATA_ROWS);

/**
 * Claims as Go's library writes them: its names and order, without empty fields. A new object for a JSON encoder that escapes like Go;
 * monitoring shows it as `decoded_jwt`.
 */
export function claimsJson(claims: Claims): unknown {
  return (SHAPES[claims.kind] as Shape<Claims>).write(claims);
}
