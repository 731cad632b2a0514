/**
 * Tokens of the first version of the format: `type`, `tags` and `issuer_account` stand outside of `nats`. They are read by their own rules
 * and converted: fields that the second version dropped are only checked for their type, and those that it added are empty.
 */
import { decodeTree } from "../../base/go/json-decoder.ts";
import { field, nearestInt, type Rows, type Shape, structure, text } from "../../base/go/json-shape.ts";
import type { JsonTree } from "../../base/go/json-tree.ts";
import { DATA_ROWS, texts } from "./body-rows.ts";
import { BODIES } from "./claim-shapes.ts";
import type {
  AccountBody,
  AccountClaims,
  ActivationBody,
  ActivationClaims,
  ClaimsData,
  OperatorBody,
  OperatorClaims,
  UserClaims,
  UserLimits,
} from "./claims.ts";
import { COUNT_LIMIT_ROWS, NATS_LIMIT_ROWS, timeRanges, USER_LIMIT_ROWS } from "./limit-shapes.ts";
import { exportKind, exports, imports, revocations } from "./trade-shapes.ts";

interface Outside extends ClaimsData {
  readonly tags: readonly string[];
  readonly type: string;
  readonly issuerAccount: string;
}

const OUTSIDE_ROWS: Rows<Outside> = {
  ...DATA_ROWS,
  tags: field("tags", texts),
  type: field("type", text),
  issuerAccount: field("issuer_account", text),
};

/** @param type Go's name of the claims @param bodyType of the body under `nats` */
function outside<Body extends object>(
  type: string,
  bodyType: string,
  body: Rows<Body>,
  zeroed: Partial<Body> = {},
): Shape<Outside & { readonly nats: Body }> {
  const rows = { ...OUTSIDE_ROWS, nats: field("nats", structure<Body>(bodyType, body, zeroed)) };
  return structure<Outside & { readonly nats: Body }>(type, rows as unknown as Rows<Outside & { readonly nats: Body }>);
}

type OldOperator = Omit<OperatorBody, "assertServerVersion" | "strictSigningKeyUsage" | "tags" | "type" | "version">;
const operatorShape = outside<OldOperator>("jwt.v1OperatorClaims", "jwt.v1NatsOperator", {
  signingKeys: field("signing_keys", texts),
  accountServerUrl: field("account_server_url", text),
  operatorServiceUrls: field("operator_service_urls", texts),
  systemAccount: field("system_account", text),
});

const OLD_LIMIT_ROWS = { ...NATS_LIMIT_ROWS, ...COUNT_LIMIT_ROWS };
type OldLimits = { [K in keyof typeof OLD_LIMIT_ROWS]: AccountBody["limits"][K] };
interface OldAccount extends Pick<AccountBody, "imports" | "exports" | "revocations"> {
  readonly limits: OldLimits;
  readonly signingKeys: readonly string[];
}
const accountShape = outside<OldAccount>("jwt.v1AccountClaims", "jwt.v1NatsAccount", {
  imports: field("imports", imports),
  exports: field("exports", exports),
  limits: field("limits", structure<OldLimits>("jwt.OperatorLimits", OLD_LIMIT_ROWS)),
  signingKeys: field("signing_keys", texts),
  revocations: field("revocations", revocations),
});

type OldUser = Omit<UserLimits, "proxyRequired" | "allowedConnectionTypes"> & { readonly max: number };
const userShape = outside<OldUser>(
  "jwt.v1UserClaims",
  "jwt.v1User",
  {
    publish: USER_LIMIT_ROWS.publish,
    subscribe: USER_LIMIT_ROWS.subscribe,
    responses: USER_LIMIT_ROWS.responses,
    sources: USER_LIMIT_ROWS.sources,
    times: USER_LIMIT_ROWS.times,
    timesLocation: USER_LIMIT_ROWS.timesLocation,
    ...NATS_LIMIT_ROWS,
    bearerToken: USER_LIMIT_ROWS.bearerToken,
    max: field("max", nearestInt("int64")),
  },
  { subscriptionsMax: -1, dataBytesMax: -1, payloadBytesMax: -1 },
);

interface OldActivation {
  readonly importSubject: string;
  readonly importKind: ActivationBody["importKind"];
  readonly max: number;
  readonly payload: number;
  readonly sources: string;
  readonly times: UserLimits["times"];
}
const activationShape = outside<OldActivation>("jwt.v1ActivationClaims", "jwt.v1NatsActivation", {
  importSubject: field("subject", text),
  importKind: field("type", exportKind),
  max: field("max", nearestInt("int64")),
  payload: field("payload", nearestInt("int64")),
  sources: field("src", text),
  times: field("times", timeRanges),
});

/** @throws JsonError */
export function readFirstVersion(
  kind: "operator" | "account" | "user" | "activation",
  tree: JsonTree,
): OperatorClaims | AccountClaims | UserClaims | ActivationClaims {
  switch (kind) {
    case "operator": {
      const old = decodeTree(operatorShape, tree);
      return { kind, ...dataOf(old), nats: { ...BODIES.operator.zero(), ...old.nats, ...bodyDataOf(old) } };
    }
    case "account": {
      const old = decodeTree(accountShape, tree);
      const none = BODIES.account.zero();
      const { imports, exports, revocations } = old.nats;
      const limits = { ...none.limits, ...old.nats.limits };
      const signingKeys = new Map(old.nats.signingKeys.map(key => [key, null]));
      return { kind, ...dataOf(old), nats: { ...none, imports, exports, revocations, limits, signingKeys, ...bodyDataOf(old) } };
    }
    case "user": {
      const old = decodeTree(userShape, tree);
      const { max: _dropped, ...limits } = old.nats;
      const { issuerAccount } = old;
      return { kind, ...dataOf(old), nats: { ...BODIES.user.zero(), ...limits, issuerAccount, ...bodyDataOf(old) } };
    }
    case "activation": {
      const old = decodeTree(activationShape, tree);
      const { importSubject, importKind } = old.nats;
      const { issuerAccount } = old;
      return { kind, ...dataOf(old), nats: { ...BODIES.activation.zero(), importSubject, importKind, issuerAccount, ...bodyDataOf(old) } };
    }
  }
}

function dataOf(old: Outside): ClaimsData {
  const { audience, expiresAtSeconds, id, issuedAtSeconds, issuer, name, notBeforeSeconds, subject } = old;
  return { audience, expiresAtSeconds, id, issuedAtSeconds, issuer, name, notBeforeSeconds, subject };
}

function bodyDataOf({ tags, type }: Outside): { tags: readonly string[]; type: string; version: number } {
  return { tags, type, version: 1 };
}
