/**
 * JetStream as given by a program: `true`, `false`, or an object, which turns it on unless it has `enabled: false`. The store directory is a
 * field of the object, although it is an option of its own in a file.
 */
import { type AccountJetStream, SINGLE_TIER, UNLIMITED_ACCOUNT } from "../../../jetstream/config/account-jetstream.ts";
import { type JetStreamLimits, UNLIMITED } from "../../../jetstream/config/account-limits.ts";
import {
  CONCURRENT_IO_MAX,
  CONCURRENT_IO_MIN,
  JETSTREAM_OFF,
  type JetStreamOptions,
  type JetStreamServerLimits,
  NO_SERVER_LIMITS,
} from "../../../jetstream/config/jetstream-options.ts";
import { OptionError } from "../row/problems.ts";
import { boolean, integer, mapOf, natural, objectOf, orNull, type Shape, shape, text, wordOf } from "./shape.ts";

/** Limits of an account for JetStream; -1, or not given: no limit. */
export type GivenTier = Partial<JetStreamLimits>;

/** JetStream. An object turns it on, unless `enabled` is false. */
export interface GivenJetStream extends Partial<Omit<JetStreamOptions, "limits">> {
  /** Streams are kept in its directory `jetstream`. Not given: in the temporary directory of the machine, which a reboot may empty. */
  readonly storeDirectory?: string | null;
  readonly limits?: Partial<JetStreamServerLimits>;
}

/** Milliseconds, also with a fraction. */
const time: Shape<number> = shape("number", (value, where) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new OptionError(`option "${where}" must be a number`);
  if (value < 0) throw new OptionError(`option "${where}" cannot be negative`);
  return value;
});

const interval: Shape<number> = shape("number", (value, where) => {
  const given = time.complete(value, where);
  if (given === 0) throw new OptionError(`option "${where}" must be more than 0`);
  return given;
});

/** A number that is more than 0. */
const positive: Shape<number> = shape("integer", (value, where) => {
  const given = natural.complete(value, where);
  if (given === 0) throw new OptionError(`option "${where}" must be more than 0`);
  return given;
});

const concurrentIo: Shape<number> = shape("integer", (value, where) => {
  const given = natural.complete(value, where);
  if (given >= CONCURRENT_IO_MIN && given <= CONCURRENT_IO_MAX) return given;
  throw new OptionError(`option "${where}" must be ${CONCURRENT_IO_MIN} to ${CONCURRENT_IO_MAX}`);
});

const limits = objectOf<JetStreamServerLimits>(NO_SERVER_LIMITS, {
  requestBatchMax: integer,
  ackPendingMax: integer,
  haAssetsMax: integer,
  duplicateWindowMs: time,
  defaultConsumersMax: integer,
  batchesPerStreamMax: natural,
  batchesMax: natural,
  batchMessagesMax: natural,
  batchTimeoutMs: time,
});

const block = objectOf<JetStreamOptions>(
  { ...JETSTREAM_OFF, enabled: true },
  {
    enabled: boolean,
    memoryBytesMax: orNull(natural),
    fileBytesMax: orNull(natural),
    syncIntervalMs: orNull(interval),
    syncAlways: boolean,
    domain: text,
    encryptionKey: text,
    previousEncryptionKey: text,
    cipher: wordOf("chacha", "aes"),
    strict: boolean,
    limits,
    requestQueueMax: positive,
    infoQueueMax: orNull(positive),
    bufferedMessagesMax: positive,
    bufferedBytesMax: positive,
    concurrentIoMax: concurrentIo,
    uniqueTag: text,
    extensionHint: text,
    catchupBytesMax: natural,
    metaCompactEntries: natural,
    metaCompactBytes: natural,
    metaCompactSync: boolean,
  },
);

export const jetStreamShape: Shape<JetStreamOptions> = shape(
  "boolean or object",
  (value, where) => {
    if (typeof value === "boolean") return { ...JETSTREAM_OFF, enabled: value };
    if (typeof value !== "object") throw new OptionError(`option "${where}" must be a boolean or an object`);
    return block.complete(value, where);
  },
  { storeDirectory: { type: "string or null", initial: null, fields: null }, ...block.fields },
);

/** A program's value as an object that can be merged with the file's. */
export function asJetStreamObject(given: boolean | GivenJetStream): GivenJetStream {
  return typeof given === "boolean" ? { enabled: given } : { enabled: true, ...given };
}

const tier = objectOf<JetStreamLimits>(UNLIMITED, {
  memoryBytesMax: integer,
  storageBytesMax: integer,
  streamsMax: integer,
  consumersMax: integer,
  ackPendingMax: integer,
  memoryStreamBytesMax: integer,
  storageStreamBytesMax: integer,
  streamBytesRequired: boolean,
});

const tiered = objectOf<AccountJetStream>(UNLIMITED_ACCOUNT, { tiers: mapOf(tier), clusterTraffic: wordOf("system", "owner") });

/** Limits of the only tier, or a complete value with tiers, as the file gives it. */
export const accountJetStreamShape: Shape<AccountJetStream | null> = shape(
  "boolean, object or null",
  (value, where) => {
    if (value === null || value === false) return null;
    if (value === true) return UNLIMITED_ACCOUNT;
    if (typeof value !== "object") throw new OptionError(`option "${where}" must be a boolean or an object`);
    const given = value as AccountJetStream | GivenTier;
    if (!("tiers" in given)) return { tiers: { [SINGLE_TIER]: tier.complete(given, where) }, clusterTraffic: "system" };
    return tiered.complete(given, where);
  },
  tier.fields,
);
