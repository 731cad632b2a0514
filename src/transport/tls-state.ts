/** What a handshake settled. */

export interface PeerCertificate {
  /** DER. */
  readonly raw: Uint8Array;
  /** RFC 2253, as Go's `pkix.Name.String` prints it. */
  readonly subject: string;
  /** Lower-case hex. */
  readonly spkiSha256: string;
  readonly certSha256: string;
}

export interface TlsState {
  /** `1.2` or `1.3`. */
  readonly version: string;
  /** Go's name: `TLS_AES_128_GCM_SHA256`. */
  readonly cipherSuite: string;
  /** As the peer sent them, its own first; empty when none was asked for. */
  readonly peerCertificates: readonly PeerCertificate[];
  /** The handshake came before INFO. */
  readonly handshakeFirst: boolean;
}
