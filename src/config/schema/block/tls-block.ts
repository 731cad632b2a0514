/**
 * `tls { }` of a listener or of the resolver.
 *
 * Cipher suites and curves have Go's names. Those that Bun's TLS does not support are refused by name, because a server must not silently
 * offer other suites than configured. `transport/tls/tls-names.ts` lists them.
 */

import { parseGoDuration } from "../../../base/go/duration.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { CIPHER_SUITES, CURVES } from "../../../wire/transport/tls/tls-names.ts";
import { type KeyPairFiles, TLS_DEFAULTS, type TlsOptions, type TlsRules } from "../../../wire/transport/tls/tls-options.ts";
import { type ConfigValue, goTypeOf } from "../../language/config-value.ts";
import { tlsFilesFault } from "../check/tls-files.ts";
import { type Field, field, missingField, readBlock, type UnknownText } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { arrayIn, mapIn, millisecondsOf, type Reader, reader, safeInteger, seconds, textIn } from "../row/reader.ts";
import { type Draft, OCSP_PEER_FIELDS, ocspPeerBlock } from "./ocsp-block.ts";

/** Time for a client to begin the handshake with `handshake_first: auto`. */
const AUTO_FALLBACK_MS = 50;

interface TlsDraft extends Draft<TlsOptions> {
  certFile: string;
  keyFile: string;
  hasCerts: boolean;
}

const unknownTlsField: UnknownText = key => `error parsing tls config, unknown field ${quoted(key)}`;

const filename = reader("file name", ({ data }, { key }) => {
  if (typeof data === "string") return data;
  throw new ConfigFault(`error parsing tls config, expected '${key.toLowerCase()}' to be filename`);
});

const tlsSwitch = reader("boolean", ({ data }, { key }) => {
  if (typeof data === "boolean") return data;
  throw new ConfigFault(`error parsing tls config, expected '${key.toLowerCase()}' to be a boolean`);
});

const verification = reader("boolean or `optional`", ({ data }) => {
  if (typeof data === "boolean") return data;
  if (typeof data === "string" && data.toLowerCase() === "optional") return "optional";
  throw new ConfigFault("error parsing tls config, expected 'verify' to be a boolean or 'optional'");
});

/** A non-empty list; errors have the place of the wrong element. */
function namesFrom(check: (name: string) => string | null): Reader<readonly string[]> {
  return reader("list of strings", (value, { key, problems }) => {
    const elements = arrayIn(value);
    if (elements.length === 0) throw new ConfigFault(`error parsing tls config, '${key.toLowerCase()}' cannot be empty`);
    for (const element of elements) {
      const fault = check(textIn(element));
      if (fault !== null) problems.error(element, fault);
    }
    return elements.map(textIn);
  });
}

const cipherSuites = namesFrom(name => {
  if (!Object.hasOwn(CIPHER_SUITES, name)) return `unrecognized cipher ${name}`;
  return CIPHER_SUITES[name]!.openssl === null ? `cipher ${name} is not supported: Bun's TLS has none of that name` : null;
});

const curves = namesFrom(name => {
  if (!Object.hasOwn(CURVES, name)) return `unrecognized curve preference ${name}`;
  return CURVES[name] === null ? `curve preference ${name} is not supported: Bun's TLS has none of that name` : null;
});

const rateLimit = reader("integer", ({ data }) => {
  if (typeof data === "bigint") return safeInteger(data);
  throw new ConfigFault("error parsing tls config, 'connection_rate_limit' wrong type");
});

const SPKI = "hex-encoded sha256 of DER encoded SubjectPublicKeyInfo";

const pinnedCerts = reader<readonly string[]>("list of hexadecimal SHA-256", ({ data }, { problems }) => {
  if (!Array.isArray(data)) throw new ConfigFault(`error parsing tls config, expected 'pinned_certs' to be a list of ${SPKI}`);
  const pinned = new Set<string>();
  for (const element of data) {
    const digest = textIn(element).toLowerCase();
    if (/^[0-9a-f]{64}$/.test(digest)) pinned.add(digest);
    else problems.error(element, `error parsing tls config, 'pinned_certs' key ${digest} does not look like ${SPKI}`);
  }
  return [...pinned].sort();
});

