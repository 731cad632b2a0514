/**
 * A request about one certificate (RFC 6960 §4.1), and the URL for sending it by GET (appendix A.1).
 *
 *   OCSPRequest = SEQUENCE { SEQUENCE { requestList SEQUENCE { SEQUENCE { CertID } } } }
 *   CertID      = SEQUENCE { hash algorithm, hash of the issuer's name, hash of the issuer's key, serial number }
 * SHA-1 is the usual hash here: it only identifies a known authority and proves nothing.
 */
import { createHash } from "node:crypto";
import { TAG_INTEGER, TAG_OCTET_STRING, TAG_SEQUENCE } from "../der-reader.ts";
import type { ChainCertificate } from "./chain-certificate.ts";

/** AlgorithmIdentifier of SHA-1 (1.3.14.3.2.26, NULL). */
const SHA1 = Buffer.from("300906052b0e03021a0500", "hex");

export function ocspRequest(certificate: ChainCertificate, issuer: ChainCertificate): Buffer {
  const hash = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest();
  const certId = element(
    TAG_SEQUENCE,
    SHA1,
    element(TAG_OCTET_STRING, hash(issuer.subjectName)),
    element(TAG_OCTET_STRING, hash(issuer.publicKeyBits)),
    element(TAG_INTEGER, certificate.serial),
  );
  const requestList = element(TAG_SEQUENCE, element(TAG_SEQUENCE, certId));
  return element(TAG_SEQUENCE, element(TAG_SEQUENCE, requestList));
}

export function requestUrl(responder: string, request: Uint8Array): string {
  const text = encodeURIComponent(Buffer.from(request).toString("base64"));
  return `${responder.replace(/\/$/, "")}/${text}`;
}

function element(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}
