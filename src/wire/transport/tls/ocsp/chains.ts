/**
 * The ways from a peer's certificate to one of `ca_file`, as Go finds them: BoringSSL has verified one, but does not tell which.
 *
 *   leaf ── signed by ──▶ one that the peer sent ── signed by ──▶ … ── signed by ──▶ one of ca_file, where a chain ends
 * An issuer has the name that the certificate gives, the key that verifies its signature, may sign at all, and is of this time. Whoever
 * sends certificates may send any number of them: the search is bounded by the signatures it verifies, and by the chains it finds.
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
  /** Each from the leaf to the trusted one, those that reach a trusted issuer soonest first; empty: none was found. */
  readonly chains: readonly Chain[];
  /** One that holds is not enough. */
  readonly mustAllHold: boolean;
}

/** Those of `certificates` that can be read. */
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
 * @param trusted of `ca_file`
 * @param sent what the peer sent beside its own; may be anything
 * @param nowMs wall clock
 */
export function chainsOf(leaf: ChainCertificate, trusted: Chain, sent: Chain, nowMs: number): Chains {
  if (trusted.some(certificate => certificate.equals(leaf))) return { chains: [[leaf]], mustAllHold: false };
  const search = new ChainSearch(trusted, sent, nowMs);
  search.goOn([leaf]);
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

  /** @param chain so far; its last certificate's issuer is wanted */
  goOn(chain: Chain): void {
    for (const issuer of this.trusted) if (this.fits(chain, issuer, true)) this.found.push([...chain, issuer]);
    if (chain.length >= LENGTH_MAX) return;
    for (const issuer of this.sent) if (this.fits(chain, issuer, false)) this.goOn([...chain, issuer]);
  }

  private fits(chain: Chain, issuer: ChainCertificate, isTrusted: boolean): boolean {
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
   * BoringSSL vouches for one chain that was found, and when there are several not for each. What it knows and we do not are restrictions
   * such as constraints of names: chains with such an authority are left out as long as there is another. Otherwise all of them must
   * hold, which can only be said when none was overlooked.
   */
  result(): Chains {
    const plain = this.found.filter(chain => chain.every(({ isRestricted }) => !isRestricted));
    if (plain.length > 0) return { chains: plain, mustAllHold: false };
    const complete = this.found.length < CHAINS_MAX && this.signatures < SIGNATURES_MAX;
    return { chains: complete ? this.found : [], mustAllHold: true };
  }
}

/** Whoever signs has a place in a chain once, however many certificates it has. */
function isSameAuthority(a: ChainCertificate, b: ChainCertificate): boolean {
  return a.subjectName.equals(b.subjectName) && Buffer.compare(a.publicKeyBits, b.publicKeyBits) === 0;
}