const minVersion = reader<TlsRules["minVersion"]>("`1.2` or `1.3`", ({ data }) => {
  if (typeof data !== "string") throw new ConfigFault(`error parsing tls config: 'min_version' wrong type: ${data}`);
  if (data === "1.2" || data === "1.3") return data;
  const refusal = data === "1.0" || data === "1.1" ? `unsupported TLS version: TLS ${data}` : `unknown version: ${data}`;
  throw new ConfigFault(`error parsing tls config: ${refusal}`);
});

interface HandshakeFirst {
  readonly first: boolean;
  readonly fallbackMs: number;
}

const WORDS: Readonly<Record<string, HandshakeFirst>> = {
  true: { first: true, fallbackMs: 0 },
  on: { first: true, fallbackMs: 0 },
  false: { first: false, fallbackMs: 0 },
  off: { first: false, fallbackMs: 0 },
  auto: { first: true, fallbackMs: AUTO_FALLBACK_MS },
  auto_fallback: { first: true, fallbackMs: AUTO_FALLBACK_MS },
};

const handshakeFirst = reader<HandshakeFirst>("boolean, `auto`, or duration", ({ data }, { key }) => {
  if (typeof data === "boolean") return { first: data, fallbackMs: 0 };
  if (typeof data !== "string") throw new ConfigFault(`field ${quoted(key)} should be a boolean or a string, got ${goTypeOf(data)}`);
  const word = data.toLowerCase();
  if (Object.hasOwn(WORDS, word)) return WORDS[word]!;
  const nanoseconds = parseGoDuration(data);
  if (typeof nanoseconds === "string") throw new ConfigFault(`field ${quoted(key)}'s value ${quoted(data)} is invalid`);
  return { first: true, fallbackMs: Math.max(0, millisecondsOf(nanoseconds)) };
});

const certificates = reader<readonly KeyPairFiles[]>("list of `{ cert_file, key_file }`", (value, { problems }) => {
  const wrong = (found: ConfigValue) =>
    new ConfigFault(`error parsing certificates config: unsupported type ${goTypeOf(found.data)}`, found);
  if (!Array.isArray(value.data)) throw wrong(value);
  return value.data.map(pair => {
    if (!(pair.data instanceof Map)) throw wrong(pair);
    const files = { certFile: "", keyFile: "" };
    for (const [key, file] of pair.data) {
      if (typeof file.data !== "string") throw wrong(file);
      if (key === "cert_file") files.certFile = file.data;
      else if (key === "key_file") files.keyFile = file.data;
      else problems.error(file, `error parsing tls certs config, unknown field ${quoted(key)}`);
    }
    if (files.certFile === "" || files.keyFile === "") {
      throw new ConfigFault("error parsing certificates config: both 'cert_file' and 'cert_key' options are required", pair);
    }
    return files;
  });
});

const timeout = seconds("error parsing tls config, 'timeout' wrong type", error => `error parsing tls config, 'timeout' ${error}`);

const off = { initial: "false" };

