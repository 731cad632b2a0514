/** A `tls` block: core §6.11. Its files are read when a listener or a resolver starts to use it (tls-context.ts). */
import type { OcspPeerRules } from "./ocsp/ocsp-rules.ts";

/** A certificate chain and its private key, PEM files. */
export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The settings of a block that the transport itself applies. */
export interface TlsRules {
  /** Among several, the server name requested by the client decides. Never empty for a listener. */
  readonly certificates: readonly KeyPairFiles[];
  readonly caFile: string | null;
  /** Clients must show a certificate issued by an authority of `caFile`, or by one of the system's. */
  readonly verify: boolean;
  /** Clients need no certificate, but one that they show must be as for `verify`. Never together with `verify`. */
  readonly verifyOptional: boolean;
  /** Time for a handshake, ms. */
  readonly timeoutMs: number;
  /** SHA-256 of SPKIs, lower-case hex; empty: any certificate. */
  readonly pinnedCerts: readonly string[];
  readonly minVersion: "1.2" | "1.3";
  /** Go's names; empty: the default. */
  readonly cipherSuites: readonly string[];
  readonly curvePreferences: readonly string[];
  readonly allowInsecureCipherSuites: boolean;
  /** Handshakes a second; 0: no limit. */
  readonly connectionRateLimit: number;
  /** TLS before INFO. */
  readonly handshakeFirst: boolean;
  /** With `handshakeFirst`: time to wait for the client's handshake before INFO is sent in the clear, ms; 0: wait without limit. */
  readonly handshakeFirstFallbackMs: number;
}

/** The whole block. `verify` is true whenever `mapsCertificate` is. */
export interface TlsOptions extends TlsRules {
  /** `verify_and_map`: the certificate identifies the user. */
  readonly mapsCertificate: boolean;
  /** For outgoing connections only: do not verify the server. */
  readonly insecure: boolean;
  readonly ocspPeer: OcspPeerRules | null;
}

export const TLS_DEFAULTS: TlsOptions = {
  certificates: [],
  caFile: null,
  verify: false,
  verifyOptional: false,
  mapsCertificate: false,
  insecure: false,
  timeoutMs: 2_000,
  pinnedCerts: [],
  minVersion: "1.2",
  cipherSuites: [],
  curvePreferences: [],
  allowInsecureCipherSuites: false,
  connectionRateLimit: 0,
  handshakeFirst: false,
  handshakeFirstFallbackMs: 0,
  ocspPeer: null,
};
