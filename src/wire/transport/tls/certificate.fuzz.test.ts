import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../../test/doubles/seed.ts";
import { authority } from "../../../../test/tls/certificates.ts";
import { sequence } from "../../../../test/tls/der-writer.ts";
import { Random } from "../../../base/random/random.ts";
import { isForHost, readCertificate } from "./certificate.ts";
import { DerError, DerReader } from "./der-reader.ts";

const root = authority();
const issued = root.issue({
  subject: "O=bunats,CN=x",
  names: ["a.example", "*.b.example", "192.0.2.1"],
  emails: ["me@example"],
  uris: ["spiffe://example/me"],
  mustStaple: true,
  ocspResponder: "http://ocsp.example",
});

test("reads the fields of a certificate", () => {
  const facts = readCertificate(issued.der);
  expect(facts).toMatchObject({
    subject: "CN=x,O=bunats",
    dnsNames: ["a.example", "*.b.example"],
    emails: ["me@example"],
    uris: ["spiffe://example/me"],
    keyKind: "ecdsa-256",
    mustStaple: true,
    spkiSha256: issued.pin,
    certSha256: issued.sha256,
  });
  expect(facts.notAfterMs).toBeGreaterThan(Date.now());
  expect(readCertificate(root.issue({ subject: "CN=r", key: "rsa" }).der)).toMatchObject({
    keyKind: "rsa",
    mustStaple: false,
    dnsNames: [],
  });
  expect(readCertificate(root.issue({ subject: "", key: "ed25519" }).der)).toMatchObject({ keyKind: "ed25519", subject: "" });
});

test("a name matches a host exactly, or by one label for the asterisk, in any case", () => {
  const fits = (host: string) => isForHost(readCertificate(issued.der), host);
  expect(["a.example", "A.EXAMPLE", "a.example.", "x.b.example"].map(fits)).toEqual([true, true, true, true]);
  expect(["b.example", "x.y.b.example", ".b.example", "", "example", "192.0.2.1"].map(fits)).toEqual(Array(6).fill(false));
});

test("refuses lengths beyond the end and lengths in a non-DER form", () => {
  for (const bytes of [
    [0x30],
    [0x30, 0x05, 1],
    [0x30, 0x80],
    [0x30, 0x81, 0x01, 0],
    [0x30, 0x82, 0, 0x80],
    [0x3f, 0x01, 0],
    [0x30, 0x85, 1, 0, 0, 0, 0],
  ]) {
    expect(() => new DerReader(Buffer.from(bytes)).next()).toThrow(DerError);
  }
  expect(() => readCertificate(sequence(sequence()))).toThrow(DerError);
});

test("fuzz: a changed or cut certificate is read or refused with DerError, quickly", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 5_000; round++) {
    const bytes = Buffer.from(issued.der);
    for (let flips = 1 + random.below(5); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    try {
      const { certSha256 } = readCertificate(random.below(2) === 0 ? bytes : bytes.subarray(0, random.below(bytes.length)));
      expect(certSha256).toHaveLength(64);
    } catch (error) {
      expect(error, `SEED=${seed} round=${round}`).toBeInstanceOf(DerError);
    }
  }
});
