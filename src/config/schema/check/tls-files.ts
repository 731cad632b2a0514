/**
 * Checks whether the files of a tls block can be used, so that `-t` and a reload report errors before a listener loads the files. Errors
 * have the reference's texts.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { goReadError } from "../../../base/go/file-error.ts";
import type { KeyPairFiles, TlsOptions } from "../../../wire/transport/tls/tls-options.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/;
const KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\s\S]+?-----END (?:[A-Z]+ )?PRIVATE KEY-----/;

/** @returns the error; null when the files can be used */
export function tlsFilesFault({ certificates, caFile }: Pick<TlsOptions, "certificates" | "caFile">): string | null {
  for (const [at, pair] of certificates.entries()) {
    const which = certificates.length > 1 ? ` ${at + 1}/${certificates.length}` : "";
    const fault = pairFault(pair);
    if (fault !== null) return `error parsing X509 certificate/key pair${which}: ${fault}`;
  }
  return caFile === null ? null : authorityFault(caFile);
}

function pairFault({ certFile, keyFile }: KeyPairFiles): string | null {
  const certText = readText(certFile);
  if ("fault" in certText) return certText.fault;
  const keyText = readText(keyFile);
  if ("fault" in keyText) return keyText.fault;
  const certPem = CERTIFICATE.exec(certText.text)?.[0];
  if (certPem === undefined) return missingPem("certificate", certText.text);
  const keyPem = KEY.exec(keyText.text)?.[0];
  if (keyPem === undefined) return missingPem("key", keyText.text);
  try {
    const certificate = new X509Certificate(certPem);
    return certificate.checkPrivateKey(createPrivateKey(keyPem)) ? null : "tls: private key does not match public key";
  } catch (error) {
    return `tls: failed to parse: ${(error as Error).message}`;
  }
}

function missingPem(what: string, text: string): string {
  if (text.includes("-----BEGIN ")) return `tls: failed to find "${what.toUpperCase()}" PEM block in ${what} input`;
  return `tls: failed to find any PEM data in ${what} input`;
}

function authorityFault(file: string): string | null {
  const read = readText(file);
  if ("fault" in read) return read.fault;
  const pem = CERTIFICATE.exec(read.text)?.[0];
  try {
    if (pem !== undefined) new X509Certificate(pem);
    return pem === undefined ? "failed to parse root ca certificate" : null;
  } catch {
    return "failed to parse root ca certificate";
  }
}

function readText(file: string): { readonly text: string } | { readonly fault: string } {
  try {
    return { text: readFileSync(file, "utf8") };
  } catch (error) {
    return { fault: goReadError(error, file) };
  }
}
