/** What a `tls` block says, whoever listens with it: core §6.11. Files are read when the block is put to use (transport/tls). */

import type { OcspPeerRules } from "../../wire/transport/tls/ocsp/ocsp-rules.ts";
import type { KeyPairFiles, TlsRules } from "../../wire/transport/tls/tls-rules.ts";

export type CertificateFiles = KeyPairFiles;
export type TlsVersion = TlsRules["minVersion"];
export type OcspPeerOptions = OcspPeerRules;

/** `certificates`: `cert_file` and `key_file`, then those of `certs`; never empty for a listener. `verify` is true with `mapsCertificate`. */
export interface TlsOptions extends TlsRules {
  /** `verify_and_map`: the certificate says who the client is. */
  readonly mapsCertificate: boolean;
  /** For soliciting only: do not verify. */
  readonly insecure: boolean;
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
