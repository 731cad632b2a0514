/**
 * A loaded `tls` block: its files are read and checked, its certificates are ready to be chosen from.
 *
 *   TlsRules ─ load ─▶ TlsContext ─┬─ handshakeOptions(hello) ─▶ Bun's upgradeTLS, the certificate chosen by the ClientHello
 *                                    ├─ serveOptions()         ─▶ Bun.serve: monitoring
 *                                    └─ isPinned, verifies, peerCheck: requirements for peers
 * Immutable: a reload loads another one and hands it to the listeners. New handshakes use it; existing connections are not affected.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { nodeTls } from "../../../base/runtime/late-module.ts";
import type { PeerCertificate } from "../tls-state.ts";
import { type Certificate, isForHost, type KeyKind, readCertificate } from "./certificate.ts";
import { type ClientHello, TLS_1_2, TLS_1_3 } from "./client-hello.ts";
import { CIPHER_SUITES, CURVES, DEFAULT_CURVES, SECURE_CIPHERS, SIGNATURE_SCHEMES } from "./tls-names.ts";
import type { KeyPairFiles, TlsRules } from "./tls-options.ts";

/** A `tls` block cannot be used. The message gives the reason, with the reference's text if it has one. */
export class TlsConfigError extends Error {
  override name = "TlsConfigError";
  readonly code = "ERR_TLS";
}

/**
 * Checks a peer's certificate after the handshake and before the connection is used, for example by OCSP.
 * @param certificate the peer's own, verified
 * @param authorities DER of the trusted certificates, from `ca_file` or the system; the same array for every peer
 * @param sent DER of the certificates that the peer sent after its own, unverified
 * @returns why the peer is refused, as logged; null when it is accepted
 */
export type PeerCheck = (
  certificate: PeerCertificate,
  authorities: readonly Uint8Array[],
  sent: readonly Uint8Array[],
) => Promise<string | null>;

/** A certificate with its chain and key, checked against each other. */
interface LoadedCertificate {
  readonly facts: Certificate;
  readonly certPem: string;
  readonly keyPem: string;
}

/** TLS options of `upgradeTLS` and `Bun.listen`. */
export interface HandshakeOptions {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | string[];
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly minVersion: number;
  readonly ciphers: string;
  readonly ecdhCurve: string;
  readonly sigalgs: string;
}

export interface ServeOptions extends HandshakeOptions {
  readonly serverName?: string;
}

export class TlsContext {
  readonly options: TlsRules;
  /** When the first certificate expires, as monitoring shows it. Wall clock, ms. */
  readonly notAfterMs: number;
  /** DER of the certificates of `ca_file`; without `ca_file` the system's, if a peer check needs them. */
  readonly authorities: readonly Uint8Array[];
  readonly peerCheck: PeerCheck | null;
  private readonly certificates: readonly { readonly facts: Certificate; readonly handshake: HandshakeOptions }[];
  private readonly loaded: readonly LoadedCertificate[];
  private readonly pins: ReadonlySet<string>;

  private constructor(options: TlsRules, certificates: readonly LoadedCertificate[], ca: readonly string[], peerCheck: PeerCheck | null) {
    this.options = options;
    this.loaded = certificates;
    this.peerCheck = peerCheck;
    this.notAfterMs = certificates[0].facts.notAfterMs;
    const asks = options.verify || options.verifyOptional;
    const trusted = ca.length > 0 || !asks ? ca : nodeTls().getCACertificates("system");
    this.authorities = (peerCheck === null ? ca : trusted).map(pem => new X509Certificate(pem).raw);
    this.pins = new Set(options.pinnedCerts);
    const common = {
      requestCert: asks,
      rejectUnauthorized: options.verify, // never left to Bun's default, which the environment may change
      minVersion: minVersionOf(options),
      ciphers: ciphersOf(options),
      ecdhCurve: curvesOf(options),
      sigalgs: SIGNATURE_SCHEMES,
    };
    const verifiedBy = asks ? { ca: [...trusted] } : {};
    this.certificates = certificates.map(({ facts, certPem, keyPem }) => ({
      facts,
      handshake: { ...common, ...verifiedBy, cert: certPem, key: keyPem },
    }));
  }

