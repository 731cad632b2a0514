/** Results of a TLS handshake. */
export interface PeerCertificate {
  /** DER. */
  readonly raw: Uint8Array;
  /** RFC 2253, as Go's `pkix.Name.String` prints it. */
  readonly subject: string;
  /** The subject as encoded in the certificate: contents of its SEQUENCE, a part of `raw`. Parsed by `readName` to map users by it. */
  readonly name: Uint8Array;
  /** Lower-case hex. */
  readonly spkiSha256: string;
  readonly certSha256: string;
  /** Subject alternative names. */
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export interface TlsState {
  /** `1.2` or `1.3`. */
  readonly version: string;
  /** Go's name: `TLS_AES_128_GCM_SHA256`. */
  readonly cipherSuite: string;
  /** The peer's own certificate; empty when none was requested. Others that it sent: tls/sent-certificates.ts. */
  readonly peerCertificates: readonly PeerCertificate[];
  /** The handshake came before INFO. */
  readonly handshakeFirst: boolean;
  /**
   * Chains from the peer's certificate to a trusted one, both included, as DER. Each call searches again and needs the open connection.
   * Empty when no chain is found. Absent when chains cannot be determined.
   */
  readonly verifiedChains?: () => readonly (readonly Uint8Array[])[];
}
