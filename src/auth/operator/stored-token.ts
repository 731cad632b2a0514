/** Checks of stored tokens, of any kind and any signer. Source: server/dirstore.go (behaviour). */
import type { GenericClaims } from "../../access/jwt/claims.ts";
import { JwtError } from "../../access/jwt/claims.ts";
import { decodeGeneric } from "../../access/jwt/decode.ts";

/** Expiry. Wall clock, ms; 0: never, or the text is not a token. */
export function expiryOf(jwt: string): number {
  return (decoded(jwt)?.expiresAtSeconds ?? 0) * 1000;
}

/**
 * Whether a stored token is kept instead of a new one.
 * @throws Error the new text is not a token, or its subject is not `name`
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
