/**
 * Tokens, decoded and verified: `base64url(header) . base64url(claims) . base64url(signature)`.
 *
 *   header      {"typ":"JWT","alg":"ed25519-nkey"}; in any case of letters; the older `ed25519` passes too
 *   claims      `nats.type` says the kind; a `type` outside of `nats` says that they are of the first version
 *   signature   of the issuer named in the claims, over the first two parts; in the first version over the second part alone
 * A decoded token has a valid signature of its issuer, and the issuer's kind of key may sign such claims. `validateClaims` checks
 * that it is not expired and that its content is valid. The callers check that the issuer is trusted.
 *
 * Most of the cost is the signature, 55 µs (bench/micro/jwt.ts). Callers that see a token often cache the result.
 * Source: nats-io/jwt v2, decoder.go, genericlaims.go (behaviour); error texts are the library's.
 */
import { decodeJson } from "../../base/go/json-decode.ts";
import { decodeTree } from "../../base/go/json-decoder.ts";
import { JsonError } from "../../base/go/json-error.ts";
import { field, type Shape, structure, text, textOf } from "../../base/go/json-shape.ts";
import { type JsonTree, parseJsonTree } from "../../base/go/json-tree.ts";
import { quoted } from "../../base/go/strconv.ts";
import { decodeNkey, NkeyKind, verifySignature } from "../../base/keys/nkey.ts";
import { GENERIC_ROWS } from "./body-rows.ts";
import { anyKind, SHAPES } from "./claim-shapes.ts";
import type {
  AccountClaims,
  ActivationClaims,
  AuthorizationRequestClaims,
  AuthorizationResponseClaims,
  BodyData,
  ClaimKind,
  Claims,
  GenericClaims,
  OperatorClaims,
  UserClaims,
} from "./claims.ts";
import { JwtError } from "./claims.ts";
import { readFirstVersion } from "./first-version.ts";
import { NO_JETSTREAM } from "./limit-shapes.ts";
import { decodePart } from "./token-part.ts";

/** Limit of the library. */
export const TOKEN_BYTES_MAX = 1024 * 1024;
/** Current version of the format. */
export const VERSION = 2;
const ALGORITHM = "ed25519-nkey";
const OLD_ALGORITHM = "ed25519";
/** The header of nearly all tokens. */
const USUAL_HEADER = "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ";

/** Kinds of keys that may sign claims of a kind; null: any. In the order of the error text. */
export const SIGNERS: { readonly [K in ClaimKind]: readonly NkeyKind[] | null } = {
  operator: [NkeyKind.Operator],
  account: [NkeyKind.Account, NkeyKind.Operator],
  user: [NkeyKind.Account],
  activation: [NkeyKind.Account, NkeyKind.Operator],
  authorization_request: [NkeyKind.Server],
  authorization_response: [NkeyKind.Account],
  generic: null,
};

/**
 * Claims of any kind. A generic token passes only with a signature of the first version; `decodeGeneric` decodes the others.
 * @throws JwtError
 */
export function decodeClaims(token: string): Claims {
  const size = Buffer.byteLength(token);
  if (size > TOKEN_BYTES_MAX) {
    throw new JwtError(`token size ${size} exceeds maximum of ${TOKEN_BYTES_MAX} bytes: token too large`);
  }
  const [header, body, signature] = splitToken(token);
  readHeader(header);
  const { version, claims } = rethrowing(() => readClaims(parseJsonTree(decodePart(body))));
  const first = version <= 1;
  if (!verifySignature(claims.issuer, first ? body : `${header}.${body}`, decodePart(signature))) {
    throw new JwtError(`claim failed V${first ? 1 : 2} signature verification`);
  }
  checkIssuer(claims.kind, claims.issuer);
  return claims;
}

/** @throws JwtError */
export function decodeOperator(token: string): OperatorClaims {
  const claims = decodeClaims(token);
  if (claims.kind !== "operator") throw new JwtError("not operator claim");
  return claims;
}

/** @throws JwtError */
export function decodeAccount(token: string): AccountClaims {
  const claims = decodeClaims(token);
  if (claims.kind !== "account") throw new JwtError("not account claim");
  return claims;
}

/** @throws JwtError */
export function decodeUser(token: string): UserClaims {
  const claims = decodeClaims(token);
  if (claims.kind !== "user") throw new JwtError("not user claim");
  return claims;
}

/** @throws JwtError */
export function decodeActivation(token: string): ActivationClaims {
  const claims = decodeClaims(token);
  if (claims.kind !== "activation") throw new JwtError("not activation claim");
  return claims;
}

/** @throws JwtError */
export function decodeAuthorizationRequest(token: string): AuthorizationRequestClaims {
  const claims = decodeClaims(token);
  if (claims.kind !== "authorization_request") throw new JwtError("not an authorization request claim");
  return claims;
}

/** @throws JwtError */
export function decodeAuthorizationResponse(token: string): AuthorizationResponseClaims {
  const claims = decodeClaims(token);
  if (claims.kind !== "authorization_response") throw new JwtError("not an authorization request claim"); // the library's text
  return claims;
}

