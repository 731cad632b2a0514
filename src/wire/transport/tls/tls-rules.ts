/** What a listener's `tls` block asks of the transport; the option's type (config/tls-options.ts) adds to it. */

/** A certificate chain and its private key, PEM files. */
export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsRules {
  /** The server name that a client asks for chooses among several. */
  readonly certificates: readonly KeyPairFiles[];
  readonly caFile: string | null;
  /** Clients must show a certificate that `caFile`, or the system's authorities, vouch for. */
  readonly verify: boolean;
  /** Of a handshake. */
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
  /** With `handshakeFirst`: how long to wait for the client to begin before INFO is sent after all; 0: for ever. */
  readonly handshakeFirstFallbackMs: number;
}
