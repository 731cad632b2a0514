/** Checks of stored tokens, of any kind and any signer. Source: server/dirstore.go (behaviour). */
import type { GenericClaims } from "../../access/jwt/claims.ts";
import { JwtError } from "../../access/jwt/claims.ts";
import { decodeGeneric } from "../../access/jwt/decode.ts";

/** When the token expires: wall clock, ms; 0: never, or the text is not a token. */
export function expiryOf(jwt: string): number {
  return (decoded(jwt)?.expiresAtSeconds ?? 0) * 1000;
}

/**
 * Whether a stored token is kept instead of a new one.
 * @throws Error the new text is not a token, or its subject is not `name`
 */
export function isOlder(jwt: string, stored: string, name: string): boolean {
  const received = decodeGeneric(jwt);
  const kept = decoded(stored);
  if (kept === null) return false;
  if (kept.id === received.id || kept.issuedAtSeconds > received.issuedAtSeconds) return true;
  if (received.subject !== name) throw new Error("jwt subject nkey and provided nkey do not match");
  if (kept.subject !== received.subject) throw new Error("subject of existing and new jwt do not match");
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
