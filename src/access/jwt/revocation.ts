/** Tokens that were taken back before they expired. Source: server/accounts.go, isRevoked; nats-io/jwt v2, revocation_list.go (behaviour). */

/** Stands for every key. */
const EVERYBODY = "*";

/**
 * @param revocations key, or `*` → tokens issued in that second or before count no more
 * @param publicKey whom the token is about
 */
export function isRevoked(revocations: ReadonlyMap<string, number>, publicKey: string, issuedAtSeconds: number): boolean {
  const until = (key: string) => revocations.get(key) ?? Number.NEGATIVE_INFINITY;
  return until(publicKey) >= issuedAtSeconds || until(EVERYBODY) >= issuedAtSeconds;
}