/**
 * The claims of a token of any kind, with an untyped body and any issuer. There is no size limit here.
 * @throws JwtError
 */
export function decodeGeneric(token: string): GenericClaims {
  const [header, body, signature] = splitToken(token);
  const first = readHeader(header) === OLD_ALGORITHM;
  const { tags, type, version: _version, ...claims } = rethrowing(() => decodeTree(anyKind, parseJsonTree(decodePart(body))));
  if (!verifySignature(claims.issuer, first ? body : `${header}.${body}`, decodePart(signature))) {
    throw new JwtError(`claim failed V${first ? 1 : 2} signature verification`);
  }
  if (!first) return { kind: "generic", ...claims };
  const moved = { ...(type === "" ? {} : { type }), ...(tags.length === 0 ? {} : { tags }) };
  return { kind: "generic", ...claims, nats: Object.keys(moved).length === 0 ? claims.nats : { ...claims.nats, ...moved } };
}

/** Errors of JSON become those of tokens, with the same text. */
export function rethrowing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof JsonError ? new JwtError(error.message) : error;
  }
}

function splitToken(token: string): string[] {
  const parts = token.split(".", 4);
  if (parts.length !== 3) throw new JwtError("expected 3 chunks");
  return parts;
}

interface Header {
  readonly type: string;
  readonly algorithm: string;
}

const headerShape = structure<Header>("jwt.Header", { type: field("typ", text), algorithm: field("alg", text) });

/** @returns the algorithm as written */
function readHeader(part: string): string {
  if (part === USUAL_HEADER) return ALGORITHM;
  const { type, algorithm } = rethrowing(() => decodeJson(headerShape, decodePart(part)));
  if (type.toUpperCase() !== "JWT") throw new JwtError(`not supported type ${quoted(type)}`);
  const known = algorithm.toLowerCase();
  if (known !== ALGORITHM && known !== OLD_ALGORITHM) throw new JwtError(`unexpected ${quoted(algorithm)} algorithm`);
  return algorithm;
}

interface Identifier {
  readonly type: string;
  readonly nats: BodyData;
}

const identifierShape = structure<Identifier>("jwt.identifier", {
  type: field("type", textOf("jwt.ClaimType")),
  nats: field("nats", structure<BodyData>("jwt.GenericFields", GENERIC_ROWS)),
});

function readClaims(tree: JsonTree): { version: number; claims: Claims } {
  const id = decodeTree(identifierShape, tree);
  const version = id.type === "" ? id.nats.version : 1;
  if (version > VERSION) throw new JwtError("JWT was generated by a newer version ");
  const kind = id.type === "" ? id.nats.type : id.type;
  switch (kind) {
    case "operator":
    case "account":
    case "user":
    case "activation":
      return { version, claims: readVersioned(kind, version, tree) };
    case "authorization_request":
    case "authorization_response":
      return { version, claims: read(kind, tree) };
    case "cluster":
      throw new JwtError("ClusterClaims are not supported");
    case "server":
      throw new JwtError("ServerClaims are not supported");
    default:
      return { version: -1, claims: read("generic", tree) };
  }
}

function readVersioned(kind: "operator" | "account" | "user" | "activation", version: number, tree: JsonTree): Claims {
  if (version === 1) return readFirstVersion(kind, tree);
  if (version !== VERSION) throw new JwtError(`library supports version ${VERSION} or less - received ${version}`);
  return kind === "account" ? settled(read("account", tree)) : read(kind, tree);
}

function read<K extends ClaimKind>(kind: K, tree: JsonTree): Extract<Claims, { kind: K }> {
  return { kind, ...decodeTree(SHAPES[kind] as Shape<object>, tree) } as unknown as Extract<Claims, { kind: K }>;
}

/** Limits of tiers replace the JetStream limits; a trace without sampling traces all messages. */
function settled(claims: AccountClaims): AccountClaims {
  const { limits, trace } = claims.nats;
  const nats = { ...claims.nats };
  if (limits.tiers.size > 0) nats.limits = { ...limits, ...NO_JETSTREAM };
  if (trace?.sampling === 0) nats.trace = { ...trace, sampling: 100 };
  return { ...claims, nats };
}

const KIND_NAMES: Record<NkeyKind, string> = {
  [NkeyKind.Operator]: "operator",
  [NkeyKind.Server]: "server",
  [NkeyKind.Cluster]: "cluster",
  [NkeyKind.Account]: "account",
  [NkeyKind.User]: "user",
  [NkeyKind.Curve]: "x25519",
};

/** @throws JwtError this kind of key may not sign such claims */
export function checkIssuer(kind: ClaimKind, issuer: string): void {
  const allowed = SIGNERS[kind];
  if (allowed === null) return;
  const nkey = decodeNkey(issuer);
  if (nkey !== null && allowed.includes(nkey.kind)) return;
  throw new JwtError(`unable to validate expected prefixes - [${allowed.map(one => KIND_NAMES[one]).join(" ")}]`);
}
