/** OCSP fields of the file: checks of peers (`tls { ocsp_peer }`), the response cache (`ocsp_cache`), and stapling (`ocsp`). */

import { quoted } from "../../../base/go/strconv.ts";
import {
  OCSP_CACHE_DEFAULTS,
  OCSP_PEER_DEFAULTS,
  type OcspCacheRules,
  type OcspPeerRules,
} from "../../../wire/transport/tls/ocsp/ocsp-rules.ts";
import { goTypeOf } from "../../language/config-value.ts";
import { type Field, field, readBlock, type UnknownText } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { notA, type ReadContext, type Reader, reader, seconds, textIn } from "../row/reader.ts";

/** An option value that is still writable. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

type PeerDraft = Draft<OcspPeerRules> & { verify: boolean };

const unknownPeerField: UnknownText = key => `error parsing tls peer config, unknown field [${quoted(key)}]`;

/** The reference refuses a value of the wrong type as it refuses an unknown field. */
function booleanOr(refusal: UnknownText): Reader<boolean> {
  return reader("boolean", ({ data }, { key }) => {
    if (typeof data === "boolean") return data;
    throw new ConfigFault(refusal(key));
  });
}

const peerSwitch = booleanOr(unknownPeerField);
const peerConversion = (error: string) => `error parsing tls peer config, conversion error: ${error}`;
const peerSeconds = seconds(peerConversion("unexpected type"), peerConversion);
const clockSkew = seconds(peerConversion("unexpected type"), () => peerConversion("unexpected type"));

/** Ignores a negative time and keeps the default. */
function setTime(draft: PeerDraft, name: "caTimeoutMs" | "allowedClockSkewMs" | "cacheTtlWhenNextUpdateUnsetMs", milliseconds: number) {
  if (milliseconds >= 0) draft[name] = milliseconds;
}

export const OCSP_PEER_FIELDS: readonly Field<PeerDraft>[] = [
  field("verify", peerSwitch, "peers' certificates are checked by OCSP", (draft, on) => (draft.verify = on), { initial: "false" }),
  field("ca_timeout", peerSeconds, "timeout of a responder", (draft, time) => setTime(draft, "caTimeoutMs", time), { initial: "2s" }),
  field(
    "allowed_clockskew",
    clockSkew,
    "allowed difference of a responder's clock",
    (draft, time) => setTime(draft, "allowedClockSkewMs", time),
    { initial: "30s" },
  ),
  field("warn_only", peerSwitch, "failed checks are only logged; the peer is accepted", (draft, on) => (draft.warnOnly = on), {
    initial: "false",
  }),
  field("unknown_is_good", peerSwitch, "the status Unknown counts as Good", (draft, on) => (draft.unknownIsGood = on), {
    initial: "false",
  }),
  field(
    "allow_when_ca_unreachable",
    peerSwitch,
    "peers are accepted when no responder answers",
    (draft, on) => (draft.allowWhenCaUnreachable = on),
    { initial: "false" },
  ),
  field(
    "cache_ttl_when_next_update_unset",
    peerSeconds,
    "how long a response without an expiry is cached",
    (draft, time) => setTime(draft, "cacheTtlWhenNextUpdateUnsetMs", time),
    { initial: "1h" },
  ),
];

/** @returns null when peers are not checked */
export const ocspPeerBlock: Reader<OcspPeerRules | null> = reader("boolean or block", ({ data }, { problems }) => {
  if (typeof data === "boolean") return data ? OCSP_PEER_DEFAULTS : null;
  if (!(data instanceof Map)) throw new ConfigFault(`error parsing ocsp peer config: unsupported type ${goTypeOf(data)}`);
  const draft: PeerDraft = { ...OCSP_PEER_DEFAULTS, verify: false };
  readBlock(data, OCSP_PEER_FIELDS, draft, problems, unknownPeerField);
  const { verify, ...options } = draft;
  return verify ? options : null;
});

