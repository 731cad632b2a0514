/**
 * Names of cipher suites and curves: Go's, which configuration files and monitoring use, and BoringSSL's, which Bun takes.
 *
 * What Bun 1.4.5 really honours was measured with one suite or curve at a time and a client that offers all (test/tls/names.test.ts):
 * `openssl: null` marks what BoringSSL lacks. TLS 1.3 suites cannot be chosen, neither in Bun nor in Go.
 */

export interface CipherSuiteRow {
  /** The name for Bun's `ciphers`; null: BoringSSL lacks the suite. Empty: a TLS 1.3 suite, always on. */
  readonly openssl: string | null;
  /** Go lists it as insecure: allowed only with `allow_insecure_cipher_suites`. */
  readonly insecure: boolean;
}

const tls13: CipherSuiteRow = { openssl: "", insecure: false };
const suite = (openssl: string | null, insecure = false): CipherSuiteRow => ({ openssl, insecure });

/** In Go's order of preference. */
export const CIPHER_SUITES: Readonly<Record<string, CipherSuiteRow>> = {
  TLS_AES_128_GCM_SHA256: tls13,
  TLS_AES_256_GCM_SHA384: tls13,
  TLS_CHACHA20_POLY1305_SHA256: tls13,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: suite("ECDHE-ECDSA-AES128-GCM-SHA256"),
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: suite("ECDHE-RSA-AES128-GCM-SHA256"),
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: suite("ECDHE-ECDSA-AES256-GCM-SHA384"),
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: suite("ECDHE-RSA-AES256-GCM-SHA384"),
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: suite("ECDHE-ECDSA-CHACHA20-POLY1305"),
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: suite("ECDHE-RSA-CHACHA20-POLY1305"),
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: suite("ECDHE-ECDSA-AES128-SHA"),
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: suite("ECDHE-RSA-AES128-SHA"),
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: suite("ECDHE-ECDSA-AES256-SHA"),
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: suite("ECDHE-RSA-AES256-SHA"),
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: suite("ECDHE-ECDSA-AES128-SHA256", true),
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: suite("ECDHE-RSA-AES128-SHA256", true),
  TLS_RSA_WITH_AES_128_GCM_SHA256: suite("AES128-GCM-SHA256", true),
  TLS_RSA_WITH_AES_256_GCM_SHA384: suite("AES256-GCM-SHA384", true),
  TLS_RSA_WITH_AES_128_CBC_SHA: suite("AES128-SHA", true),
  TLS_RSA_WITH_AES_256_CBC_SHA: suite("AES256-SHA", true),
  TLS_RSA_WITH_AES_128_CBC_SHA256: suite(null, true),
  TLS_RSA_WITH_3DES_EDE_CBC_SHA: suite(null, true),
  TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA: suite(null, true),
  TLS_RSA_WITH_RC4_128_SHA: suite(null, true),
  TLS_ECDHE_RSA_WITH_RC4_128_SHA: suite(null, true),
  TLS_ECDHE_ECDSA_WITH_RC4_128_SHA: suite(null, true),
};

/** The default: all secure suites. */
export const SECURE_CIPHERS = Object.values(CIPHER_SUITES)
  .filter(({ openssl, insecure }) => openssl && !insecure)
  .map(({ openssl }) => openssl)
  .join(":");

/** Names for Bun's `ecdhCurve`, in the default order of preference; null: BoringSSL lacks the group. */
export const CURVES: Readonly<Record<string, string | null>> = {
  X25519MLKEM768: "X25519MLKEM768",
  SecP384r1MLKEM1024: null,
  SecP256r1MLKEM768: null,
  X25519: "X25519",
  CurveP256: "P-256",
  CurveP384: "P-384",
  CurveP521: "P-521",
};

export const DEFAULT_CURVES = Object.values(CURVES)
  .filter(name => name !== null)
  .join(":");

/** Signatures that are made and accepted, Go's in Go's order: none with SHA-1, which the TLS library would accept of clients in TLS 1.2. */
export const SIGNATURE_SCHEMES = [
  "rsa_pss_rsae_sha256",
  "ecdsa_secp256r1_sha256",
  "ed25519",
  "rsa_pss_rsae_sha384",
  "rsa_pss_rsae_sha512",
  "rsa_pkcs1_sha256",
  "rsa_pkcs1_sha384",
  "rsa_pkcs1_sha512",
  "ecdsa_secp384r1_sha384",
  "ecdsa_secp521r1_sha512",
].join(":");
