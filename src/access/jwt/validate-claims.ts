/**
 * Validates the content of decoded claims, and whether they are in force. Trust in the issuer is not checked here.
 * Source: nats-io/jwt v2, `Validate` of each kind (behaviour; the order of issues too, unless Go iterates over a map).
 */
import { quoted } from "../../base/go/strconv.ts";
import type { AuthorizationRequestClaims, AuthorizationResponseClaims, Claims, ClaimsData } from "./claims.ts";
import { isAccountKey, isServerKey, isUserKey } from "./public-key.ts";
import { validateAccount, validateActivationBody } from "./validate-account.ts";
import { validateOperatorBody } from "./validate-operator.ts";
import { validateUser } from "./validate-user.ts";
import { ValidationResults } from "./validation.ts";

/** @param nowMs wall clock */
export function validateClaims(claims: Claims, nowMs: number): ValidationResults {
  const results = new ValidationResults();
  if (claims.kind === "authorization_request") validateRequest(claims, results);
  if (claims.kind === "authorization_response") validateResponse(claims, results);
  validateTime(claims, nowMs, results);
  if (claims.kind === "operator") validateOperatorBody(claims.nats, results);
  if (claims.kind === "account") validateAccount(claims, results);
  if (claims.kind === "user") validateUser(claims, results);
  if (claims.kind === "activation") validateActivationBody(claims.nats, results);
  return results;
}

/** Claims are valid up to and including the second of their expiry. */
function validateTime({ expiresAtSeconds, notBeforeSeconds }: ClaimsData, nowMs: number, results: ValidationResults): void {
  const now = Math.floor(nowMs / 1000);
  if (expiresAtSeconds > 0 && now > expiresAtSeconds) results.addTimeCheck("claim is expired");
  if (notBeforeSeconds > 0 && notBeforeSeconds > now) results.addTimeCheck("claim is not yet valid");
}

function validateRequest({ nats }: AuthorizationRequestClaims, results: ValidationResults): void {
  if (nats.userNkey === "") results.addError("User nkey is required");
  else if (!isUserKey(nats.userNkey)) results.addError(`User nkey ${quoted(nats.userNkey)} is not a valid user public key`);
}

function validateResponse({ subject, audience, nats }: AuthorizationResponseClaims, results: ValidationResults): void {
  if (!isUserKey(subject)) results.addError("Subject must be a user public key");
  if (!isServerKey(audience)) results.addError("Audience must be a server public key");
  if (nats.error === "" && nats.jwt === "") results.addError("Error or Jwt is required");
  if (nats.error !== "" && nats.jwt !== "") results.addError("Only Error or Jwt can be set");
  if (nats.issuerAccount !== "" && !isAccountKey(nats.issuerAccount)) results.addError("issuer_account is not an account public key");
}
