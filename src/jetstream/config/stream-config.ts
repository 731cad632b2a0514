/**
 * The configuration of a stream: its fields, as values and as JSON. One row per field says how it is read and written.
 *
 *   request ─ StreamConfigRequest ─▶ normaliseStream ─▶ StreamConfig ─┬─▶ the stream and its store (storeLimitsOf)
 *   meta.inf ─ stream-metafile.ts ─────────────────────▶              └─▶ answers, meta.inf
 * Integers of 64 bits are exact everywhere: a number up to 2^53 - 1, a bigint beyond (`Integer`); `<`, `>` and `===` work for both, as each value
 * has one form only. Durations are nanoseconds in this form.
 *
 * A configuration is never changed, only replaced: two streams, or a stream and an answer, may share parts of it.
 * Source: jetstream §2.1, §11.
 */

import { timestamp } from "../../base/go/json-scalars.ts";
import {
  duration,
  embedded,
  field,
  flag,
  int,
  int32,
  int64,
  list,
  map,
  optional,
  type Rows,
  type Shape,
  structure,
  text,
  uint64,
} from "../../base/go/json-shape.ts";
import type { Timestamp } from "../../base/go/time.ts";
import { enumeration, textEnumeration } from "./enumeration.ts";

/** A number up to 2^53 - 1, a bigint beyond. */
export type Integer = number | bigint;

export type Retention = "limits" | "interest" | "workqueue";
export type Discard = "old" | "new";
export type Storage = "file" | "memory";
export type Compression = "none" | "s2";
export type PersistMode = "default" | "async";

export interface SubjectTransformConfig {
  /** `src`; empty: all subjects. */
  readonly source: string;
  /** `dest` */
  readonly destination: string;
}

/** Messages are published again after they were stored. */
export interface Republish extends SubjectTransformConfig {
  readonly headersOnly: boolean;
}

export interface Placement {
  readonly cluster: string;
  readonly tags: readonly string[];
  readonly preferred: string;
}

/** Where another account or domain is reached. */
export interface ExternalStream {
  /** Prefix of API subjects. */
  readonly api: string;
  /** Prefix of delivery subjects. */
  readonly deliver: string;
}

/** A durable consumer of the origin that was made by somebody else. */
export interface SourcingConsumer {
  readonly name: string;
  readonly deliverSubject: string;
}

/** The origin of a mirror, or one of the origins of a stream with sources. */
export interface StreamSource {
  readonly name: string;
  readonly startSequence: Integer;
  readonly startTime: Timestamp | null;
  readonly filterSubject: string;
  readonly subjectTransforms: readonly SubjectTransformConfig[];
  readonly external: ExternalStream | null;
  readonly consumer: SourcingConsumer | null;
}

/** Defaults and maxima for the consumers of a stream; 0: none. */
export interface ConsumerLimits {
  readonly inactiveThresholdNs: Integer;
  readonly ackPendingMax: Integer;
}

/** Limits are -1 for none, once the configuration is normalised. */
export interface StreamConfig {
  readonly name: string;
  readonly description: string;
  readonly subjects: readonly string[];
  readonly retention: Retention;
  readonly consumersMax: Integer;
  readonly messagesMax: Integer;
  readonly bytesMax: Integer;
  /** 0: messages do not expire by age. */
  readonly ageMaxNs: Integer;
  readonly messagesPerSubjectMax: Integer;
  /** Headers and payload. */
  readonly messageBytesMax: number;
  readonly discard: Discard;
  readonly storage: Storage;
  readonly replicas: Integer;
  readonly noAck: boolean;
  /** 0: no detection of duplicates. */
  readonly duplicateWindowNs: Integer;
  readonly placement: Placement | null;
  readonly mirror: StreamSource | null;
  readonly sources: readonly (StreamSource | null)[];
  readonly compression: Compression;
  /** 0 and 1: the first message has sequence 1. */
  readonly firstSequence: Integer;
  readonly subjectTransform: SubjectTransformConfig | null;
  readonly republish: Republish | null;
  readonly allowDirect: boolean;
  readonly mirrorDirect: boolean;
  readonly discardNewPerSubject: boolean;
  readonly sealed: boolean;
  readonly denyDelete: boolean;
  readonly denyPurge: boolean;
  readonly allowRollup: boolean;
  readonly consumerLimits: ConsumerLimits;
  readonly allowTtl: boolean;
  /** 0: no markers. */
  readonly markerTtlNs: Integer;
  readonly allowCounter: boolean;
  readonly allowAtomic: boolean;
  readonly allowSchedules: boolean;
  readonly persistMode: PersistMode;
  readonly allowBatched: boolean;
  readonly metadata: ReadonlyMap<string, string>;
}

/** As it is read: the storage may be absent. */
export interface GivenStreamConfig extends Omit<StreamConfig, "storage"> {
  readonly storage: Storage | "";
}

/** Body of STREAM.CREATE and STREAM.UPDATE. */
export interface StreamConfigRequest extends GivenStreamConfig {
  /** What the server would adjust is an error instead. */
  readonly pedantic: boolean;
}

const transform = structure<SubjectTransformConfig>("server.SubjectTransformConfig", {
  source: field("src", text, "always"),
  destination: field("dest", text, "always"),
});

