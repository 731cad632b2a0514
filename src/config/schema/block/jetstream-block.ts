/**
 * `jetstream`: true, a word, or a block. A block turns JetStream on unless it has `enabled: false`.
 *
 * A value of the wrong type is reported at the place of the whole block, as the reference does; other faults have the place of their field.
 * The store directory may also stand at the top level, so it is an option of its own.
 */
import { parseGoDuration } from "../../../base/go/duration.ts";
import { INT64_MAX, INT64_MIN, parseExact, quoted } from "../../../base/go/strconv.ts";
import {
  CONCURRENT_IO_MAX,
  CONCURRENT_IO_MIN,
  JETSTREAM_OFF,
  type JetStreamOptions,
  type JetStreamServerLimits,
  NO_SERVER_LIMITS,
} from "../../../jetstream/config/jetstream-options.ts";
import { type ConfigValue, goShown, goTypeOf } from "../../language/config-value.ts";
import { type Field, field, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { booleanIn, integerIn, type ReadContext, type Reader, reader, safeInteger, textIn } from "../row/reader.ts";
import { isEnabled } from "./account-jetstream-block.ts";
import type { Draft } from "./ocsp-block.ts";

/** The options that `jetstream` and `store_dir` set. */
export interface JetStreamPart {
  jetStream?: JetStreamOptions;
  storeDirectory?: string | null;
}

interface BlockDraft {
  readonly options: Draft<JetStreamOptions>;
  readonly part: JetStreamPart;
}

const NS_PER_MS = 1e6;

/** A size: an integer, or text with one of the units K, M, G, T (powers of 1024). */
export function storageSizeIn({ data }: ConfigValue): bigint | string {
  if (typeof data === "bigint") return data;
  if (typeof data !== "string") return "must be int64 or string";
  if (data === "") return 0n;
  const digits = data.slice(0, -1);
  const number = parseExact(digits, INT64_MIN, INT64_MAX);
  if (typeof number === "string") return `strconv.ParseInt: parsing ${quoted(digits)}: ${number}`;
  const unit = ["K", "M", "G", "T"].indexOf(data.slice(-1));
  if (unit === -1) return "sizes defined as strings must end in K, M, G, T";
  return BigInt(number) << BigInt(10 * (unit + 1));
}

/** @param name how an error calls the field; null: as it is written, in lower case */
function storageSize(name: string | null): Reader<number> {
  return reader('size, or text as `"10G"`', (value, { key }) => {
    const size = storageSizeIn(value);
    if (typeof size === "string") throw new ConfigFault(`${name ?? key.toLowerCase()} ${size}`);
    return safeInteger(size);
  });
}

/** Below 0 means the default, as when it is not set. */
function storageLimit(name: string): Reader<number | null> {
  const { type, read } = storageSize(name);
  return reader(type, (value, context) => {
    const size = read(value, context);
    return size < 0 ? null : size;
  });
}

const parseableSize: Reader<number> = reader("integer", ({ data }, { key }) => {
  if (typeof data !== "bigint") throw new ConfigFault(`Expected a parseable size for ${quoted(key)}, got ${goShown(data)}`);
  return safeInteger(data);
});

function absoluteFault(key: string, { data }: ConfigValue, range = ""): ConfigFault {
  return new ConfigFault(`Expected an absolute size for ${quoted(key)}${range}, got ${goShown(data)}`);
}

const absoluteInteger: Reader<number> = reader("integer", (value, { key }) => {
  if (typeof value.data !== "bigint" || value.data < 0n) throw absoluteFault(key, value);
  return safeInteger(value.data);
});

const absoluteSize: Reader<number> = reader("size", (value, context) => {
  const size = storageSize(null).read(value, context);
  if (size < 0) throw absoluteFault(context.key, value);
  return size;
});

const concurrentIo: Reader<number> = reader(`${CONCURRENT_IO_MIN} to ${CONCURRENT_IO_MAX}`, (value, { key }) => {
  const { data } = value;
  if (typeof data === "bigint" && data >= CONCURRENT_IO_MIN && data <= CONCURRENT_IO_MAX) return Number(data);
  throw absoluteFault(key, value, ` between ${CONCURRENT_IO_MIN} and ${CONCURRENT_IO_MAX}`);
});

/** `always`, or an interval in milliseconds; one of 0 or less is the default. */
const syncInterval: Reader<number | "always" | null> = reader("duration, or `always`", (value, { key, problems }) => {
  const { data } = value;
  if (typeof data === "string") {
    if (data.toLowerCase() === "always") return "always";
    const nanoseconds = parseGoDuration(data);
    if (typeof nanoseconds === "string") throw new ConfigFault(`error parsing ${key}: ${nanoseconds}`);
    return positive(Number(nanoseconds) / NS_PER_MS);
  }
  problems.warn(value, key, `${key} should be converted to a duration`);
  return positive(safeInteger(integerIn(value) * 1_000n));
});

function positive(interval: number): number | null {
  return interval > 0 ? interval : null;
}

/** Less than 0 means no limit. The error has no place in the reference. */
const limitDuration: Reader<number> = reader("duration", (value, { problems }) => {
  const nanoseconds = parseGoDuration(textIn(value));
  if (typeof nanoseconds !== "string") return Math.max(0, Number(nanoseconds) / NS_PER_MS);
  problems.errorAnywhere(nanoseconds);
  return 0;
});

const cipher: Reader<JetStreamOptions["cipher"]> = reader("`chacha`, `chachapoly`, `aes`", value => {
  const name = textIn(value).toLowerCase();
  if (name === "chacha" || name === "chachapoly") return "chacha";
  if (name === "aes") return "aes";
  throw new ConfigFault(`Unknown cipher type: ${quoted(textIn(value))}`);
});

const strict: Reader<boolean> = reader("boolean", ({ data }) => {
  if (typeof data === "boolean") return data;
  const shown = typeof data === "string" ? data : `%!s(${goTypeOf(data)}=${goShown(data)})`;
  throw new ConfigFault(`Expected 'true' or 'false' for bool value, got '${shown}'`);
});

const text: Reader<string> = reader("string", textIn);
const integer: Reader<number> = reader("integer", value => safeInteger(integerIn(value)));
const boolean: Reader<boolean> = reader("boolean", booleanIn);

type LimitsDraft = Draft<JetStreamServerLimits>;

const limit = <T>(names: string, of: Reader<T>, about: string, put: (draft: LimitsDraft, value: T) => void) =>
  field<LimitsDraft, T>(names, of, about, put);

export const BATCH_FIELDS: readonly Field<LimitsDraft>[] = [
  limit("max_inflight_per_stream", integer, "open batches of one stream; 0: 50, fast batches 1000", (draft, most) => {
    draft.batchesPerStreamMax = Math.max(0, most);
  }),
  limit("max_inflight_total", integer, "open batches of the server; 0: 1000, fast batches 50000", (draft, most) => {
    draft.batchesMax = Math.max(0, most);
  }),
  limit("max_msgs", integer, "messages of one batch; 0: 1000", (draft, most) => (draft.batchMessagesMax = Math.max(0, most))),
  limit("timeout", limitDuration, "time from the first message of a batch to its commit; 0: 10s", (draft, time) => {
    draft.batchTimeoutMs = time;
  }),
];

export const JETSTREAM_LIMIT_FIELDS: readonly Field<LimitsDraft>[] = [
  limit("max_ack_pending", integer, "unacknowledged messages of a consumer", (draft, most) => (draft.ackPendingMax = most)),
  limit("max_ha_assets", integer, "streams and consumers with more than one replica; only in a cluster", (draft, most) => {
    draft.haAssetsMax = most;
  }),
  limit("max_request_batch", integer, "messages of one batch of a consumer's request", (draft, most) => (draft.requestBatchMax = most)),
  {
    ...limit(
      "default_max_consumers",
      integer,
      "consumers of a stream, if neither the stream nor the account limits them; -1: no limit",
      (draft, most) => {
        draft.defaultConsumersMax = most === 0 ? NO_SERVER_LIMITS.defaultConsumersMax : most;
      },
    ),
    initial: String(NO_SERVER_LIMITS.defaultConsumersMax),
  },
  limit("duplicate_window", limitDuration, "longest window of a stream for finding duplicates", (draft, time) => {
    draft.duplicateWindowMs = time;
  }),
  {
    names: ["batch"],
    type: "block",
    initial: "",
    text: "limits of batches of messages",
    missing: null,
    fields: BATCH_FIELDS,
    set(draft, { data }, { problems }) {
      if (!(data instanceof Map)) throw new ConfigFault(`Expected a map to define batch limits, got ${goTypeOf(data)}`);
      readBlock(data, asInnerBlock(BATCH_FIELDS), draft, problems);
    },
  },
];

/** TPM modules are used on Windows alone. The fields are known, so that errors in them are found; a key file is refused. */
const TPM_FIELDS: readonly Field<{ used: boolean }>[] = ["keys_file", "encryption_password", "srk_password", "pcr", "cipher"].map(name => ({
  names: [name],
  type: "",
  initial: "",
  text: "",
  missing: "TPM",
  set(draft, value, context) {
    if (name === "pcr") integerIn(value);
    else if (name === "cipher") cipher.read(value, context);
    else if (textIn(value) !== "" && name === "keys_file") draft.used = true;
  },
}));

const option = <T>(names: string, of: Reader<T>, about: string, put: (draft: Draft<JetStreamOptions>, value: T) => void, initial = "") =>
  field<BlockDraft, T>(names, of, about, ({ options }, value) => put(options, value), { initial });

export const JETSTREAM_FIELDS: readonly Field<BlockDraft>[] = [
  option("enabled enable", boolean, "false: off, although the block is there", (draft, on) => (draft.enabled = on), "true"),
  {
    names: ["store_dir", "storedir", "store"],
    type: "string",
    initial: "",
    text: "directory for `jetstream/`, where streams are kept; also at the top level",
    missing: null,
    set: ({ part }, value) => setStoreDirectory(part, value),
  },
  option(
    "max_memory_store max_mem_store max_mem",
    storageLimit("max_mem_store"),
    "bytes of all memory streams; 0: none",
    (draft, most) => (draft.memoryBytesMax = most),
    "75 % of memory",
  ),
  option(
    "max_file_store max_file",
    storageLimit("max_file_store"),
    "bytes of all file streams; 0: none",
    (draft, most) => (draft.fileBytesMax = most),
    "75 % of free disk space",
  ),
  option(
    "sync_interval sync",
    syncInterval,
    "time between background syncs, after which an acknowledged message may still be lost; `always`: synced before it is acknowledged",
    (draft, interval) => {
      draft.syncIntervalMs = interval === "always" ? null : interval;
      draft.syncAlways = interval === "always";
    },
    "always",
  ),
  option("domain", text, "name by which other servers reach this JetStream: `$JS.NAME.API`", (draft, name) => (draft.domain = name)),
  option("encryption_key key ek", text, "secret that encrypts the files", (draft, key) => (draft.encryptionKey = key)),
  option("prev_encryption_key prev_key prev_ek", text, "the secret before a change", (draft, key) => (draft.previousEncryptionKey = key)),
  option("cipher", cipher, "how files are encrypted", (draft, name) => (draft.cipher = name), "chachapoly"),
  option("strict", strict, "refuse unknown fields in requests of the API", (draft, on) => (draft.strict = on), "true"),
  {
    names: ["limits"],
    type: "block",
    initial: "",
    text: "limits of streams and consumers",
    missing: null,
    fields: JETSTREAM_LIMIT_FIELDS,
    set({ options }, { data }, { problems }) {
      if (!(data instanceof Map)) throw new ConfigFault(`Expected a map to define JetStreamLimits, got ${goTypeOf(data)}`);
      const limits: LimitsDraft = { ...NO_SERVER_LIMITS };
      readBlock(data, asInnerBlock(JETSTREAM_LIMIT_FIELDS), limits, problems);
      options.limits = limits;
    },
  },
  option(
    "request_queue_limit",
    parseableSize,
    "requests of the API that wait, of those that change something",
    (draft, most) => (draft.requestQueueMax = most > 0 ? most : JETSTREAM_OFF.requestQueueMax),
    String(JETSTREAM_OFF.requestQueueMax),
  ),
  option(
    "info_queue_limit",
    parseableSize,
    "requests of the API that wait, of those that only read",
    (draft, most) => (draft.infoQueueMax = most > 0 ? most : null),
    "request_queue_limit",
  ),
  option(
    "max_buffered_msgs",
    parseableSize,
    "messages that wait for one stream",
    (draft, most) => (draft.bufferedMessagesMax = most > 0 ? most : JETSTREAM_OFF.bufferedMessagesMax),
    String(JETSTREAM_OFF.bufferedMessagesMax),
  ),
  option(
    "max_buffered_size",
    storageSize(null),
    "bytes that wait for one stream",
    (draft, most) => (draft.bufferedBytesMax = most > 0 ? most : JETSTREAM_OFF.bufferedBytesMax),
    "128MiB",
  ),
  option(
    "max_concurrent_io",
    concurrentIo,
    "disk operations at the same time in nats-server; no effect here",
    (draft, most) => (draft.concurrentIoMax = most),
    String(JETSTREAM_OFF.concurrentIoMax),
  ),
  option("unique_tag", text, "prefix of a server tag that differs between replicas; only in a cluster", (draft, tag) => {
    draft.uniqueTag = tag.trim().toLowerCase();
  }),
  option("extension_hint", text, "`no_extend`, `will_extend`; only in a cluster", (draft, hint) => (draft.extensionHint = hint)),
  option(
    "max_outstanding_catchup",
    storageSize(null),
    "bytes on their way to followers; only in a cluster",
    (draft, most) => (draft.catchupBytesMax = Math.max(0, most)),
    "64MiB",
  ),
  option("meta_compact", absoluteInteger, "entries of the meta group's log before a snapshot; only in a cluster", (draft, most) => {
    draft.metaCompactEntries = most;
  }),
  option("meta_compact_size", absoluteSize, "bytes of the meta group's log before a snapshot; only in a cluster", (draft, most) => {
    draft.metaCompactBytes = most;
  }),
  option("meta_compact_sync", boolean, "snapshots of the meta group block; only in a cluster", (draft, on) => (draft.metaCompactSync = on)),
  {
    names: ["tpm"],
    type: "",
    initial: "",
    text: "",
    missing: "TPM",
    set(_draft, { data }, { problems, key }) {
      if (!(data instanceof Map)) throw new ConfigFault(`Expected a map to define JetStreamLimits, got ${goTypeOf(data)}`);
      const tpm = { used: false };
      readBlock(data, asInnerBlock(TPM_FIELDS), tpm, problems);
      if (tpm.used) throw new ConfigFault(`${quoted(key)} is not supported (TPM)`);
    },
  },
];

/** Reports a value of the wrong type at the place of another value: the outermost block. */
class WrongType extends Error {
  override name = "WrongType";
}

/** The fields of a block within `jetstream`: a value of the wrong type ends the reading of `jetstream`, as in the reference. */
function asInnerBlock<D>(fields: readonly Field<D>[]): readonly Field<D>[] {
  return fields.map(one => ({ ...one, set: (draft: D, value: ConfigValue, context: ReadContext) => setOrEnd(one, draft, value, context) }));
}

function setOrEnd<D>(one: Field<D>, draft: D, value: ConfigValue, context: ReadContext): void {
  try {
    one.set(draft, value, context);
  } catch (fault) {
    if (fault instanceof ConfigFault && fault.at === value) throw new WrongType(fault.message);
    throw fault;
  }
}

const IN_BLOCK = asInnerBlock(JETSTREAM_FIELDS);

function setStoreDirectory(part: JetStreamPart, value: ConfigValue): void {
  if (part.storeDirectory) throw new ConfigFault("Duplicate 'store_dir' configuration");
  part.storeDirectory = textIn(value) || null;
}

export const JETSTREAM_PART_FIELDS: readonly Field<JetStreamPart>[] = [
  {
    names: ["jetstream"],
    type: "boolean, `enabled`, `disabled`, or block",
    initial: "false",
    text: "JetStream: streams of stored messages",
    option: "jetStream",
    missing: null,
    fields: JETSTREAM_FIELDS,
    set(part, { data }, { problems }) {
      part.jetStream = readJetStream(data, part, problems);
    },
  },
  {
    names: ["store_dir", "storedir"],
    type: "string",
    initial: "",
    text: "directory for `jetstream/`, where streams are kept; without it a temporary directory, whose files a reboot may delete",
    option: "storeDirectory",
    missing: null,
    set: (part, value) => setStoreDirectory(part, value),
  },
];

function readJetStream(data: ConfigValue["data"], part: JetStreamPart, problems: ReadContext["problems"]): JetStreamOptions {
  const before = part.jetStream ?? JETSTREAM_OFF;
  if (typeof data === "boolean") return { ...before, enabled: data };
  if (typeof data === "string") return { ...before, enabled: isEnabled(data) };
  if (!(data instanceof Map)) throw new ConfigFault(`Expected map, bool or string to define JetStream, got ${goTypeOf(data)}`);
  const options: Draft<JetStreamOptions> = { ...before, enabled: true };
  try {
    readBlock(data, IN_BLOCK, { options, part }, problems);
  } catch (fault) {
    if (fault instanceof WrongType) throw new ConfigFault(fault.message);
    throw fault;
  }
  return options;
}
