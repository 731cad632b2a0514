/**
 * What an operator or a program configures about JetStream of one server: the `jetstream` block. The limits of accounts are in
 * `account-limits.ts`; `jetstream-settings.ts` adds what is measured on the machine.
 *
 * The fields that only a cluster uses are kept, because a standalone server accepts and ignores them as the reference does: `extensionHint`,
 * `uniqueTag`, `catchupBytesMax`, the `metaCompact…` and `limits.haAssetsMax`.
 * Source: reference, jetstream.md §7.4.
 */

export type StoreCipherName = "chacha" | "aes";

export interface JetStreamOptions {
  readonly enabled: boolean;
  /** Most bytes of all memory streams. 0: no memory streams; null: 75 % of the machine's memory. */
  readonly memoryBytesMax: number | null;
  /** Most bytes of all file streams. 0: no file streams; null: 75 % of the free disk space. */
  readonly fileBytesMax: number | null;
  /**
   * Time between two background syncs, in milliseconds. null: every message is on the disk before it is acknowledged. A given interval
   * gives that promise up (`durabilityOf`).
   */
  readonly syncIntervalMs: number | null;
  /** `sync_interval: always`: every message is on the disk before it is acknowledged, which is the default here. */
  readonly syncAlways: boolean;
  /** One token, without wildcards; empty: none. */
  readonly domain: string;
  /** Secret from which the keys of streams are derived; empty: files are not encrypted. */
  readonly encryptionKey: string;
  /** The secret before a change, so that files encrypted with it can be read; empty: none. */
  readonly previousEncryptionKey: string;
  readonly cipher: StoreCipherName;
  /** Refuse unknown fields in requests of the API. */
  readonly strict: boolean;
  readonly limits: JetStreamServerLimits;
  /** Most requests of the API that wait, of those that change something. */
  readonly requestQueueMax: number;
  /** Most requests of the API that wait, of those that only read. null: as `requestQueueMax`. */
  readonly infoQueueMax: number | null;
  /** Most messages, and their bytes, that wait for one stream. */
  readonly bufferedMessagesMax: number;
  readonly bufferedBytesMax: number;
  /** Most disk operations at the same time in nats-server; 4 to 8192. Without effect here. */
  readonly concurrentIoMax: number;
  readonly uniqueTag: string;
  readonly extensionHint: string;
  /** 0: 64 MiB. */
  readonly catchupBytesMax: number;
  readonly metaCompactEntries: number;
  readonly metaCompactBytes: number;
  readonly metaCompactSync: boolean;
}

/** `limits { }`: limits of the server for single streams and consumers. 0: no limit, or the default of the limit. */
export interface JetStreamServerLimits {
  /** Most messages of one batch of direct get. */
  readonly requestBatchMax: number;
  /** Most unacknowledged messages of a consumer. */
  readonly ackPendingMax: number;
  /** Most streams and consumers with more than one replica, in a cluster. */
  readonly haAssetsMax: number;
  /** Longest duplicate window of a stream, in milliseconds; a fraction is part of it. */
  readonly duplicateWindowMs: number;
  /** Consumers of a stream, if neither the stream nor the account limits them; -1: no limit. */
  readonly defaultConsumersMax: number;
  /** Open batches of one stream. */
  readonly batchesPerStreamMax: number;
  /** Open batches of the server. */
  readonly batchesMax: number;
  /** Messages of one batch. */
  readonly batchMessagesMax: number;
  /** Time from the first message of a batch to its commit, in milliseconds. */
  readonly batchTimeoutMs: number;
}

const MIB = 1_024 * 1_024;

export const NO_SERVER_LIMITS: JetStreamServerLimits = {
  requestBatchMax: 0,
  ackPendingMax: 0,
  haAssetsMax: 0,
  duplicateWindowMs: 0,
  defaultConsumersMax: 1_000,
  batchesPerStreamMax: 0,
  batchesMax: 0,
  batchMessagesMax: 0,
  batchTimeoutMs: 0,
};

export const JETSTREAM_OFF: JetStreamOptions = {
  enabled: false,
  memoryBytesMax: null,
  fileBytesMax: null,
  syncIntervalMs: null,
  syncAlways: false,
  domain: "",
  encryptionKey: "",
  previousEncryptionKey: "",
  cipher: "chacha",
  strict: true,
  limits: NO_SERVER_LIMITS,
  requestQueueMax: 10_000,
  infoQueueMax: null,
  bufferedMessagesMax: 100_000,
  bufferedBytesMax: 128 * MIB,
  concurrentIoMax: 4_096,
  uniqueTag: "",
  extensionHint: "",
  catchupBytesMax: 0,
  metaCompactEntries: 0,
  metaCompactBytes: 0,
  metaCompactSync: false,
};

/** The interval that nats-server shows and uses when none is given. */
export const SYNC_INTERVAL_MS = 120_000;

/** Disk operations at the same time that nats-server allows. */
export const CONCURRENT_IO_MIN = 4;
export const CONCURRENT_IO_MAX = 8_192;

/**
 * When a message counts as stored.
 * - `synced`: its bytes are on the disk before the acknowledgement leaves.
 * - `interval`: it is acknowledged when it is written, and synced in the background; a power failure may lose it.
 */
export type Durability = "synced" | "interval";

export function durabilityOf({ syncAlways, syncIntervalMs }: Pick<JetStreamOptions, "syncAlways" | "syncIntervalMs">): Durability {
  return syncAlways || syncIntervalMs === null ? "synced" : "interval";
}