const republish = structure<Republish>("server.RePublish", {
  source: field("src", text),
  destination: field("dest", text, "always"),
  headersOnly: field("headers_only", flag),
});

export const PLACEMENT = structure<Placement>("server.Placement", { cluster: text, tags: list(text), preferred: text });

export const EXTERNAL_STREAM = structure<ExternalStream>("server.ExternalStream", {
  api: field("api", text, "always"),
  deliver: field("deliver", text, "always"),
});

const source = structure<StreamSource>("server.StreamSource", {
  name: field("name", text, "always"),
  startSequence: field("opt_start_seq", uint64),
  startTime: field("opt_start_time", optional(timestamp)),
  filterSubject: field("filter_subject", text),
  subjectTransforms: field("subject_transforms", list(transform)),
  external: field("external", optional(EXTERNAL_STREAM)),
  consumer: field(
    "consumer",
    optional(
      structure<SourcingConsumer>("server.StreamConsumerSource", {
        name: field("name", text),
        deliverSubject: field("deliver_subject", text),
      }),
    ),
  ),
});

const consumerLimits = structure<ConsumerLimits>("server.StreamConsumerLimits", {
  inactiveThresholdNs: field("inactive_threshold", duration),
  ackPendingMax: field("max_ack_pending", int),
});

const retention: Shape<Retention> = enumeration("server.RetentionPolicy", ["limits", "interest", "workqueue"], { zero: "limits" });
const discard: Shape<Discard> = enumeration("server.DiscardPolicy", ["old", "new"], { zero: "old", anyCase: true });
const storage: Shape<Storage | ""> = enumeration("server.StorageType", ["file", "memory"] as (Storage | "")[], { zero: "" });
const compression: Shape<Compression> = textEnumeration("server.StoreCompression", ["none", "s2"], "unknown compression algorithm");
const persistMode: Shape<PersistMode> = enumeration("server.PersistModeType", ["default", "async"], {
  zero: "default",
  synonyms: { "": "default" },
  empty: "default",
});

/** In the order in which they are written. */
export const STREAM_CONFIG_ROWS: Rows<GivenStreamConfig> = {
  name: field("name", text, "always"),
  description: field("description", text),
  subjects: field("subjects", list(text)),
  retention: field("retention", retention, "always"),
  consumersMax: field("max_consumers", int, "always"),
  messagesMax: field("max_msgs", int64, "always"),
  bytesMax: field("max_bytes", int64, "always"),
  ageMaxNs: field("max_age", duration, "always"),
  messagesPerSubjectMax: field("max_msgs_per_subject", int64, "always"),
  messageBytesMax: field("max_msg_size", int32),
  discard: field("discard", discard, "always"),
  storage: field("storage", storage, "always"),
  replicas: field("num_replicas", int, "always"),
  noAck: field("no_ack", flag),
  duplicateWindowNs: field("duplicate_window", duration),
  placement: field("placement", optional(PLACEMENT)),
  mirror: field("mirror", optional(source)),
  sources: field("sources", list(optional(source))),
  compression: field("compression", compression, "always"),
  firstSequence: field("first_seq", uint64),
  subjectTransform: field("subject_transform", optional(transform)),
  republish: field("republish", optional(republish)),
  allowDirect: field("allow_direct", flag, "always"),
  mirrorDirect: field("mirror_direct", flag, "always"),
  discardNewPerSubject: field("discard_new_per_subject", flag),
  sealed: field("sealed", flag, "always"),
  denyDelete: field("deny_delete", flag, "always"),
  denyPurge: field("deny_purge", flag, "always"),
  allowRollup: field("allow_rollup_hdrs", flag, "always"),
  consumerLimits: field("consumer_limits", consumerLimits, "always"),
  allowTtl: field("allow_msg_ttl", flag, "always"),
  markerTtlNs: field("subject_delete_marker_ttl", duration),
  allowCounter: field("allow_msg_counter", flag),
  allowAtomic: field("allow_atomic", flag),
  allowSchedules: field("allow_msg_schedules", flag),
  persistMode: field("persist_mode", persistMode),
  allowBatched: field("allow_batched", flag),
  metadata: field("metadata", map(text)),
};

export const STREAM_CONFIG = structure<GivenStreamConfig>("server.StreamConfig", STREAM_CONFIG_ROWS);

export const STREAM_CONFIG_REQUEST = structure<StreamConfigRequest>("server.StreamConfigRequest", {
  ...embedded<GivenStreamConfig>("StreamConfig", STREAM_CONFIG_ROWS),
  pedantic: field("pedantic", flag),
});

/** A normal configuration with all defaults; the name is its only subject. For tests, and for streams that the server makes itself. */
export function defaultStreamConfig(name: string, changes: Partial<StreamConfig> = {}): StreamConfig {
  return {
    ...STREAM_CONFIG.zero(),
    name,
    subjects: [name],
    consumersMax: -1,
    messagesMax: -1,
    bytesMax: -1,
    messagesPerSubjectMax: -1,
    messageBytesMax: -1,
    storage: "file",
    replicas: 1,
    duplicateWindowNs: 120_000_000_000,
    ...changes,
  };
}

/** The value for an answer or a file: plain values in the order of the rows, to be written as JSON. */
export function streamConfigValue(config: StreamConfig): unknown {
  return STREAM_CONFIG.write(config);
}