export const TLS_FIELDS: readonly Field<TlsDraft>[] = [
  field("cert_file", filename, "certificate, with its chain, PEM", (draft, file) => (draft.certFile = file)),
  field("key_file", filename, "private key of the certificate, PEM", (draft, file) => (draft.keyFile = file)),
  field("ca_file", filename, "certificate authorities for clients' certificates, PEM", (draft, file) => (draft.caFile = file || null)),
  field("certs certificates", certificates, "several certificates; the server name that a client requests selects one", (draft, pairs) => {
    draft.certificates = pairs;
    draft.hasCerts = pairs.length > 0;
  }),
  field(
    "verify",
    verification,
    "clients must present a certificate; `optional`: one that they present must be valid",
    (draft, given) => {
      if (given === "optional") draft.verifyOptional = true;
      else draft.verify = given;
    },
    off,
  ),
  field(
    "verify_and_map",
    tlsSwitch,
    "the certificate also identifies the user",
    (draft, on) => {
      if (on) draft.verify = true;
      draft.mapsCertificate = on;
    },
    off,
  ),
  field(
    "verify_cert_and_check_known_urls",
    reader("boolean", (value, context) => {
      if (tlsSwitch.read(value, context)) throw new ConfigFault("verify_cert_and_check_known_urls not supported in this context");
    }),
    "for clusters and gateways only",
    () => {},
    off,
  ),
  field(
    "insecure",
    tlsSwitch,
    "for outgoing connections only: the peer's certificate is not checked",
    (draft, on) => (draft.insecure = on),
    off,
  ),
  field("min_version", minVersion, "oldest version of TLS", (draft, version) => (draft.minVersion = version), { initial: "1.2" }),
  field(
    "cipher_suites",
    cipherSuites,
    "cipher suites of TLS 1.2, by Go's names; those of TLS 1.3 are always enabled",
    (draft, names) => (draft.cipherSuites = names),
    {
      initial: "all secure ones",
    },
  ),
  field("curve_preferences", curves, "curves, by Go's names, in order of preference", (draft, names) => (draft.curvePreferences = names), {
    initial: "all",
  }),
  field(
    "allow_insecure_cipher_suites",
    tlsSwitch,
    "allow cipher suites that Go considers insecure",
    (draft, on) => (draft.allowInsecureCipherSuites = on),
    off,
  ),
  field("timeout", timeout, "timeout of a handshake", (draft, time) => (draft.timeoutMs = time || TLS_DEFAULTS.timeoutMs), {
    initial: "2s",
  }),
  field(
    "connection_rate_limit",
    rateLimit,
    "maximum handshakes per second; 0: no limit",
    (draft, limit) => (draft.connectionRateLimit = Math.max(0, limit)),
    {
      initial: "0",
    },
  ),
  field(
    "pinned_certs",
    pinnedCerts,
    "SHA-256 of the public keys of the only accepted certificates",
    (draft, pinned) => (draft.pinnedCerts = pinned),
  ),
  field(
    "handshake_first first immediate",
    handshakeFirst,
    "TLS handshake before INFO; with `auto` the server waits 50ms for it before it sends INFO, with a duration that long",
    (draft, { first, fallbackMs }) => {
      draft.handshakeFirst = first;
      draft.handshakeFirstFallbackMs = fallbackMs;
    },
    off,
  ),
  field("ocsp_peer", ocspPeerBlock, "clients' certificates are checked by OCSP", (draft, peer) => (draft.ocspPeer = peer), {
    initial: "false",
    fields: OCSP_PEER_FIELDS,
  }),
  ...["cert_store", "cert_match_by", "cert_match", "ca_certs_match", "cert_match_skip_invalid"].map(name =>
    missingField(name, "certificate stores of Windows"),
  ),
];

export const tlsBlock: Reader<TlsOptions> = reader("block", (value, { problems }) => {
  const map = mapIn(value);
  const draft: TlsDraft = { ...TLS_DEFAULTS, certFile: "", keyFile: "", hasCerts: false };
  readBlock(map, TLS_FIELDS, draft, problems, unknownTlsField);
  const { certFile, keyFile, hasCerts, ...options } = draft;
  if (hasCerts && certFile !== "") throw new ConfigFault("error parsing tls config, cannot combine 'cert_file' option with 'certs' option");
  if (options.verify && options.verifyOptional) throw new ConfigFault(`error parsing tls config, ${VERIFY_TWICE}`);
  const insecure = options.cipherSuites.filter(name => CIPHER_SUITES[name]?.insecure === true);
  if (insecure.length > 0 && !options.allowInsecureCipherSuites) {
    const option = "'allow_insecure_cipher_suites' option set";
    throw new ConfigFault(`insecure cipher suites configured without ${option}: ${insecure.join(", ")}`);
  }
  if (certFile !== "" && keyFile === "") throw new ConfigFault("missing 'key_file' in TLS configuration");
  if (certFile === "" && keyFile !== "") throw new ConfigFault("missing 'cert_file' in TLS configuration");
  const complete = certFile === "" ? options : { ...options, certificates: [{ certFile, keyFile }] };
  const fault = tlsFilesFault(complete);
  if (fault !== null) throw new ConfigFault(fault);
  return complete;
});

const VERIFY_TWICE = "cannot combine 'verify: optional' with options requiring client certificates";

/** @returns why a complete block is invalid; null when it is valid */
export function tlsFault(tls: TlsOptions | null): string | null {
  if (tls?.verify && tls.verifyOptional) return "cannot enable both required and optional client certificate verification";
  if (tls?.ocspPeer && !tls.verify) return "OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled";
  const digest = tls?.pinnedCerts.find(pinned => !/^[0-9a-f]{64}$/.test(pinned));
  return digest === undefined ? null : `error parsing 'pinned_certs' key ${digest} does not look like lower case ${SPKI}`;
}
