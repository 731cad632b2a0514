import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../../../test/doubles/seed.ts";
import { authority, type TestCertificate } from "../../../../../test/tls/certificates.ts";
import { sequence } from "../../../../../test/tls/der-writer.ts";
import { ocspRefusal, ocspResponse, type ResponseRequest } from "../../../../../test/tls/ocsp-responder.ts";
import { Random } from "../../../../base/random/random.ts";
import { DerError } from "../der-reader.ts";
import { ChainCertificate } from "./chain-certificate.ts";
import { ocspRequest, requestUrl } from "./ocsp-request.ts";
import { OcspError, RESPONSE_BYTES_MAX, readOcspResponse } from "./ocsp-response.ts";

const root = authority();
const leaf = root.issue({ subject: "CN=leaf" });
const other = root.issue({ subject: "CN=other" });
const delegate = root.issue({ subject: "CN=responder", usage: "ocsp" });
const stranger = authority("Stranger");

const read = (bytes: Uint8Array, certificate: TestCertificate = leaf) =>
  readOcspResponse(bytes, new ChainCertificate(certificate.der), new ChainCertificate(certificate.issuer!.der));
const reasonFor = (given: ResponseRequest) => {
  try {
    return read(ocspResponse(leaf, given)).status;
  } catch (error) {
    return (error as Error).message;
  }
};

test("reads the three statuses with their times", () => {
  const thisUpdateMs = Date.UTC(2026, 1, 3, 4, 5, 6);
  const nextUpdateMs = Date.UTC(2051, 1, 3, 4, 5, 6);
  for (const status of ["good", "revoked", "unknown"] as const) {
    expect(read(ocspResponse(leaf, { status, thisUpdateMs, nextUpdateMs }))).toMatchObject({ status, thisUpdateMs, nextUpdateMs });
  }
  expect(read(ocspResponse(leaf, { nextUpdateMs: null })).nextUpdateMs).toBeNull();
  expect(read(ocspResponse(leaf, { hash: "sha256" })).status).toBe("good");
});

test("a response without a status is a revocation", () => {
  expect(read(ocspResponse(leaf, { status: "absent" })).status).toBe("revoked");
  expect(read(ocspResponse(leaf, { status: "absent", nextUpdateMs: null })).status).toBe("revoked");
});

test("verifies RSA, ECDSA and Ed25519 signatures of the issuer and of delegates", () => {
  for (const key of ["rsa", "ec", "ed25519"] as const) {
    const issuer = authority(key, key);
    const certificate = issuer.issue({ subject: "CN=x" });
    expect(read(ocspResponse(certificate), certificate)).toMatchObject({ status: "good", isDelegationValid: true });
    expect(read(ocspResponse(certificate, { sendsSigner: true }), certificate).isDelegationValid).toBe(true);
    const signer = issuer.issue({ subject: "CN=responder", usage: "ocsp", key });
    expect(read(ocspResponse(certificate, { signer }), certificate)).toMatchObject({ status: "good", isDelegationValid: true });
  }
});

test("reports a delegate whose certificate is not meant for OCSP", () => {
  expect(read(ocspResponse(leaf, { signer: root.issue({ subject: "CN=responder" }) })).isDelegationValid).toBe(false);
});

test("refuses responses about another certificate or without a trusted signature", () => {
  const none = "no response matching the supplied certificate";
  expect(reasonFor({ about: other })).toBe(none);
  expect(reasonFor({ issuer: stranger, signer: root })).toBe(none);
  expect(reasonFor({ signer: stranger, sendsSigner: false })).toBe("bad OCSP signature");
  expect(reasonFor({ signer: stranger })).toBe("bad OCSP signature"); // with its own certificate, which the issuer has not signed
  expect(reasonFor({ signer: delegate, sendsSigner: false })).toBe("bad OCSP signature");
  expect(reasonFor({ hash: "md5" })).toBe("unsupported issuer hash algorithm");
  expect(reasonFor({ criticalExtension: true })).toBe("unsupported critical extension");
  const forged = Buffer.concat([ocspResponse(leaf)]);
  forged[forged.length - 1]! ^= 1;
  expect(() => read(forged)).toThrow(new OcspError("bad OCSP signature"));
});

test("reports a responder's error status", () => {
  const reasons = [1, 2, 3, 5, 6, 9].map(status => {
    try {
      return read(ocspRefusal(status)).status;
    } catch (error) {
      return (error as Error).message;
    }
  });
  expect(reasons).toEqual(
    ["malformed", "internal error", "try later", "signature required", "unauthorized", "unknown OCSP status: 9"].map(
      text => `ocsp: error from server: ${text}`,
    ),
  );
});

test("refuses bytes that are not a response, have trailing data or are too large", () => {
  expect(() => read(Buffer.alloc(0))).toThrow(DerError);
  expect(() => read(Buffer.from("<html>"))).toThrow(DerError);
  expect(() => read(sequence(sequence()))).toThrow(DerError);
  expect(() => read(Buffer.concat([ocspResponse(leaf), Buffer.alloc(1)]))).toThrow(new OcspError("trailing data in OCSP response"));
  expect(() => read(Buffer.alloc(RESPONSE_BYTES_MAX + 1))).toThrow(OcspError);
});

test("a request names the certificate by issuer hashes and serial number, like Go's", () => {
  const der = ocspRequest(new ChainCertificate(leaf.der), new ChainCertificate(root.der));
  const { serial } = new ChainCertificate(leaf.der);
  const hashes = "300906052b0e03021a05000414[0-9a-f]{40}0414[0-9a-f]{40}";
  expect(der.toString("hex")).toMatch(new RegExp(`^304a3048304630443042${hashes}0209[0-9a-f]{18}$`));
  expect(der.subarray(-serial.length).equals(Buffer.from(serial))).toBe(true);
  expect(requestUrl("http://ocsp.example/path/", Buffer.from([0xfb, 0xff, 0xfe, 0x01]))).toBe(
    "http://ocsp.example/path/%2B%2F%2F%2BAQ%3D%3D",
  );
});

test("fuzz: a changed or cut response is refused, or has the same status and times as before", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const responses = [ocspResponse(leaf), ocspResponse(leaf, { status: "revoked", signer: delegate })];
  const truths = responses.map(bytes => read(bytes));
  for (let round = 0; round < 3_000; round++) {
    const which = random.below(responses.length);
    const bytes = Buffer.from(responses[which]!);
    for (let flips = 1 + random.below(4); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    try {
      const { status, thisUpdateMs, nextUpdateMs } = read(random.below(3) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes);
      expect(truths[which], `SEED=${seed} round=${round}`).toMatchObject({ status, thisUpdateMs, nextUpdateMs });
    } catch (error) {
      expect(error instanceof OcspError || error instanceof DerError, `SEED=${seed} round=${round} ${error}`).toBe(true);
    }
  }
});
