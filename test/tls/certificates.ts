/**
 * Certificates made while a test runs: none expires in the repository, no key is stored in it, and no program is needed.
 *
 *   authority("Test CA") ─ issue({ subject: "CN=server", names: ["localhost"] }) ─▶ TestCertificate: PEM texts, DER
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bits,
  boolean,
  der,
  generalizedTime,
  integer,
  objectIdentifier,
  octets,
  SET,
  sequence,
  tagged,
  utcTime,
  utf8,
  wrapped,
} from "./der-writer.ts";

const DAY_MS = 86_400_000;
const YEAR_2050_MS = Date.UTC(2050, 0, 1);

export type KeyKind = "ec" | "rsa" | "ed25519";

export interface CertificateRequest {
  /** RDNs in the certificate's order, with `+` between the values of one RDN: `O=Synadia,CN=server+UID=1`. */
  readonly subject: string;
  /** DNS names and IPv4 addresses that it is valid for. */
  readonly names?: readonly string[];
  readonly emails?: readonly string[];
  readonly uris?: readonly string[];
  readonly key?: KeyKind;
  readonly authority?: boolean;
  /** From now; negative: expired. */
  readonly validDays?: number;
  readonly ocspResponder?: string | readonly string[];
  /** The TLS feature extension that demands a stapled OCSP response. */
  readonly mustStaple?: boolean;
  /** "ocsp": signs OCSP responses in its issuer's name. */
  readonly usage?: "client" | "server" | "both" | "ocsp";
  /** How many authorities may follow below it in a chain. */
  readonly pathLength?: number;
  /** DNS names that its leaves may have. */
  readonly permittedNames?: string;
}

const ATTRIBUTES: Record<string, string> = {
  CN: "2.5.4.3",
  SERIALNUMBER: "2.5.4.5",
  C: "2.5.4.6",
  L: "2.5.4.7",
  ST: "2.5.4.8",
  STREET: "2.5.4.9",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  POSTALCODE: "2.5.4.17",
  DC: "0.9.2342.19200300.100.1.25",
  UID: "0.9.2342.19200300.100.1.1",
};

export class TestCertificate {
  constructor(
    readonly der: Buffer,
    readonly key: KeyObject,
    private readonly subject: Buffer,
    /** Certificate of the signer; null when it is self-signed. */
    readonly issuer: TestCertificate | null,
  ) {}

  get pem(): string {
    return pemOf(this.der);
  }

  get keyPem(): string {
    return this.key.export({ type: "pkcs8", format: "pem" }) as string;
  }

  /** This certificate and the intermediate ones, as a server sends them; without the root. */
  get chainPem(): string {
    let text = this.pem;
    for (let above = this.issuer; above !== null && above.issuer !== null; above = above.issuer) text += above.pem;
    return text;
  }

  get sha256(): string {
    return createHash("sha256").update(this.der).digest("hex");
  }

  /** SHA-256 of its public key, as it is pinned. */
  get pin(): string {
    return createHash("sha256").update(publicKeyDer(this.key)).digest("hex");
  }

  issue(request: CertificateRequest): TestCertificate {
    return make(request, this);
  }

  /** The same name and key, signed by another issuer. */
  crossSigned(request: Omit<CertificateRequest, "subject">, issuer: TestCertificate): TestCertificate {
    return make({ subject: "", ...request }, issuer, this);
  }

  /** Its name as DER, for the certificates that it signs. */
  get name(): Buffer {
    return this.subject;
  }
}

/** A root that signs others. */
export function authority(name = "Test CA", key: KeyKind = "ec"): TestCertificate {
  return make({ subject: `O=bunats,CN=${name}`, authority: true, key }, null);
}

/** A certificate that is signed with its own key. */
export function selfSigned(request: CertificateRequest): TestCertificate {
  return make(request, null);
}

function make(request: CertificateRequest, issuer: TestCertificate | null, twin: TestCertificate | null = null): TestCertificate {
  const key = twin?.key ?? newKey(request.key ?? "ec");
  const subject = twin?.name ?? nameOf(request.subject);
  const signer = issuer?.key ?? key;
  const algorithm = algorithmOf(signer);
  const now = Date.now();
  const validDays = request.validDays ?? 30;
  const body = sequence(
    wrapped(0, integer(2)),
    integer(Buffer.concat([Buffer.from([0x11]), randomBytes(8)])),
    algorithm,
    issuer?.name ?? subject,
    sequence(timeOf(now - 2 * DAY_MS), timeOf(now + validDays * DAY_MS)),
    subject,
    publicKeyDer(key),
    wrapped(3, sequence(...extensionsOf(request))),
  );
  const digest = signer.asymmetricKeyType === "ed25519" ? null : "sha256";
  return new TestCertificate(sequence(body, algorithm, bits(sign(digest, body, signer))), key, subject, issuer);
}

