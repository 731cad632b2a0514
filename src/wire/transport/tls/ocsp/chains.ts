/**
 * Finds the chains from a peer's certificate to `ca_file` by Go's rules. BoringSSL has verified one chain but does not tell which.
 *
 *   leaf ── signed by ──▶ sent by the peer ── signed by ──▶ … ── signed by ──▶ in ca_file, where the chain ends
 * An issuer has the name given in the certificate and the key that verifies its signature, may sign, and is currently valid. A peer
 * may send any number of certificates, so the search is bounded by verified signatures and by chains found.
 */
import { DerError } from "../der-reader.ts";
import { ChainCertificate } from "./chain-certificate.ts";

const SIGNATURES_MAX = 100;
const CHAINS_MAX = 10;
const LENGTH_MAX = 10;
const ID_ANY_USAGE = "2.5.29.37.0";
const ID_CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

export type Chain = readonly ChainCertificate[];

export interface Chains {
  /** Chains from the leaf to a trusted certificate, shortest first; empty when none was found. */
  readonly chains: readonly Chain[];
  /** Every chain must be valid, not just one. */
  readonly mustAllHold: boolean;
}

/** The readable ones among `certificates`. */
export function readCertificates(certificates: readonly Uint8Array[]): ChainCertificate[] {
  return certificates.flatMap(raw => {
    try {
      return [new ChainCertificate(raw)];
    } catch (error) {
      if (error instanceof DerError) return [];
      throw error;
    }
  });
}

/**
 * @param trusted certificates of `ca_file`
 * @param sent certificates that the peer sent after its own; untrusted
 * @param nowMs wall clock
 */
export function chainsOf(leaf: ChainCertificate, trusted: Chain, sent: Chain, nowMs: number): Chains {
  if (trusted.some(certificate => certificate.equals(leaf))) return { chains: [[leaf]], mustAllHold: false };
  const search = new ChainSearch(trusted, sent, nowMs);
  search.extend([leaf]);
  return search.result();
}

class ChainSearch {
  private readonly found: Chain[] = [];
  private signatures = 0;

  constructor(
    private readonly trusted: Chain,
    private readonly sent: Chain,
    private readonly nowMs: number,
  ) {}

  /** @param chain chain so far; searches for the issuer of its last certificate */
  extend(chain: Chain): void {
    for (const issuer of this.trusted) if (this.isIssuer(chain, issuer, true)) this.found.push([...chain, issuer]);
    if (chain.length >= LENGTH_MAX) return;
    for (const issuer of this.sent) if (this.isIssuer(chain, issuer, false)) this.extend([...chain, issuer]);
  }

  private isIssuer(chain: Chain, issuer: ChainCertificate, isTrusted: boolean): boolean {
    const below = chain[chain.length - 1];
    if (this.found.length >= CHAINS_MAX || !below.issuerName.equals(issuer.subjectName)) return false;
    if (!issuer.maySign(isTrusted) || this.nowMs < issuer.notBeforeMs || this.nowMs > issuer.notAfterMs) return false;
    if (issuer.pathLength !== null && chain.length - 1 > issuer.pathLength) return false;
    const { extendedKeyUsages: usages } = issuer;
    if (usages !== null && !usages.includes(ID_CLIENT_AUTH) && !usages.includes(ID_ANY_USAGE)) return false;
    if (this.signatures >= SIGNATURES_MAX || chain.some(one => isSameAuthority(one, issuer))) return false;
    this.signatures++;
    return below.isSignedBy(issuer);
  }

  /**
   * BoringSSL has verified one of the chains found, but not necessarily each of them. It evaluates restrictions that this code does not,
   * such as name constraints. So chains with a restricted authority are left out if there is another chain. Otherwise all chains must
   * be valid, which requires that the search was complete.
   */
  result(): Chains {
    const plain = this.found.filter(chain => chain.every(({ isRestricted }) => !isRestricted));
    if (plain.length > 0) return { chains: plain, mustAllHold: false };
    const complete = this.found.length < CHAINS_MAX && this.signatures < SIGNATURES_MAX;
    return { chains: complete ? this.found : [], mustAllHold: true };
  }
}

/** An issuer (name and key) occurs once per chain, even if it has several certificates. */
function isSameAuthority(a: ChainCertificate, b: ChainCertificate): boolean {
  return a.subjectName.equals(b.subjectName) && Buffer.compare(a.publicKeyBits, b.publicKeyBits) === 0;
}
