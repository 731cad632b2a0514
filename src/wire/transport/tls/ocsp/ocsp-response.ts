/**
 * A responder's answer, read and verified (RFC 6960 §4.2).
 *
 *   OCSPResponse  = SEQUENCE { ENUMERATED status, [0] { SEQUENCE { id-pkix-ocsp-basic, OCTET STRING BasicResponse } } }
 *   BasicResponse = SEQUENCE { ResponseData, algorithm, BIT STRING signature, [0] certificates }
 *   ResponseData  = SEQUENCE { [0] version, [1] name | [2] key hash, producedAt, SEQUENCE OF SingleResponse, [1] extensions }
 *   SingleResponse = SEQUENCE { CertID, [0] good | [1] revoked | [2] unknown, thisUpdate, [0] nextUpdate, [1] extensions }
 * The bytes are untrusted until the signature is verified. It is made by the issuer, or by a delegate
 * whose certificate is included, signed by the issuer and meant for OCSP (id-kp-OCSPSigning); `isDelegationValid` reports the latter, because
 * the reference has a separate text for it.
 */
import { createHash, verify } from "node:crypto";
import {
  DerError,
  DerReader,
  objectIdentifierText,
  TAG_BIT_STRING,
  TAG_BOOLEAN,
  TAG_GENERALIZED_TIME,
  TAG_INTEGER,
  TAG_OBJECT_IDENTIFIER,
  TAG_OCTET_STRING,
  TAG_SEQUENCE,
  timeMs,
} from "../der-reader.ts";
import { ChainCertificate } from "./chain-certificate.ts";

/** Generous: responses take about 2 KiB, or 4 KiB with a delegate's certificate. */
export const RESPONSE_BYTES_MAX = 128 * 1024;

export type OcspStatus = "good" | "revoked" | "unknown";

export interface OcspResponse {
  readonly raw: Uint8Array;
  readonly status: OcspStatus;
  /** Wall clock, ms. */
  readonly thisUpdateMs: number;
  /** Null when the responder gives no end. */
  readonly nextUpdateMs: number | null;
  /** The signer may sign responses in the issuer's name. */
  readonly isDelegationValid: boolean;
}

/** The response is not about this certificate, or its signature is not trusted. */
export class OcspError extends Error {
  override name = "OcspError";
}

const TAG_ENUMERATED = 0x0a;
const ID_BASIC_RESPONSE = "1.3.6.1.5.5.7.48.1.1";
const ID_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";

/** Error statuses of responders. */
const REFUSALS: Record<number, string> = {
  1: "malformed",
  2: "internal error",
  3: "try later",
  5: "signature required",
  6: "unauthorized",
};

const HASHES: Record<string, string> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** `key`: node:crypto's name of the key type; `hash`: null where the algorithm implies it. */
const SIGNATURES: Record<string, { key: string; hash: string | null }> = {
  "1.2.840.113549.1.1.5": { key: "rsa", hash: "sha1" },
  "1.2.840.113549.1.1.11": { key: "rsa", hash: "sha256" },
  "1.2.840.113549.1.1.12": { key: "rsa", hash: "sha384" },
  "1.2.840.113549.1.1.13": { key: "rsa", hash: "sha512" },
  "1.2.840.10045.4.1": { key: "ec", hash: "sha1" },
  "1.2.840.10045.4.3.2": { key: "ec", hash: "sha256" },
  "1.2.840.10045.4.3.3": { key: "ec", hash: "sha384" },
  "1.2.840.10045.4.3.4": { key: "ec", hash: "sha512" },
  "1.3.101.112": { key: "ed25519", hash: null },
};

const TAG_GOOD = 0x80;
const TAG_REVOKED = 0xa1;
const TAG_UNKNOWN = 0x82;

/**
 * @param bytes kept, not copied
 * @throws OcspError or DerError with the reason
 */
export function readOcspResponse(bytes: Uint8Array, certificate: ChainCertificate, issuer: ChainCertificate): OcspResponse {
  if (bytes.length > RESPONSE_BYTES_MAX) throw new OcspError(`a response of ${bytes.length} bytes is too large`);
  const basic = basicResponse(bytes);
  const data = basic.take(TAG_SEQUENCE);
  const algorithm = objectIdentifierText(basic.into(TAG_SEQUENCE).take(TAG_OBJECT_IDENTIFIER).contents);
  const signature = bitString(basic);
  const single = singleResponse(new DerReader(data.contents), certificate, issuer);
  const delegate = delegateIn(basic);
  const signed = { data: data.whole, algorithm, signature };
  if (delegate === null) {
    if (!isSigned(signed, issuer)) throw new OcspError("bad OCSP signature");
  } else {
    if (!isSigned(signed, delegate)) throw new OcspError("bad signature on embedded certificate");
    if (!delegate.isSignedBy(issuer)) throw new OcspError("bad OCSP signature");
  }
  return { raw: bytes, ...single, isDelegationValid: delegate === null || delegate.equals(issuer) || signsResponses(delegate) };
}

