/** Facts about a certificate, read from its DER because Bun gives neither the order of its RDNs nor the bytes of its public key. */
import { createHash } from "node:crypto";
import type { PeerCertificate } from "../tls-state.ts";
import {
  DerReader,
  objectIdentifierText,
  TAG_BIT_STRING,
  TAG_BOOLEAN,
  TAG_INTEGER,
  TAG_OBJECT_IDENTIFIER,
  TAG_OCTET_STRING,
  TAG_SEQUENCE,
  timeMs,
} from "./der-reader.ts";
import { distinguishedName } from "./distinguished-name.ts";

/** Upper bound for one certificate; BoringSSL's own bound for a chain has this order of magnitude. */
const CERTIFICATE_BYTES_MAX = 128 * 1024;
const NAMES_MAX = 1_000;

const ID_SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const ID_TLS_FEATURE = "1.3.6.1.5.5.7.1.24";
const FEATURE_STATUS_REQUEST = 5;

/** Kind of public key. It decides which signatures, and in TLS 1.2 which cipher suites, can be used with the certificate. */
export type KeyKind = "rsa" | "ecdsa-256" | "ecdsa-384" | "ecdsa-521" | "ed25519" | "other";

const KEY_KINDS: Record<string, KeyKind> = {
  "1.2.840.113549.1.1.1": "rsa",
  "1.3.101.112": "ed25519",
  "1.2.840.10045.3.1.7": "ecdsa-256",
  "1.3.132.0.34": "ecdsa-384",
  "1.3.132.0.35": "ecdsa-521",
};

export interface Certificate extends PeerCertificate {
  readonly keyKind: KeyKind;
  /** Wall clock, ms. */
  readonly notAfterMs: number;
  /** The certificate requires its server to staple an OCSP response (must-staple). */
  readonly mustStaple: boolean;
}

/**
 * @param der one certificate; kept, not copied
 * @throws DerError when the bytes are not a certificate
 */
export function readCertificate(der: Uint8Array): Certificate {
  const raw = der.length > CERTIFICATE_BYTES_MAX ? der.subarray(0, CERTIFICATE_BYTES_MAX) : der;
  const body = new DerReader(raw).into(TAG_SEQUENCE).into(TAG_SEQUENCE);
  if (body.peek() === 0xa0) body.skip(); // version
  body.take(TAG_INTEGER); // serial number
  body.skip(); // signature algorithm
  body.take(TAG_SEQUENCE); // issuer
  const validity = body.into(TAG_SEQUENCE);
  validity.skip();
  const notAfterMs = timeMs(validity.next());
  const subject = body.take(TAG_SEQUENCE).contents;
  const publicKey = body.take(TAG_SEQUENCE);
  const extensions = readExtensions(body);
  return {
    raw: der,
    subject: distinguishedName(subject),
    name: subject,
    spkiSha256: sha256(publicKey.whole),
    certSha256: sha256(der),
    keyKind: keyKindOf(publicKey.contents),
    notAfterMs,
    ...extensions,
  };
}

interface Extensions {
  dnsNames: string[];
  emails: string[];
  uris: string[];
  mustStaple: boolean;
}

function readExtensions(body: DerReader): Extensions {
  const found: Extensions = { dnsNames: [], emails: [], uris: [], mustStaple: false };
  while (!body.done && body.peek() !== 0xa3) body.skip(); // unique identifiers
  if (body.done) return found;
  for (const list = body.into(0xa3).into(TAG_SEQUENCE); !list.done; ) {
    const extension = list.into(TAG_SEQUENCE);
    const id = objectIdentifierText(extension.take(TAG_OBJECT_IDENTIFIER).contents);
    if (extension.peek() === TAG_BOOLEAN) extension.skip();
    const value = new DerReader(extension.take(TAG_OCTET_STRING).contents);
    if (id === ID_SUBJECT_ALTERNATIVE_NAME) readAlternativeNames(value.into(TAG_SEQUENCE), found);
    else if (id === ID_TLS_FEATURE) found.mustStaple = demandsStaple(value.into(TAG_SEQUENCE));
  }
  return found;
}

function readAlternativeNames(names: DerReader, found: Extensions): void {
  for (let count = 0; !names.done && count < NAMES_MAX; count++) {
    const { tag, contents } = names.next();
    const text = () => Buffer.from(contents).toString("latin1");
    if (tag === 0x81) found.emails.push(text());
    else if (tag === 0x82) found.dnsNames.push(text());
    else if (tag === 0x86) found.uris.push(text());
  }
}

function demandsStaple(features: DerReader): boolean {
  while (!features.done) {
    const { contents } = features.take(TAG_INTEGER);
    if (contents.length === 1 && contents[0] === FEATURE_STATUS_REQUEST) return true;
  }
  return false;
}

function keyKindOf(publicKey: Uint8Array): KeyKind {
  const parts = new DerReader(publicKey);
  const algorithm = parts.into(TAG_SEQUENCE);
  parts.take(TAG_BIT_STRING);
  const id = objectIdentifierText(algorithm.take(TAG_OBJECT_IDENTIFIER).contents);
  const curve = algorithm.peek() === TAG_OBJECT_IDENTIFIER ? objectIdentifierText(algorithm.next().contents) : "";
  return KEY_KINDS[id] ?? KEY_KINDS[curve] ?? "other";
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Whether one of the certificate's DNS names matches the host; `*` matches the first label. The common name is ignored. */
export function isForHost({ dnsNames }: Pick<Certificate, "dnsNames">, host: string): boolean {
  const wanted = labelsOf(host);
  return dnsNames.some(name => {
    const labels = labelsOf(name);
    if (labels.length !== wanted.length || wanted.includes("")) return false;
    return labels.every((label, index) => label === wanted[index] || (label === "*" && index === 0 && labels.length > 1));
  });
}

function labelsOf(name: string): string[] {
  return name.replace(/\.$/, "").toLowerCase().split(".");
}