  /**
   * Reads every file of a listener's block.
   * @throws TlsConfigError when a file is missing or invalid, a key does not match its certificate, or Bun lacks a requested feature
   */
  static load(options: TlsRules, peerCheck: PeerCheck | null = null): TlsContext {
    if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
      throw new TlsConfigError(
        "NODE_TLS_REJECT_UNAUTHORIZED=0 is set in the environment: it would switch the verification of certificates off; unset it to use TLS",
      );
    }
    const { certificates } = options;
    if (certificates.length === 0) throw new TlsConfigError("missing 'cert_file' in TLS configuration");
    const loaded = certificates.map((files, index) =>
      loadCertificate(files, certificates.length === 1 ? "" : ` ${index + 1}/${certificates.length}`),
    );
    const context = new TlsContext(options, loaded, options.caFile === null ? [] : loadAuthorities(options.caFile), peerCheck);
    return context;
  }

  /** The same certificates for a listener that asks peers for none. */
  withoutPeers(): TlsContext {
    const rules = { verify: false, verifyOptional: false, pinnedCerts: [], handshakeFirst: false, handshakeFirstFallbackMs: 0 };
    return new TlsContext({ ...this.options, ...rules }, this.loaded, [], null);
  }

  /** TLS options for the handshake with this client. @param hello null when it could not be read; BoringSSL will refuse the handshake */
  handshakeOptions(hello: ClientHello | null): HandshakeOptions {
    const { certificates } = this;
    if (certificates.length === 1 || hello === null) return certificates[0].handshake;
    const suitable = certificates.find(({ facts }) => this.suits(facts, hello));
    return (suitable ?? certificates[0]).handshake;
  }

  /**
   * TLS options for `Bun.serve`: one entry, or with several certificates the first one as default plus one entry per DNS name.
   * They never ask for peers' certificates, which `Bun.serve` cannot show.
   */
  serveOptions(): ServeOptions | ServeOptions[] {
    const [first, ...others] = this.certificates.map(({ facts, handshake: { ca: _, ...own } }) => ({
      facts,
      plain: { ...own, requestCert: false, rejectUnauthorized: false },
    }));
    if (others.length === 0) return first.plain;
    const named = [first, ...others].flatMap(({ facts, plain }) => facts.dnsNames.map(serverName => ({ ...plain, serverName })));
    const seen = new Set<string>();
    return [first.plain, ...named.filter(({ serverName }) => !seen.has(serverName) && seen.add(serverName))];
  }

  /** Whether a peer with this certificate, or without one, passes `pinned_certs`. */
  isPinned(certificate: PeerCertificate | null): boolean {
    return this.pins.size === 0 || (certificate !== null && this.pins.has(certificate.spkiSha256));
  }

  /** The first certificate requires stapled OCSP responses, which Bun cannot send. */
  get mustStaple(): boolean {
    return this.certificates[0].facts.mustStaple;
  }

  /** Whether a certificate suits the client's abilities, by Go's rules. */
  private suits(facts: Certificate, hello: ClientHello): boolean {
    if (hello.serverName !== "" && !isForHost(facts, hello.serverName)) return false;
    const version = hello.versions.includes(TLS_1_3) ? TLS_1_3 : TLS_1_2;
    if (version < minVersionOf(this.options) || !(hello.versions.includes(version) || hello.versions.some(offered => offered > TLS_1_2))) {
      return false;
    }
    const signs = hello.signatureSchemes.length === 0 || hello.signatureSchemes.some(scheme => signsWith(facts.keyKind, scheme, version));
    if (!signs || version === TLS_1_3) return signs;
    const group = GROUPS[facts.keyKind];
    if (group !== undefined && !hello.groups.includes(group)) return false;
    const suites = facts.keyKind === "rsa" ? RSA_SUITES : ECDSA_SUITES;
    return hello.cipherSuites.some(suite => suites.has(suite));
  }
}

/** TLS 1.2's ids of the suites with this kind of signature. */
const RSA_SUITES = new Set([0xc02f, 0xc030, 0xcca8, 0xc013, 0xc014, 0xc027, 0x9c, 0x9d, 0x2f, 0x35]);
const ECDSA_SUITES = new Set([0xc02b, 0xc02c, 0xcca9, 0xc009, 0xc00a, 0xc023]);
const GROUPS: Partial<Record<KeyKind, number>> = { "ecdsa-256": 23, "ecdsa-384": 24, "ecdsa-521": 25 };

