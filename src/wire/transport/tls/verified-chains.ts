/** All chains by which a peer's certificate can be verified. Computed on demand, because few callers need them. */
import type { Socket } from "bun";
import { chainsOf, readCertificates } from "./ocsp/chains.ts";
import { type SessionSocket, sentCertificates } from "./sent-certificates.ts";

/**
 * @param leaf DER of the peer's own, verified certificate
 * @param authorities DER of the trusted certificates
 * @param socket the open socket of that handshake
 * @param now wall clock, ms: chains must be valid then
 * @returns chains of DER, each from the leaf to a trusted certificate; empty when none is found
 */
export function verifiedChains(leaf: Uint8Array, authorities: readonly Uint8Array[], socket: Socket<unknown>, now: number): Uint8Array[][] {
  const [own] = readCertificates([leaf]);
  if (own === undefined) return [];
  const sent = readCertificates(sentCertificates(socket as unknown as SessionSocket));
  return chainsOf(own, readCertificates(authorities), sent, now).chains.map(chain => chain.map(({ raw }) => raw));
}