function newKey(kind: KeyKind): KeyObject {
  if (kind === "rsa") return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  if (kind === "ed25519") return generateKeyPairSync("ed25519").privateKey;
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

function publicKeyDer(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}

export function algorithmOf(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === "rsa") return sequence(objectIdentifier("1.2.840.113549.1.1.11"), der(0x05));
  return sequence(objectIdentifier(key.asymmetricKeyType === "ed25519" ? "1.3.101.112" : "1.2.840.10045.4.3.2"));
}

function timeOf(ms: number): Buffer {
  return ms < YEAR_2050_MS ? utcTime(new Date(ms)) : generalizedTime(new Date(ms));
}

/** A name as DER: `DC=com,O=Synadia,CN=a+UID=b`, in the given order. `\,` and `\+` stand for a comma and a plus in a value. */
export function nameOf(text: string): Buffer {
  if (text === "") return sequence();
  return sequence(
    ...text.split(/(?<!\\),/).map(rdn =>
      der(
        SET,
        ...rdn.split(/(?<!\\)\+/).map(pair => {
          const at = pair.indexOf("=");
          const name = pair.slice(0, at);
          return sequence(objectIdentifier(ATTRIBUTES[name] ?? name), utf8(pair.slice(at + 1).replace(/\\(.)/g, "$1")));
        }),
      ),
    ),
  );
}

function extensionsOf(request: CertificateRequest): Buffer[] {
  const { names = [], emails = [], uris = [], usage = "both" } = request;
  const extension = (id: string, value: Buffer, critical = false) =>
    sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octets(value));
  const extensions: Buffer[] = [];
  if (request.authority) {
    const { pathLength, permittedNames } = request;
    const length = pathLength === undefined ? [] : [integer(pathLength)];
    extensions.push(extension("2.5.29.19", sequence(boolean(true), ...length), true));
    if (permittedNames !== undefined) {
      const subtree = sequence(tagged(2, Buffer.from(permittedNames)));
      extensions.push(extension("2.5.29.30", sequence(wrapped(0, subtree)), true));
    }
  } else {
    const usages = [
      ...(usage === "client" || usage === "ocsp" ? [] : [objectIdentifier("1.3.6.1.5.5.7.3.1")]),
      ...(usage === "server" || usage === "ocsp" ? [] : [objectIdentifier("1.3.6.1.5.5.7.3.2")]),
      ...(usage === "ocsp" ? [objectIdentifier("1.3.6.1.5.5.7.3.9")] : []),
    ];
    extensions.push(extension("2.5.29.37", sequence(...usages)));
  }
  const alternatives = [
    ...names.map(name =>
      /^\d+\.\d+\.\d+\.\d+$/.test(name) ? tagged(7, Buffer.from(name.split(".").map(Number))) : tagged(2, Buffer.from(name)),
    ),
    ...emails.map(email => tagged(1, Buffer.from(email))),
    ...uris.map(uri => tagged(6, Buffer.from(uri))),
  ];
  if (alternatives.length > 0) extensions.push(extension("2.5.29.17", sequence(...alternatives)));
  if (request.ocspResponder !== undefined) {
    const locations = [request.ocspResponder]
      .flat()
      .map(url => sequence(objectIdentifier("1.3.6.1.5.5.7.48.1"), tagged(6, Buffer.from(url))));
    extensions.push(extension("1.3.6.1.5.5.7.1.1", sequence(...locations)));
  }
  if (request.mustStaple) extensions.push(extension("1.3.6.1.5.5.7.1.24", sequence(integer(5))));
  return extensions;
}

function pemOf(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** A directory of PEM files, removed after the test. */
export class CertificateDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "bunats-tls-"));

  /** Writes a text, for example one that is not a certificate. @returns the path */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Writes `<name>.pem` with the chain and `<name>-key.pem`. */
  store(name: string, certificate: TestCertificate): { certFile: string; keyFile: string } {
    return { certFile: this.write(`${name}.pem`, certificate.chainPem), keyFile: this.write(`${name}-key.pem`, certificate.keyPem) };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
