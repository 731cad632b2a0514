/** The parts of a certificate that chains and OCSP need, read from its DER. Signatures are verified by node:crypto. */
import { createHash, X509Certificate } from "node:crypto";
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
} from "../der-reader.ts";
import { distinguishedName } from "../distinguished-name.ts";

const ID_KEY_USAGE = "2.5.29.15";
const ID_BASIC_CONSTRAINTS = "2.5.29.19";
const ID_NAME_CONSTRAINTS = "2.5.29.30";
const ID_EXTENDED_KEY_USAGE = "2.5.29.37";
const ID_AUTHORITY_INFORMATION = "1.3.6.1.5.5.7.1.1";
const ID_OCSP = "1.3.6.1.5.5.7.48.1";
const ID_SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const ID_CERTIFICATE_POLICIES = "2.5.29.32";
/** Critical extensions that do not restrict an authority in a way that this code ignores. */
const UNDERSTOOD = new Set([
  ID_KEY_USAGE,
  ID_BASIC_CONSTRAINTS,
  ID_EXTENDED_KEY_USAGE,
  ID_SUBJECT_ALTERNATIVE_NAME,
  ID_CERTIFICATE_POLICIES,
]);
const URI = 0x86;
const KEY_CERT_SIGN = 0x04; // bit 5 of the first byte, counted from its top
const RESPONDERS_MAX = 10;

export class ChainCertificate {
  readonly version: number;
  /** Contents of the INTEGER. */
  readonly serial: Uint8Array;
  /** Whole DER. */
  readonly issuerName: Buffer;
  readonly subjectName: Buffer;
  /** As shown in logs: the attributes known to Go, RFC 2253. */
  readonly subject: string;
  readonly issuer: string;
  /** Wall clock, ms. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The key without its algorithm: what OCSP hashes. */
  readonly publicKeyBits: Uint8Array;
  /** Null when the extension is absent. */
  readonly isAuthority: boolean | null = null;
  /** Most authorities allowed between this one and a leaf; null: no limit. */
  readonly pathLength: number | null = null;
  /** Null: any use. */
  readonly keyUsage: number | null = null;
  /** Identifiers; null: any use. */
  readonly extendedKeyUsages: readonly string[] | null = null;
  /** It has name constraints, or another critical extension that this code does not evaluate. */
  readonly isRestricted: boolean = false;
  /** URLs of responders, http and https only. */
  readonly responders: readonly string[] = [];
  private parsed: X509Certificate | null = null;

  /** @throws DerError when the bytes are not a certificate */
  constructor(readonly raw: Uint8Array) {
    const body = new DerReader(raw).into(TAG_SEQUENCE).into(TAG_SEQUENCE);
    this.version = body.peek() === 0xa0 ? 1 + (body.into(0xa0).take(TAG_INTEGER).contents[0] ?? 0) : 1;
    this.serial = body.take(TAG_INTEGER).contents;
    body.take(TAG_SEQUENCE); // signature algorithm
    const issuer = body.take(TAG_SEQUENCE);
    this.issuerName = Buffer.from(issuer.whole);
    this.issuer = distinguishedName(issuer.contents, "known");
    const validity = body.into(TAG_SEQUENCE);
    this.notBeforeMs = timeMs(validity.next());
    this.notAfterMs = timeMs(validity.next());
    const subject = body.take(TAG_SEQUENCE);
    this.subjectName = Buffer.from(subject.whole);
    this.subject = distinguishedName(subject.contents, "known");
    const publicKey = body.into(TAG_SEQUENCE);
    publicKey.take(TAG_SEQUENCE);
    this.publicKeyBits = publicKey.take(TAG_BIT_STRING).contents.subarray(1);
    while (!body.done && body.peek() !== 0xa3) body.skip(); // unique identifiers
    if (body.done) return;
    for (const list = body.into(0xa3).into(TAG_SEQUENCE); !list.done; ) {
      const extension = list.into(TAG_SEQUENCE);
      const id = objectIdentifierText(extension.take(TAG_OBJECT_IDENTIFIER).contents);
      const critical = extension.peek() === TAG_BOOLEAN && extension.next().contents[0] !== 0;
      if (id === ID_NAME_CONSTRAINTS || (critical && !UNDERSTOOD.has(id))) this.isRestricted = true;
      const value = new DerReader(extension.take(TAG_OCTET_STRING).contents);
      switch (id) {
        case ID_BASIC_CONSTRAINTS: {
          const constraints = value.into(TAG_SEQUENCE);
          this.isAuthority = constraints.peek() === TAG_BOOLEAN && constraints.next().contents[0] !== 0;
          this.pathLength = constraints.done ? null : smallInteger(constraints.take(TAG_INTEGER).contents);
          break;
        }
        case ID_KEY_USAGE:
          this.keyUsage = value.take(TAG_BIT_STRING).contents[1] ?? 0;
          break;
        case ID_EXTENDED_KEY_USAGE:
          this.extendedKeyUsages = identifiersIn(value.into(TAG_SEQUENCE));
          break;
        case ID_AUTHORITY_INFORMATION:
          this.responders = respondersIn(value.into(TAG_SEQUENCE));
      }
    }
  }

  /** Cache key: base64 of the SHA-256 of its DER. */
  get fingerprint(): string {
    return createHash("sha256").update(this.raw).digest("base64");
  }

  /** For operations on its key or signature. @throws Error when node:crypto refuses it */
  get x509(): X509Certificate {
    this.parsed ??= new X509Certificate(this.raw);
    return this.parsed;
  }

  equals(other: ChainCertificate): boolean {
    return Buffer.compare(this.raw, other.raw) === 0;
  }

  /** Whether its signature was made with the key of `other`. */
  isSignedBy(other: ChainCertificate): boolean {
    try {
      return this.x509.verify(other.x509.publicKey);
    } catch {
      return false; // unknown key type or algorithm
    }
  }

  /** Whether it may sign certificates; old roots (before version 3) cannot state this. @param isTrusted it is in `ca_file` */
  maySign(isTrusted: boolean): boolean {
    if (this.keyUsage !== null && (this.keyUsage & KEY_CERT_SIGN) === 0) return false;
    return this.isAuthority ?? (isTrusted && this.version < 3);
  }
}

function smallInteger(contents: Uint8Array): number {
  return contents.length === 1 ? contents[0] : Number.POSITIVE_INFINITY;
}

function identifiersIn(list: DerReader): string[] {
  const identifiers: string[] = [];
  while (!list.done) identifiers.push(objectIdentifierText(list.take(TAG_OBJECT_IDENTIFIER).contents));
  return identifiers;
}

function respondersIn(descriptions: DerReader): string[] {
  const responders: string[] = [];
  while (!descriptions.done && responders.length < RESPONDERS_MAX) {
    const description = descriptions.into(TAG_SEQUENCE);
    const method = objectIdentifierText(description.take(TAG_OBJECT_IDENTIFIER).contents);
    const { tag, contents } = description.next();
    if (method !== ID_OCSP || tag !== URI) continue;
    const url = Buffer.from(contents).toString("latin1");
    if (/^https?:\/\//i.test(url) && URL.canParse(url)) responders.push(url);
  }
  return responders;
}
