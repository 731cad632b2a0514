/**
 * Issues tokens. The id of a token is the hash of its claims' data (`aud … sub`), so two tokens of one second that differ only in their body
 * have the same id.
 * Source: nats-io/jwt v2, claims.go (behaviour).
 */
import { createHash } from "node:crypto";
import { encode } from "../../base/bytes/ascii.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { decodeNkey, NkeyKind } from "../../base/keys/nkey.ts";
import { BODIES, claimsJson, dataShape } from "./claim-shapes.ts";
import type { AccountLimits, ClaimKind, Claims, ClaimsData } from "./claims.ts";
import { JwtError } from "./claims.ts";
import { checkIssuer, rethrowing, VERSION } from "./decode.ts";
import { encodePart } from "./token-part.ts";

const HEADER = encodePart(compactGoJson({ typ: "JWT", alg: "ed25519-nkey" }));

/** Signs tokens: holds a seed, or asks the holder of one. */
export interface Signer {
  /** nkey */
  readonly publicKey: string;
  /** @returns 64 bytes */
  sign(data: Uint8Array): Uint8Array;
}

type ClaimsOf<K extends ClaimKind> = Extract<Claims, { kind: K }>;

/** Unlimited, except JetStream, which is off by default. */
const UNLIMITED_ACCOUNT: AccountLimits = {
  ...BODIES.account.zero().limits,
  subscriptionsMax: -1,
  dataBytesMax: -1,
  payloadBytesMax: -1,
  importsMax: -1,
  exportsMax: -1,
  wildcardExports: true,
  connectionsMax: -1,
  leafNodesMax: -1,
};

/**
 * New claims about `subject`: users and accounts without limits, and the fields of `body` and `data`.
 * A user of a scoped key needs `body: NO_LIMITS_SET`.
 */
export function newClaims<K extends ClaimKind>(
  kind: K,
  subject: string,
  body: Partial<NonNullable<ClaimsOf<K>["nats"]>> = {},
  data: Partial<ClaimsData> = {},
): ClaimsOf<K> {
  const nats = { ...BODIES[kind].zero(), ...initialBody(kind), ...body };
  return { kind, ...dataShape.zero(), subject, ...data, nats } as unknown as ClaimsOf<K>;
}

/** Limits in the body of a user that a scoped key signs. */
export const NO_LIMITS_SET = { subscriptionsMax: 0, dataBytesMax: 0, payloadBytesMax: 0 } as const;

function initialBody(kind: ClaimKind): object {
  if (kind === "user") return { subscriptionsMax: -1, dataBytesMax: -1, payloadBytesMax: -1 };
  return kind === "account" ? { limits: UNLIMITED_ACCOUNT } : {};
}

/** Kind of key that the subject must be. */
const SUBJECTS: Partial<Record<ClaimKind, { readonly kind: NkeyKind; readonly error: string }>> = {
  operator: { kind: NkeyKind.Operator, error: "expected subject to be an operator public key" },
  account: { kind: NkeyKind.Account, error: "expected subject to be account public key" },
  user: { kind: NkeyKind.User, error: "expected subject to be user public key" },
  activation: { kind: NkeyKind.Account, error: "expected subject to be an account" },
};

/**
 * Signs claims. Id, issuer, time of issue, type and version are overwritten; imports and exports are sorted by subject.
 * @param issuedAtSeconds now, in unix seconds
 * @throws JwtError the subject or the signer is the wrong kind of key
 */
export function encodeClaims(claims: Claims, signer: Signer, issuedAtSeconds: number): string {
  const expected = SUBJECTS[claims.kind];
  if (expected !== undefined && decodeNkey(claims.subject)?.kind !== expected.kind) throw new JwtError(expected.error);
  if (claims.subject === "") throw new JwtError("subject is not set");
  checkIssuer(claims.kind, signer.publicKey);
  const data = { ...claims, issuer: signer.publicKey, issuedAtSeconds, id: "" };
  const issued = { ...data, id: tokenId(data), nats: issuedBody(claims) } as Claims;
  const signed = `${HEADER}.${encodePart(rethrowing(() => compactGoJson(claimsJson(issued))))}`;
  return `${signed}.${Buffer.from(signer.sign(encode(signed))).toString("base64url")}`;
}

function tokenId(data: ClaimsData): string {
  return base32(
    createHash("sha512-256")
      .update(compactGoJson(dataShape.write(data)))
      .digest(),
  );
}

function issuedBody(claims: Claims): unknown {
  if (claims.kind === "generic") return claims.nats === null ? null : { ...claims.nats, version: VERSION };
  const body = { ...claims.nats, type: claims.kind, version: VERSION };
  if (claims.kind !== "account") return body;
  return { ...body, imports: bySubject(claims.nats.imports), exports: bySubject(claims.nats.exports) };
}

function bySubject<T extends { readonly subject: string } | null>(list: readonly T[]): T[] {
  return list.toSorted((left, right) => Buffer.compare(Buffer.from(left?.subject ?? ""), Buffer.from(right?.subject ?? "")));
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648, without padding. */
function base32(bytes: Uint8Array): string {
  let out = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) out += ALPHABET[(value >> (bits - 5)) & 31];
  }
  return bits > 0 ? out + ALPHABET[(value << (5 - bits)) & 31] : out;
}
