/**
 * The TLS flags, which only work together: `--tls --tlscert cert.pem --tlskey key.pem`. They replace the certificate settings of the
 * file's tls block and keep its timeouts and pinned certificates.
 */

import type { GivenFlag } from "../base/go/flags.ts";
import { tlsFilesFault } from "../config/schema/check/tls-files.ts";
import type { TlsOptions } from "../wire/transport/tls/tls-options.ts";

/** The value of the option `tls` that the flags set; null switches TLS off. */
export type TlsFlags = { readonly tls: Partial<TlsOptions> | null } | { readonly error: string };

/** @param given flags whose names begin with `tls`, at least one */
export function tlsOf(given: readonly GivenFlag[]): TlsFlags {
  const last = (name: string) => given.findLast(flag => flag.name === name)?.value;
  if (last("tls") === false) return { tls: null };
  const certFile = (last("tlscert") ?? "") as string;
  const keyFile = (last("tlskey") ?? "") as string;
  if (certFile === "") return { error: "TLS Server certificate must be present and valid" };
  if (keyFile === "") return { error: "TLS Server private key must be present and valid" };
  const caFile = ((last("tlscacert") ?? "") as string) || null;
  const files = { certificates: [{ certFile, keyFile }], caFile };
  const fault = tlsFilesFault(files);
  if (fault !== null) return { error: fault };
  const verify = last("tlsverify");
  const verification = { verify: verify === true, verifyOptional: verify === "optional" };
  return { tls: { ...files, ...verification, cipherSuites: [], curvePreferences: [] } };
}