/** Signature schemes by key: in TLS 1.3 a curve has its own hash, and RSA is PSS only. */
const SCHEMES: Record<KeyKind, readonly number[]> = {
  rsa: [0x0804, 0x0805, 0x0806],
  "ecdsa-256": [0x0403],
  "ecdsa-384": [0x0503],
  "ecdsa-521": [0x0603],
  ed25519: [0x0807],
  other: [],
};
const SCHEMES_1_2: Partial<Record<KeyKind, readonly number[]>> = {
  rsa: [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601],
  "ecdsa-256": [0x0403, 0x0503, 0x0603],
  "ecdsa-384": [0x0403, 0x0503, 0x0603],
  "ecdsa-521": [0x0403, 0x0503, 0x0603],
};

function signsWith(kind: KeyKind, scheme: number, version: number): boolean {
  const schemes = version === TLS_1_3 ? SCHEMES[kind] : (SCHEMES_1_2[kind] ?? SCHEMES[kind]);
  return schemes.includes(scheme);
}

function minVersionOf({ minVersion, cipherSuites }: TlsRules): number {
  // Only TLS 1.3 suites are configured, so TLS 1.2 is not possible.
  const only13 = cipherSuites.length > 0 && cipherSuites.every(name => CIPHER_SUITES[name]?.openssl === "");
  return minVersion === "1.3" || only13 ? TLS_1_3 : TLS_1_2;
}

function ciphersOf({ cipherSuites, allowInsecureCipherSuites }: TlsRules): string {
  const names: string[] = [];
  for (const name of cipherSuites) {
    const row = CIPHER_SUITES[name];
    if (row === undefined) throw new TlsConfigError(`unrecognized cipher ${name}`);
    if (row.insecure && !allowInsecureCipherSuites)
      throw new TlsConfigError(`insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: ${name}`);
    if (row.openssl === null)
      throw new TlsConfigError(`cipher suite ${name} is not available in Bun's TLS library; see docs/differences.md`);
    if (row.openssl !== "") names.push(row.openssl);
  }
  return names.length === 0 ? SECURE_CIPHERS : names.join(":");
}

function curvesOf({ curvePreferences }: TlsRules): string {
  const names = curvePreferences.map(name => {
    const curve = CURVES[name];
    if (curve === undefined) throw new TlsConfigError(`unrecognized curve preference ${name}`);
    if (curve === null) throw new TlsConfigError(`curve ${name} is not available in Bun's TLS library; see docs/differences.md`);
    return curve;
  });
  return names.length === 0 ? DEFAULT_CURVES : names.join(":");
}

const CERTIFICATE_PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** @param position index among several certificates, for the error text */
function loadCertificate({ certFile, keyFile }: KeyPairFiles, position: string): LoadedCertificate {
  if (certFile === "") throw new TlsConfigError("missing 'cert_file' in TLS configuration");
  if (keyFile === "") throw new TlsConfigError("missing 'key_file' in TLS configuration");
  const refuse = (why: string) => new TlsConfigError(`error parsing X509 certificate/key pair${position}: ${why}`);
  const certPem = readText(certFile, refuse);
  const keyPem = readText(keyFile, refuse);
  const [leaf] = certPem.match(CERTIFICATE_PEM) ?? [];
  if (leaf === undefined) throw refuse(`tls: failed to find any PEM data in certificate input (${certFile})`);
  let certificate: X509Certificate;
  let facts: Certificate;
  try {
    certificate = new X509Certificate(leaf);
    facts = readCertificate(certificate.raw);
  } catch (error) {
    throw refuse(`x509: ${certFile} holds no certificate: ${(error as Error).message}`);
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(keyPem)) throw refuse(`tls: failed to find any PEM data in key input (${keyFile})`);
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(keyPem);
  } catch {
    throw refuse(`tls: failed to parse private key (${keyFile})`);
  }
  if (!certificate.checkPrivateKey(key)) throw refuse(`tls: private key does not match public key (${certFile}, ${keyFile})`);
  return { facts, certPem, keyPem };
}

function loadAuthorities(caFile: string): string[] {
  const text = readText(caFile, why => new TlsConfigError(why));
  const authorities = (text.match(CERTIFICATE_PEM) ?? []).filter(pem => {
    try {
      return new X509Certificate(pem).raw.length > 0;
    } catch {
      return false; // as Go does: PEM blocks that are not certificates are skipped
    }
  });
  if (authorities.length === 0) throw new TlsConfigError("failed to parse root ca certificate");
  return authorities;
}

const READ_TEXTS: Record<string, string> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
};

function readText(path: string, refuse: (why: string) => Error): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const operation = code === "EISDIR" ? "read" : "open";
    throw refuse(`${operation} ${path}: ${READ_TEXTS[code ?? ""] ?? message}`);
  }
}
