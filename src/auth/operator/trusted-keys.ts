/**
 * The trusted keys of operators. With strict signing key usage the operator's own key signs no accounts, and
 * the own keys of accounts signed by its signing keys sign no users.
 * Source: server/server.go, processTrustedKeys; server/accounts.go, getOperatorKeys (behaviour).
 */

import type { OperatorClaims } from "../../access/jwt/claims.ts";
import { decodeOperator } from "../../access/jwt/decode.ts";
import type { OperatorOptions } from "./operator-options.ts";

export class TrustedKeys {
  readonly operators: readonly OperatorClaims[];
  /** Keys whose accounts are accepted. */
  private readonly keys: ReadonlySet<string>;
  private readonly strictKeys: ReadonlySet<string>;

  /** @throws JwtError for an invalid operator JWT, which the option table normally refuses earlier */
  constructor({ operators, trustedKeys }: Pick<OperatorOptions, "operators" | "trustedKeys">) {
    this.operators = operators.map(decodeOperator);
    this.keys = new Set([...trustedKeys, ...this.operators.flatMap(keysOf)]);
    this.strictKeys = new Set(this.operators.filter(({ nats }) => nats.strictSigningKeyUsage).flatMap(({ nats }) => nats.signingKeys));
  }

  /** No trusted keys: accounts and users come from the configuration. */
  get isEmpty(): boolean {
    return this.keys.size === 0;
  }

  has(issuer: string): boolean {
    return this.keys.has(issuer);
  }

  /** Whether users of an account with that issuer must be signed by a signing key of the account. */
  isStrict(accountIssuer: string): boolean {
    return this.strictKeys.has(accountIssuer);
  }

  /** Keys that may push and delete accounts of a directory: those of the first operator. @throws Error without an operator */
  get pushing(): { readonly operator: string; readonly strict: boolean; readonly keys: ReadonlySet<string> } {
    const [first] = this.operators;
    const keys = first === undefined ? [] : keysOf(first);
    if (first === undefined || keys.length === 0) throw new Error("no operator key found");
    return { operator: first.subject, strict: first.nats.strictSigningKeyUsage, keys: new Set(keys) };
  }
}

function keysOf({ subject, nats }: OperatorClaims): string[] {
  return [...(nats.strictSigningKeyUsage ? [] : [subject]), ...nats.signingKeys];
}
