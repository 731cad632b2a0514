/** What a handshake settled. */
export interface PeerCertificate {
  /** DER. */
  readonly raw: Uint8Array;
  /** RFC 2253, as Go's `pkix.Name.String` prints it. */
  readonly subject: string;
  /** The same as it stands in the certificate: contents of its SEQUENCE, part of `raw`. Read by `readName` where users are mapped by it. */
  readonly name: Uint8Array;
  /** Lower-case hex. */
  readonly spkiSha256: string;
  readonly certSha256: string;
  /** Its subject alternative names. */
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export interface TlsState {
  /** `1.2` or `1.3`. */
  readonly version: string;
  /** Go's name: `TLS_AES_128_GCM_SHA256`. */
  readonly cipherSuite: string;
  /** The peer's own; empty when none was asked for. What else it sent: tls/sent-certificates.ts. */
  readonly peerCertificates: readonly PeerCertificate[];
  /** The handshake came before INFO. */
  readonly handshakeFirst: boolean;
  /**
   * Ways from the peer's certificate to one that is trusted, both included: DER. Looked for each time it is called, while the connection is
   * there; empty when none is found, or nobody can know. Left out: nobody can.
   */
  readonly verifiedChains?: () => readonly (readonly Uint8Array[])[];
}
