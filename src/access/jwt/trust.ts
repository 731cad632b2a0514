/**
 * Trust between keys: signing keys of operators and accounts, scopes of an account's signing keys, activations.
 * Source: nats-io/jwt v2, `DidSign`, signingkeys.go, activation_claims.go, revocation_list.go; server/accounts.go, checkActivation, isRevoked (behaviour).
 */
import { isAbsent } from "../../base/go/json-shape.ts";
import type { ActivationClaims, Claims, Import, UserBody, UserClaims, UserLimits, UserScope } from "./claims.ts";
import { JwtError } from "./claims.ts";
import { decodeActivation } from "./decode.ts";
import { validateImport } from "./validate-account.ts";
import { validateClaims } from "./validate-claims.ts";
import { ValidationResults } from "./validation.ts";

/** Public key of the account that a user belongs to. */
export function accountOf(user: UserClaims): string {
  return user.nats.issuerAccount || user.issuer;
}

/**
 * Checks a user that a scoped key signed. The user has the permissions of the scope, see `applyTemplate`.
 * @throws JwtError with the library's text
 */
export function checkScopedSigner(scope: UserScope, claims: Claims): void {
  if (claims.kind !== "user") throw new JwtError("not an user claim - scoped signing key requires user claim");
  if (claims.issuer !== scope.key) throw new JwtError("issuer not the scoped signer");
  if (!hasEmptyPermissions(claims)) throw new JwtError("scoped users require no permissions or limits set");
}

/** Whether the user's token has no permission and no limit. A list written as `[]` counts as a permission. */
export function hasEmptyPermissions({ nats }: { readonly nats: UserBody }): boolean {
  const lists = [nats.publish.allow, nats.publish.deny, nats.subscribe.allow, nats.subscribe.deny];
  return (
    [...lists, nats.sources, nats.times, nats.allowedConnectionTypes].every(isAbsent) &&
    nats.responses === null &&
    nats.timesLocation === "" &&
    nats.subscriptionsMax === 0 &&
    nats.dataBytesMax === 0 &&
    nats.payloadBytesMax === 0 &&
    !nats.bearerToken &&
    !nats.proxyRequired
  );
}

/** The claims of a user, with the limits of its scope. */
export function withLimits(claims: UserClaims, limits: UserLimits): UserClaims {
  const { issuerAccount, tags, type, version } = claims.nats;
  return { ...claims, nats: { ...limits, issuerAccount, tags, type, version } };
}

/** What is known about an exporting account. */
export interface Exporter {
  /** Public key. */
  readonly name: string;
  readonly signingKeys: ReadonlyMap<string, unknown>;
}

export interface ActivationState {
  readonly active: boolean;
  /** When it ends, unix seconds; 0: never, or it is not active. */
  readonly expiresAtSeconds: number;
  /** For the log: the activation names another account as its issuer; null otherwise. */
  readonly foreignIssuer: ActivationClaims | null;
}

const INACTIVE: ActivationState = { active: false, expiresAtSeconds: 0, foreignIssuer: null };

/**
 * Whether an import's token allows the import now.
 * @param importer public key of the account that imports
 * @param revocations of the export; null: not checked
 * @param nowMs wall clock
 */
export function checkActivation(
  wanted: Import,
  importer: string,
  exporter: Exporter,
  revocations: ReadonlyMap<string, number> | null,
  nowMs: number,
): ActivationState {
  const results = new ValidationResults();
  validateImport(wanted, importer, results);
  if (wanted.token === "" || results.isBlocking(true)) return INACTIVE;
  const activation = decodeActivation(wanted.token); // cannot throw: validation decoded it before
  const { issuerAccount } = activation.nats;
  if (issuerAccount !== "" && issuerAccount !== exporter.name) return { ...INACTIVE, foreignIssuer: activation };
  if (issuerAccount !== "" && !exporter.signingKeys.has(activation.issuer)) return INACTIVE;
  if (validateClaims(activation, nowMs).isBlocking(true)) return INACTIVE;
  const { expiresAtSeconds } = activation;
  if (expiresAtSeconds !== 0 && expiresAtSeconds <= Math.floor(nowMs / 1000)) return INACTIVE;
  if (revocations !== null && isRevoked(revocations, activation.subject, activation.issuedAtSeconds)) return INACTIVE;
  return { active: true, expiresAtSeconds, foreignIssuer: null };
}

/** Stands for every key. */
const ANY_KEY = "*";

/**
 * @param revocations key, or `*` → tokens issued in that second or before are revoked
 * @param publicKey subject of the token
 */
export function isRevoked(revocations: ReadonlyMap<string, number>, publicKey: string, issuedAtSeconds: number): boolean {
  const until = (key: string) => revocations.get(key) ?? Number.NEGATIVE_INFINITY;
  return until(publicKey) >= issuedAtSeconds || until(ANY_KEY) >= issuedAtSeconds;
}
