/** Log lines at start about operators and preloaded accounts, with the reference's texts. */

import { JwtError } from "../../access/jwt/claims.ts";
import { decodeAccount, decodeOperator } from "../../access/jwt/decode.ts";
import { validateClaims } from "../../access/jwt/validate-claims.ts";
import { quoted } from "../../base/go/strconv.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";

export function logOperators(log: Logger, { operators, systemAccount }: Options): void {
  if (operators.length === 0) return;
  log.notice("Trusted Operators");
  for (const { audience, expiresAtSeconds, issuedAtSeconds, name } of operators.map(decodeOperator)) {
    log.notice(`  System  : ${quoted(audience)}`);
    log.notice(`  Operator: ${quoted(name)}`);
    log.notice(`  Issued  : ${goLocalTime(issuedAtSeconds)}`);
    log.notice(`  Expires : ${expiresAtSeconds === 0 ? "Never" : goLocalTime(expiresAtSeconds)}`);
  }
  if (systemAccount === null) log.warn("Trusted Operators should utilize a System Account");
}

/** Warns of preloaded accounts that cannot be used. */
export function warnOfPreloads(log: Logger, { operators, resolverPreload }: Options, nowMs: number): void {
  if (operators.length === 0) return;
  for (const [name, jwt] of Object.entries(resolverPreload)) {
    try {
      const results = validateClaims(decodeAccount(jwt), nowMs);
      if (!results.isBlocking(true)) continue;
      log.warn(`Account [${name}] has validation issues:`);
      for (const { description } of results.issues) log.warn(`  - ${description}`);
    } catch (error) {
      if (!(error instanceof JwtError)) throw error;
      log.error(`Preloaded account [${name}] not valid`);
    }
  }
}

/** `2026-11-24 20:19:13 +0100 CET` */
function goLocalTime(seconds: number): string {
  const at = new Date(seconds * 1000);
  const offset = -at.getTimezoneOffset();
  const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19).replace("T", " ");
  const zone = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(at).find(({ type }) => type === "timeZoneName");
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map(part => String(part).padStart(2, "0"));
  return `${local} ${offset < 0 ? "-" : "+"}${hours}${minutes} ${zone?.value ?? "UTC"}`;
}
