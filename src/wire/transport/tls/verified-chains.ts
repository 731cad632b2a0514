/** The ways by which a peer's certificate was verified, for whoever wants to see them whole. Looked for when asked, as few ask. */
import type { Socket } from "bun";
import { chainsOf, readCertificates } from "./ocsp/chains.ts";
import { type SessionSocket, sentCertificates } from "./sent-certificates.ts";

/**
 * @param leaf DER of the peer's own certificate, which was verified
 * @param authorities DER of those that are trusted
 * @param socket whose handshake it was, open still
 * @returns DER, each from the leaf to one that is trusted; empty: none could be found
 */
export function verifiedChains(leaf: Uint8Array, authorities: readonly Uint8Array[], socket: Socket<unknown>): Uint8Array[][] {
  const [own] = readCertificates([leaf]);
  if (own === undefined) return [];
  const sent = readCertificates(sentCertificates(socket as unknown as SessionSocket));
  return chainsOf(own, readCertificates(authorities), sent, Date.now()).chains.map(chain => chain.map(({ raw }) => raw));
}
