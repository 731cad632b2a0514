/** What a listener's `tls` block asks of the transport; the option's type (config/tls-options.ts) adds to it. */

/** A certificate chain and its private key, PEM files. */
export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsRules {
  /** Among several, the server name requested by the client decides. */
  readonly certificates: readonly KeyPairFiles[];
  readonly caFile: string | null;
  /** Clients must show a certificate issued by an authority of `caFile`, or by one of the system's. */
  readonly verify: boolean;
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
