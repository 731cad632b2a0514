/** What a `tls` block says, whoever listens with it: core §6.11. Files are read when the block is put to use (transport/tls). */

/** A certificate chain and its private key, PEM files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export type TlsVersion = "1.2" | "1.3";

/** Checking peers' certificates by OCSP: core §9.3.2. */
export interface OcspPeerOptions {
  readonly caTimeoutMs: number;
  readonly allowedClockSkewMs: number;
  readonly warnOnly: boolean;
  readonly unknownIsGood: boolean;
  readonly allowWhenCaUnreachable: boolean;
  /** How long a response without NextUpdate is kept. */
  readonly cacheTtlWhenNextUpdateUnsetMs: number;
}

export interface TlsOptions {
  /** `cert_file` and `key_file`, then those of `certs`; the server name that a client asks for chooses among several. Never empty for a listener. */
  readonly certificates: readonly CertificateFiles[];
  readonly caFile: string | null;
  /** Clients must show a certificate that `caFile` (or the system's authorities) vouches for. True with `mapsCertificate`. */
  readonly verify: boolean;
  /** `verify_and_map`: the certificate says who the client is. */
  readonly mapsCertificate: boolean;
  /** For soliciting only: do not verify. */
  readonly insecure: boolean;
  /** Of a handshake. */
  readonly timeoutMs: number;
  /** SHA-256 of SPKIs, lower-case hex, sorted; empty: any certificate. */
  readonly pinnedCerts: readonly string[];
  readonly minVersion: TlsVersion;
  /** Go's names, in the order of preference; empty: the default. */
  readonly cipherSuites: readonly string[];
  readonly curvePreferences: readonly string[];
  readonly allowInsecureCipherSuites: boolean;
  /** Handshakes a second; 0: no limit. */
  readonly connectionRateLimit: number;
  /** TLS before INFO. */
  readonly handshakeFirst: boolean;
  /** With `handshakeFirst`: how long to wait for the client to begin before INFO is sent after all; 0: for ever. */
  readonly handshakeFirstFallbackMs: number;
  readonly ocspPeer: OcspPeerOptions | null;
}

export const TLS_DEFAULTS: TlsOptions = {
  certificates: [],
  caFile: null,
  verify: false,
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