const unknownCacheField: UnknownText = key => `error parsing OCSP peer cache config, unknown field [${quoted(key)}]`;
const cacheConversion = (error: string) => `error parsing OCSP peer cache config, conversion error: ${error}`;
const SAVE_INTERVAL_MIN_MS = 1_000;

function cacheText(accept: (text: string) => string): Reader<string> {
  return reader("string", ({ data }, { key }) => {
    if (typeof data === "string") return accept(data);
    throw new ConfigFault(unknownCacheField(key));
  });
}

const cacheType = cacheText(type => {
  if (!["none", "local"].includes(type.toLowerCase())) {
    throw new ConfigFault(`error parsing OCSP peer cache config, unknown type [${type}]`);
  }
  return type.toLowerCase();
});

const saveInterval = seconds(cacheConversion("unexpected type"), peerConversion);

export const OCSP_CACHE_FIELDS: readonly Field<Draft<OcspCacheRules>>[] = [
  field("type", cacheType, "`none` or `local`", (draft, type) => (draft.type = type as OcspCacheRules["type"]), { initial: "local" }),
  field(
    "local_store",
    cacheText(path => path),
    "directory of the cache",
    (draft, path) => (draft.localStore = path),
    { initial: "_rc_" },
  ),
  field(
    "preserve_revoked",
    booleanOr(unknownCacheField),
    "the cache keeps the status of a revoked certificate",
    (draft, on) => (draft.preserveRevoked = on),
    {
      initial: "false",
    },
  ),
  field(
    "save_interval",
    saveInterval,
    "time between writes to the disk, at least 1s",
    (draft, time) => (draft.saveIntervalMs = Math.max(SAVE_INTERVAL_MIN_MS, time - (time % 1_000))),
    { initial: "5m" },
  ),
];

export const ocspCacheBlock: Reader<OcspCacheRules> = reader("boolean or block", ({ data }, { problems }) => {
  if (typeof data === "boolean") return { ...OCSP_CACHE_DEFAULTS, type: data ? "local" : "none" };
  if (!(data instanceof Map)) throw new ConfigFault(`error parsing tags: unsupported type ${goTypeOf(data)}`);
  const draft: Draft<OcspCacheRules> = { ...OCSP_CACHE_DEFAULTS };
  readBlock(data, OCSP_CACHE_FIELDS, draft, problems, unknownCacheField);
  return draft;
});

export type OcspStapling = "auto" | "never";

const stapleMode = reader<OcspStapling>("`auto` or `never`", value => {
  const mode = textIn(value).toLowerCase();
  if (mode === "auto" || mode === "never") return mode;
  if (mode !== "always" && mode !== "must") {
    throw new ConfigFault(`error parsing ocsp config: unsupported ocsp mode string (${quoted(textIn(value))})`);
  }
  throw new ConfigFault(`ocsp mode ${quoted(mode)} is not supported: this server cannot staple (OCSP stapling)`);
});

export const OCSP_FIELDS: readonly Field<{ mode: OcspStapling }>[] = [
  field(
    "mode",
    stapleMode,
    "this server cannot staple responses; `auto` refuses a certificate that requires stapling",
    (draft, mode) => (draft.mode = mode),
    {
      initial: "auto",
    },
  ),
  field("url", reader("string", textIn), "responder for stapling; no effect, because this server does not staple", () => {}),
  field(
    "urls",
    reader("", value => {
      throw notA("[]string", value); // no configuration value has this Go type, neither in the reference
    }),
    "cannot be set, as in nats-server",
    () => {},
  ),
];

export const ocspBlock: Reader<OcspStapling> = reader("boolean or block", ({ data }, { problems }: ReadContext) => {
  if (typeof data === "boolean") return data ? "auto" : "never";
  if (!(data instanceof Map)) throw new ConfigFault(`error parsing ocsp config: unsupported type ${goTypeOf(data)}`);
  const draft: { mode: OcspStapling } = { mode: "auto" };
  readBlock(data, OCSP_FIELDS, draft, problems, key => `error parsing ocsp config: unsupported field string (${quoted(key)})`);
  return draft.mode;
});
