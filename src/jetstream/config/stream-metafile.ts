/**
 * The JSON of a stream's `meta.inf`: when it was created, and its configuration. The bytes are those that nats-server writes.
 *
 *   bytes ─ strictly ─▶ fits: offlineReason is null
 *             └ an unknown field or value ─ the rest is read, field by field ─▶ offlineReason says why the stream must not be used
 * So the stream of a newer server stays listed, and its name taken.
 * Source: formats §10.2.
 */
import { decodeJson, decodeJsonStrictly } from "../../base/go/json-decode.ts";
import { decodeTree } from "../../base/go/json-decoder.ts";
import { JsonError } from "../../base/go/json-error.ts";
import { timestamp } from "../../base/go/json-scalars.ts";
import { embedded, field, structure } from "../../base/go/json-shape.ts";
import { jsonText } from "../../base/go/json-text.ts";
import { JsonList, JsonObject, parseJsonTree } from "../../base/go/json-tree.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { timestampAt } from "../../base/go/rfc3339.ts";
import { quoted } from "../../base/go/strconv.ts";
import { type Timestamp, ZERO_TIME } from "../../base/go/time.ts";
import { isValidSubjectText } from "../../messaging/subject/subject-text.ts";
import { API_LEVEL, requiredLevelText, supportsLevel } from "./metadata.ts";
import { type GivenStreamConfig, STREAM_CONFIG_ROWS, type StreamConfig } from "./stream-config.ts";

interface StreamFile extends GivenStreamConfig {
  readonly created: Timestamp;
}

const STREAM_FILE = structure<StreamFile>("server.FileStreamInfo", {
  created: field("Created", timestamp, "always"),
  ...embedded<GivenStreamConfig>("StreamConfig", STREAM_CONFIG_ROWS),
});

export interface StoredStream {
  /** Null: the file does not say. */
  readonly created: Timestamp | null;
  /** As it is stored; normalise it before use. */
  readonly config: StreamConfig;
  /** Why the stream cannot be used; null: it can. */
  readonly offlineReason: string | null;
}

/** @param config normalised; metadata of answers must not be in it @param createdHigh nanoseconds since 1970, upper half */
export function encodeStreamMetafile(config: StreamConfig, createdHigh: number, createdLow: number): Buffer {
  return Buffer.from(compactGoJson(STREAM_FILE.write({ ...config, created: timestampAt(createdHigh, createdLow) })));
}

/** @throws JsonError  nothing can be read: not JSON, or not an object */
export function decodeStreamMetafile(json: Uint8Array): StoredStream {
  const { value, fault } = decodeAsFarAsPossible(json);
  const { created, ...given } = value;
  const config: StreamConfig = { ...given, storage: given.storage === "" ? "file" : given.storage };
  const isKnown = created.seconds !== ZERO_TIME.seconds || created.nanoseconds !== 0;
  return { created: isKnown ? created : null, config, offlineReason: reasonOf(config, fault) };
}

function reasonOf({ metadata }: StreamConfig, fault: string | null): string | null {
  if (supportsLevel(metadata)) return fault === null ? null : `decoding error: ${fault}`;
  if (fault !== null) return `unsupported - config error: ${fault.replace(/^json: /, "")}`;
  return `unsupported - required API level: ${requiredLevelText(metadata)}, current API level: ${API_LEVEL}`;
}

function decodeAsFarAsPossible(json: Uint8Array): { value: StreamFile; fault: string | null } {
  const strict = attempt(() => decodeJsonStrictly(STREAM_FILE, json));
  if (typeof strict !== "string") return { value: strict, fault: null };
  const lax = attempt(() => decodeJson(STREAM_FILE, json));
  if (typeof lax !== "string") return { value: lax, fault: strict };
  return decodeFieldByField(json);
}

function attempt<T extends object>(decode: () => T): T | string {
  try {
    return decode();
  } catch (error) {
    if (error instanceof JsonError) return error.message;
    throw error;
  }
}

/** Fields in the order of their names. The first one that cannot be decoded is the fault; all such fields keep their zero value. */
function decodeFieldByField(json: Uint8Array): { value: StreamFile; fault: string | null } {
  const tree = parseJsonTree(json);
  if (!(tree instanceof JsonObject)) throw new JsonError("json: not an object");
  const fields = new Map(tree.names.map((name, index) => [name, tree.values[index]] as const));
  let value = STREAM_FILE.zero();
  let fault: string | null = null;
  for (const name of [...fields.keys()].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))) {
    const member = fields.get(name)!;
    const single = new JsonObject();
    single.names.push(name);
    single.values.push(member);
    const decoded = attempt(() => decodeTree(STREAM_FILE, single, value));
    if (typeof decoded !== "string") value = decoded;
    else {
      const isLong = member instanceof JsonObject || member instanceof JsonList;
      fault ??= `invalid value${isLong ? "" : ` ${jsonText(member)}`} for field ${quoted(name)}`;
    }
  }
  return { value, fault };
}

export interface RepairedStream {
  /** Null: the stream cannot be used, and is skipped. */
  readonly config: StreamConfig | null;
  /** Lines for the log, warnings. */
  readonly warnings: readonly string[];
}

/** Mends what older servers stored by mistake: a window of duplicates and subjects of a mirror, and white space around subjects. */
export function repairStoredConfig(config: StreamConfig): RepairedStream {
  const { name, mirror } = config;
  const warnings: string[] = [];
  const subjects: string[] = [];
  for (const subject of config.subjects) {
    if (isValidSubjectText(subject)) {
      subjects.push(subject);
      continue;
    }
    const trimmed = subject.trim();
    warnings.push(`  Detected bad subject ${quoted(subject)} while adding stream ${quoted(name)}, will attempt to repair`);
    if (!isValidSubjectText(trimmed)) {
      return { config: null, warnings: [...warnings, `  Error recreating stream ${quoted(name)}: invalid subject`] };
    }
    warnings.push(`  Bad subject ${quoted(subject)} repaired to ${quoted(trimmed)}`);
    subjects.push(trimmed);
  }
  if (mirror === null) return { config: warnings.length === 0 ? config : { ...config, subjects }, warnings };
  if (subjects.length > 0) warnings.push(`  Detected subjects on a mirrored stream ${quoted(name)}, will remove`);
  return { config: { ...config, subjects: subjects.length > 0 ? [] : config.subjects, duplicateWindowNs: 0 }, warnings };
}
