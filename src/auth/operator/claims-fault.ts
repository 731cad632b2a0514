/** Reasons to refuse pushed claims. Source: server/accounts.go, claimValidate (behaviour). */
import type { AccountClaims } from "../../access/jwt/claims.ts";
import { validateClaims } from "../../access/jwt/validate-claims.ts";
import { checkClaimMapping } from "../../messaging/mapping/mapping-rule.ts";
import { mappingsOf } from "./claims-options.ts";

/** @returns null when the claims are acceptable, although perhaps not in force yet */
export function claimsFault(claims: AccountClaims, nowMs: number): string | null {
  const results = validateClaims(claims, nowMs);
  if (results.isBlocking(false)) return `validation errors: [${results.errors().join(" ")}]`;
  for (const mapping of mappingsOf(claims)) {
    const fault = checkClaimMapping(mapping, claims.subject);
    if (fault !== null) return fault;
  }
  return null;
}
