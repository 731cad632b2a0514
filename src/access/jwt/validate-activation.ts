/** Activations. Source: nats-io/jwt v2, activation_claims.go (behaviour). */
import type { ActivationBody } from "./claims.ts";
import { isAccountKey } from "./public-key.ts";
import { validateSubject } from "./subject-rules.ts";
import type { ValidationResults } from "./validation.ts";

export function validateActivationBody({ importKind, importSubject, issuerAccount }: ActivationBody, results: ValidationResults): void {
  if (importKind === "") results.addError('invalid import type: "unknown"');
  validateSubject(importSubject, results);
  if (issuerAccount !== "" && !isAccountKey(issuerAccount)) results.addError("account_id is not an account public key");
}
