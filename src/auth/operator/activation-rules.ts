/**
 * Checks activation tokens of imports, for the accounts part, which knows imports as options. The
 * claims from which each option was made are kept here.
 * Source: server/accounts.go, checkActivation (behaviour).
 */

import type { Import } from "../../access/jwt/claims.ts";
import { checkActivation } from "../../access/jwt/trust.ts";
import type { ActivationCheck, AnyExport, AnyImport } from "../../accounts/trade/export-access.ts";
import { quoted } from "../../base/go/strconv.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { LoadedAccount } from "./loaded-account.ts";

export class ActivationRules {
  private readonly claimed = new WeakMap<AnyImport, Import>();

  constructor(
    private readonly loaded: (name: string) => LoadedAccount | undefined,
    private readonly log: Logger,
    private readonly now: () => number,
  ) {}

  /** Stores the claim from which an option was made. */
  note(wanted: AnyImport, claim: Import): void {
    this.claimed.set(wanted, claim);
  }

  /** The claim from which an option was made. */
  claimOf(wanted: AnyImport): Import | undefined {
    return this.claimed.get(wanted);
  }

  /** Results are valid for the moment only, because tokens expire and are revoked. */
  readonly check: ActivationCheck = (importer, exporter, given, wanted) => this.endOf(importer, exporter, given, wanted) !== null;

  /** @returns when the token expires, wall clock in ms; infinity: never; null: the token is invalid */
  endOf(importer: string, exporter: string, given: AnyExport | null, wanted: AnyImport): number | null {
    const claim = this.claimed.get(wanted);
    const owner = this.loaded(exporter);
    if (claim === undefined || owner === undefined) return null;
    const revocations = given === null ? null : new Map(Object.entries(given.revocations));
    const facts = { name: exporter, signingKeys: owner.signers };
    const { active, expiresAtSeconds, foreignIssuer } = checkActivation(claim, importer, facts, revocations, this.now());
    if (foreignIssuer !== null) {
      const { importKind, importSubject, issuerAccount } = foreignIssuer.nats;
      const what = `(subject: ${quoted(importSubject)} - type: ${quoted(importKind)})`;
      this.log.error(`Invalid issuer account ${quoted(issuerAccount)} in activation claim ${what} for account ${quoted(exporter)}`);
    }
    if (!active) return null;
    return expiresAtSeconds === 0 ? Number.POSITIVE_INFINITY : expiresAtSeconds * 1000;
  }
}
