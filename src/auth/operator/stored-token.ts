/** What a store asks of the tokens it keeps, of whatever kind and whoever signed them. Source: server/dirstore.go (behaviour). */
import type { GenericClaims } from "../../access/jwt/claims.ts";
import { decodeGeneric } from "../../access/jwt/decode.ts";
import { JwtError } from "../../access/jwt/jwt-error.ts";

/** Wall clock, ms; 0: it does not expire, or is no token. */
export function expiryOf(jwt: string): number {
  return (decoded(jwt)?.expiresAtSeconds ?? 0) * 1000;
}

/**
 * Whether a stored token stays in place of another one.
 * @throws Error the other one is none, or about somebody else than `name`
 */
export function isOlder(jwt: string, stored: string, name: string): boolean {
  const other = decodeGeneric(jwt);
  const mine = decoded(stored);
  if (mine === null) return false;
  if (mine.id === other.id || mine.issuedAtSeconds > other.issuedAtSeconds) return true;
  if (other.subject !== name) throw new Error("jwt subject nkey and provided nkey do not match");
  if (mine.subject !== other.subject) throw new Error("subject of existing and new jwt do not match");
  return false;
}

function decoded(jwt: string): GenericClaims | null {
  try {
    return decodeGeneric(jwt);
  } catch (error) {
    if (error instanceof JwtError) return null;
    throw error;
  }
}