function signsResponses({ extendedKeyUsages }: ChainCertificate): boolean {
  return extendedKeyUsages?.includes(ID_OCSP_SIGNING) ?? false;
}

/** Unwraps the BasicResponse. */
function basicResponse(bytes: Uint8Array): DerReader {
  const outer = onlySequence(new DerReader(bytes));
  const [status] = outer.take(TAG_ENUMERATED).contents;
  if (status !== 0) throw new OcspError(`ocsp: error from server: ${REFUSALS[status] ?? `unknown OCSP status: ${status}`}`);
  const response = outer.into(0xa0).into(TAG_SEQUENCE);
  if (objectIdentifierText(response.take(TAG_OBJECT_IDENTIFIER).contents) !== ID_BASIC_RESPONSE) {
    throw new OcspError("bad OCSP response type");
  }
  return onlySequence(new DerReader(response.take(TAG_OCTET_STRING).contents));
}

/** Contents of the SEQUENCE, which must be the only element. */
function onlySequence(reader: DerReader): DerReader {
  const contents = reader.into(TAG_SEQUENCE);
  if (!reader.done) throw new OcspError("trailing data in OCSP response");
  return contents;
}

function bitString(reader: DerReader): Uint8Array {
  const { contents } = reader.take(TAG_BIT_STRING);
  if (contents[0] !== 0) throw new DerError("a signature that is not a whole number of bytes");
  return contents.subarray(1);
}

/** The first single response about this certificate. */
function singleResponse(data: DerReader, certificate: ChainCertificate, issuer: ChainCertificate) {
  if (data.peek() === 0xa0) data.skip(); // version
  const responder = data.next();
  if (responder.tag !== 0xa1 && responder.tag !== 0xa2) throw new OcspError("invalid responder id tag");
  data.take(TAG_GENERALIZED_TIME); // producedAt
  for (const responses = data.into(TAG_SEQUENCE); !responses.done; ) {
    const single = responses.into(TAG_SEQUENCE);
    if (!isAbout(single.into(TAG_SEQUENCE), certificate, issuer)) continue;
    const status = statusIn(single);
    const thisUpdateMs = timeMs(single.take(TAG_GENERALIZED_TIME));
    const nextUpdateMs = single.peek() === 0xa0 ? timeMs(single.into(0xa0).take(TAG_GENERALIZED_TIME)) : null;
    if (single.peek() === 0xa1) refuseCritical(single.into(0xa1).into(TAG_SEQUENCE));
    return { status, thisUpdateMs, nextUpdateMs };
  }
  throw new OcspError("no response matching the supplied certificate");
}

/** Go's encoder leaves the status of a revocation without a time out, so an absent status means revoked. */
function statusIn(single: DerReader): OcspStatus {
  if (single.peek() === TAG_GENERALIZED_TIME) return "revoked";
  switch (single.next().tag) {
    case TAG_GOOD:
      return "good";
    case TAG_REVOKED:
      return "revoked";
    case TAG_UNKNOWN:
      return "unknown";
    default:
      throw new DerError("an unknown status");
  }
}

function isAbout(certId: DerReader, { serial }: ChainCertificate, issuer: ChainCertificate): boolean {
  const algorithm = objectIdentifierText(certId.into(TAG_SEQUENCE).take(TAG_OBJECT_IDENTIFIER).contents);
  const name = certId.take(TAG_OCTET_STRING).contents;
  const key = certId.take(TAG_OCTET_STRING).contents;
  if (Buffer.compare(certId.take(TAG_INTEGER).contents, serial) !== 0) return false;
  const hash = HASHES[algorithm];
  if (hash === undefined) throw new OcspError("unsupported issuer hash algorithm");
  const matches = (bytes: Uint8Array, digest: Uint8Array) => createHash(hash).update(bytes).digest().equals(digest);
  return matches(issuer.subjectName, name) && matches(issuer.publicKeyBits, key);
}

function refuseCritical(extensions: DerReader): void {
  while (!extensions.done) {
    const extension = extensions.into(TAG_SEQUENCE);
    extension.take(TAG_OBJECT_IDENTIFIER);
    if (extension.peek() === TAG_BOOLEAN && extension.next().contents[0] !== 0) throw new OcspError("unsupported critical extension");
  }
}

/** The first included certificate; responders need to send only one. */
function delegateIn(basic: DerReader): ChainCertificate | null {
  if (basic.done) return null;
  const certificates = basic.into(0xa0).into(TAG_SEQUENCE);
  return certificates.done ? null : new ChainCertificate(certificates.next().whole);
}

interface Signed {
  readonly data: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

function isSigned({ data, algorithm, signature }: Signed, signer: ChainCertificate): boolean {
  const row = SIGNATURES[algorithm];
  if (row === undefined) throw new OcspError(`unknown signature algorithm ${algorithm}`);
  try {
    const { publicKey } = signer.x509;
    return publicKey.asymmetricKeyType === row.key && verify(row.hash, data, publicKey, signature);
  } catch {
    return false; // not a certificate, or a key type unknown to node:crypto
  }
}
