/** Translates BoringSSL's and Bun's error texts for failed handshakes into Go's, which operators' alerts search for. */

const TEXTS: Record<string, string> = {
  PEER_DID_NOT_RETURN_A_CERTIFICATE: "tls: client didn't provide a certificate",
  NO_SHARED_CIPHER: "tls: no cipher suite supported by both client and server",
  NO_SHARED_GROUP: "tls: no key exchanges supported by both client and server",
  NO_COMMON_SIGNATURE_ALGORITHMS: "tls: peer doesn't support any of the certificate's signature algorithms",
  WRONG_VERSION_NUMBER: "tls: first record does not look like a TLS handshake",
  HTTP_REQUEST: "tls: first record does not look like a TLS handshake",
  UNEXPECTED_MESSAGE: "tls: unexpected message",
  UNEXPECTED_RECORD: "tls: unexpected message",
  DECODE_ERROR: "tls: error decoding message",
  DECRYPTION_FAILED_OR_BAD_RECORD_MAC: "local error: tls: bad record MAC",
  BAD_SIGNATURE: "tls: invalid signature by the client certificate",
  DIGEST_CHECK_FAILED: "tls: invalid client finished hash",
};

/** Alerts sent by the peer, by BoringSSL's names. */
const ALERTS: Record<string, string> = {
  CLOSE_NOTIFY: "close notify",
  UNEXPECTED_MESSAGE: "unexpected message",
  BAD_RECORD_MAC: "bad record MAC",
  RECORD_OVERFLOW: "record overflow",
  HANDSHAKE_FAILURE: "handshake failure",
  BAD_CERTIFICATE: "bad certificate",
  UNSUPPORTED_CERTIFICATE: "unsupported certificate",
  CERTIFICATE_REVOKED: "revoked certificate",
  CERTIFICATE_EXPIRED: "expired certificate",
  CERTIFICATE_UNKNOWN: "unknown certificate",
  ILLEGAL_PARAMETER: "illegal parameter",
  UNKNOWN_CA: "unknown certificate authority",
  ACCESS_DENIED: "access denied",
  DECODE_ERROR: "error decoding message",
  DECRYPT_ERROR: "error decrypting message",
  PROTOCOL_VERSION: "protocol version not supported",
  INSUFFICIENT_SECURITY: "insufficient security level",
  INTERNAL_ERROR: "internal error",
  USER_CANCELLED: "user canceled",
  NO_APPLICATION_PROTOCOL: "no application protocol",
};

/** Verification failures, by Bun's code. */
const VERIFICATIONS: Record<string, string> = {
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "x509: certificate has expired or is not yet valid",
  INVALID_PURPOSE: "x509: certificate specifies an incompatible key usage",
  CERT_SIGNATURE_FAILURE: "x509: certificate signed by unknown authority",
  INVALID_CA: "x509: invalid signature: parent certificate cannot sign this kind of certificate",
  CERT_CHAIN_TOO_LONG: "x509: too many intermediates for path length constraint",
};

/** @param versions versions offered by the client, for the text that names them */
export function handshakeErrorText(error: Error | null | undefined, versions: readonly number[]): string {
  if (error === null || error === undefined) return "EOF";
  const reason = /OPENSSL_internal:(\w+)/.exec(error.message)?.[1];
  if (reason === undefined) return error.message;
  if (reason === "UNSUPPORTED_PROTOCOL") {
    return `tls: client offered only unsupported versions: [${versions.map(version => version.toString(16)).join(" ")}]`;
  }
  const alert = /^(?:SSLV3|TLSV1)_ALERT_(\w+)$/.exec(reason)?.[1];
  if (alert !== undefined && ALERTS[alert] !== undefined) return `remote error: tls: ${ALERTS[alert]}`;
  return TEXTS[reason] ?? `tls: ${reason.toLowerCase().replaceAll("_", " ")}`;
}

/** @param code Bun's, for example `CERT_HAS_EXPIRED` */
export function verificationErrorText(code: string | undefined): string {
  return `tls: failed to verify certificate: ${VERIFICATIONS[code ?? ""] ?? "x509: certificate signed by unknown authority"}`;
}
