/** OCSP responses made for tests, valid and invalid ones, and a responder on 127.0.0.1 that sends them. */
import { createHash, sign } from "node:crypto";
import { ChainCertificate } from "../../src/wire/transport/tls/ocsp/chain-certificate.ts";
import { algorithmOf, type TestCertificate } from "./certificates.ts";
import { bits, boolean, der, generalizedTime, integer, objectIdentifier, octets, sequence, tagged, wrapped } from "./der-writer.ts";

export interface ResponseRequest {
  /** `absent`: what Go's encoder writes for a revocation without a time. */
  readonly status?: "good" | "revoked" | "unknown" | "absent";
  /** Wall clock, ms. Default: a minute ago. */
  readonly thisUpdateMs?: number;
  /** Wall clock, ms. Default: an hour from now; null: the field is absent. */
  readonly nextUpdateMs?: number | null;
  /** The certificate that the response is about, instead of the one asked for. */
  readonly about?: TestCertificate;
  /** The issuer that the response names, instead of the real one. */
  readonly issuer?: TestCertificate;
  /** Signs the response. Default: the issuer. */
  readonly signer?: TestCertificate;
  /** Whether the response contains the signer's certificate. Default: only when the signer is not the issuer. */
  readonly sendsSigner?: boolean;
  readonly hash?: "sha1" | "sha256" | "md5";
  readonly criticalExtension?: boolean;
}

const HASHES = { sha1: "1.3.14.3.2.26", sha256: "2.16.840.1.101.3.4.2.1", md5: "1.2.840.113549.2.5" };
const MINUTE_MS = 60_000;

/** The issuer's answer about a certificate. */
export function ocspResponse(certificate: TestCertificate, given: ResponseRequest = {}): Buffer {
  const issuer = given.issuer ?? certificate.issuer!;
  const { signer = issuer, sendsSigner = signer !== issuer } = given;
  const data = sequence(
    wrapped(1, signer.name),
    generalizedTime(new Date()),
    sequence(singleResponse(given.about ?? certificate, issuer, given)),
  );
  const digest = signer.key.asymmetricKeyType === "ed25519" ? null : "sha256";
  const basic = sequence(
    data,
    algorithmOf(signer.key),
    bits(sign(digest, data, signer.key)),
    ...(sendsSigner ? [wrapped(0, sequence(signer.der))] : []),
  );
  return sequence(enumerated(0), wrapped(0, sequence(objectIdentifier("1.3.6.1.5.5.7.48.1.1"), octets(basic))));
}

/** The answer of a responder that refuses: 1 malformed, 2 internal error, 3 try later, 6 unauthorized. */
export function ocspRefusal(status: number): Buffer {
  return sequence(enumerated(status));
}

function enumerated(value: number): Buffer {
  return der(0x0a, Buffer.from([value]));
}

function singleResponse(certificate: TestCertificate, issuer: TestCertificate, given: ResponseRequest): Buffer {
  const { status = "good", thisUpdateMs = Date.now() - MINUTE_MS, nextUpdateMs = Date.now() + 60 * MINUTE_MS, hash = "sha1" } = given;
  const digest = (bytes: Uint8Array) => octets(createHash(hash).update(bytes).digest());
  const { serial } = new ChainCertificate(certificate.der);
  const certId = sequence(
    sequence(objectIdentifier(HASHES[hash]), der(0x05)),
    digest(issuer.name),
    digest(new ChainCertificate(issuer.der).publicKeyBits),
    integer(serial),
  );
  const statuses = {
    good: tagged(0, Buffer.alloc(0)),
    revoked: wrapped(1, time(thisUpdateMs)),
    unknown: tagged(2, Buffer.alloc(0)),
    absent: Buffer.alloc(0),
  };
  return sequence(
    certId,
    statuses[status],
    time(thisUpdateMs),
    ...(nextUpdateMs === null ? [] : [wrapped(0, time(nextUpdateMs))]),
    ...(given.criticalExtension ? [wrapped(1, sequence(sequence(objectIdentifier("1.2.3"), boolean(true), octets(Buffer.alloc(1)))))] : []),
  );
}

/** As DER, in whole seconds: OCSP has no fractions. */
function time(ms: number): Buffer {
  return generalizedTime(new Date(Math.floor(ms / 1000) * 1000));
}

/** Answers requests with the responses that a test has put in, and keeps the requests. */
export class OcspResponder implements Disposable {
  readonly requests: { url: string; serial: string }[] = [];
  /** Responses by serial number; a certificate without one gets status 404. */
  private readonly answers = new Map<string, Buffer>();
  private readonly server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: request => this.answer(request) });

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  put(certificate: TestCertificate, answer: Buffer): void {
    this.answers.set(Buffer.from(new ChainCertificate(certificate.der).serial).toString("hex"), answer);
  }

  private answer(request: Request): Response {
    const { pathname } = new URL(request.url);
    const asked = Buffer.from(decodeURIComponent(pathname.slice(1)), "base64");
    // A request ends with the serial number, which has 9 bytes in tests.
    const serial = asked.subarray(-9).toString("hex");
    this.requests.push({ url: pathname, serial });
    const answer = this.answers.get(serial);
    return answer === undefined ? new Response("", { status: 404 }) : new Response(answer as Uint8Array<ArrayBuffer>);
  }

  [Symbol.dispose](): void {
    void this.server.stop(true);
  }
}
