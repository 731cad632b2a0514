/**
 * The files of all streams: which there are, creating, updating and removing them.
 *
 *   <store directory>/<account>/streams/<stream>/meta.inf, meta.sum     configuration, durable before the stream takes messages
 *                                               msgs/                   messages (store/file)
 *                                               obs/<consumer>/         consumers of nats-server, see unsupported-stream.ts
 *                    /.deleted/<number>/                                a stream that is being removed; a start completes it
 * A name that an account or a stream has comes from the network or from files: only one that cannot lead out of its directory becomes a path.
 * Source: formats.md §10.1, §10.2.
 */
import { join } from "node:path";
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { Disk } from "../../base/disk/disk.ts";
import { removeTree } from "../../base/disk/remove-tree.ts";
import { JsonError } from "../../base/go/json-error.ts";
import { nanosecondsSince1970 } from "../../base/go/rfc3339.ts";
import type { Job } from "../../base/scheduling/job.ts";
import type { StoreEncryption } from "../../store/block/encryption.ts";
import { HashKey } from "../../store/block/hash-key.ts";
import { StreamKeys } from "../../store/block/stream-keys.ts";
import type { RelaxedSync } from "../../store/commit/commit-line.ts";
import type { MessageStore, StoreObserver } from "../../store/contract/message-store.ts";
import type { StoreLimits } from "../../store/contract/store-limits.ts";
import { META_FILE, META_ROWS, metaChecksum, metaText } from "../../store/file/meta-file.ts";
import { openFileStore } from "../../store/file/open-file-store.ts";
import { SealedMeta } from "../../store/file/sealed-meta.ts";
import type { StoreParts } from "../../store/file/store-parts.ts";
import { defaultStreamConfig, type StreamConfig } from "../config/stream-config.ts";
import { decodeStreamMetafile, encodeStreamMetafile, repairStoredConfig } from "../config/stream-metafile.ts";
import { blockBytesOf } from "./block-size.ts";
import { LateObserver } from "./late-observer.ts";
import { judgeUnsupported, offlineLine } from "./unsupported-stream.ts";

const PERMISSIONS = 0o700;
const DELETED = ".deleted";
/** Directory of a stream's consumers. */
const CONSUMERS = "obs";

/** A stream that was found on the disk. */
export interface FoundStream {
  /** As stored, repaired where old servers made mistakes. */
  readonly config: StreamConfig;
  readonly created: Nanoseconds;
  /** Why the stream cannot be used; null: it can. */
  readonly offlineReason: string | null;
  /** See `OfflineStream`. */
  readonly isUnsupported: boolean;
  readonly directory: string;
}

/** A store that is being opened: its stream does not exist yet. */
export interface OpeningStore {
  readonly job: Job<MessageStore>;
  /** Hands the opened store to its stream, and tells it what the store uses. */
  attach(store: MessageStore, observer: StoreObserver): MessageStore;
}

export interface StreamFilesOptions {
  /** The directory `jetstream`. */
  readonly directory: string;
  /** How syncs of streams may be late; null: nothing is answered before it is durable. */
  readonly relaxed: RelaxedSync | null;
  /** The same for streams with `persist_mode: async`. */
  readonly asyncSync: RelaxedSync;
  /** null: files are not encrypted, and encrypted ones are refused. */
  readonly encryption: StoreEncryption | null;
}

export class StreamFiles {
  private readonly parts: StoreParts;
  private readonly options: StreamFilesOptions;
  private readonly disk: Disk;
  private deletions = 0;

  /** The directory exists and is locked. */
  constructor(parts: StoreParts, options: StreamFilesOptions) {
    this.parts = parts;
    this.options = options;
    this.disk = parts.disk;
  }

  get directory(): string {
    return this.options.directory;
  }

  /** Names of the accounts that have streams. */
  accounts(): string[] {
    return this.directoriesIn(this.directory).filter(name => this.disk.status(join(this.directory, name, "streams")) !== null);
  }

  /** Names of the directories in the directory, sorted; none if somebody has removed it. */
  directoryNames(): string[] {
    if (this.disk.status(this.directory) === null) return [];
    return this.disk
      .list(this.directory)
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name);
  }

  /** Whether a directory is that of an account with streams, or of something unknown. */
  holdsFiles(name: string): boolean {
    const { disk } = this;
    const path = join(this.directory, name);
    return disk.list(path).some(inner => !inner.isDirectory || disk.list(join(path, inner.name)).length > 0);
  }

  /** Names of whatever is in the directory of an account's streams, sorted. */
  streamNames(account: string): string[] {
    const base = this.accountDirectory(account);
    const streams = base === null ? null : join(base, "streams");
    if (streams === null || this.disk.status(streams)?.kind !== "directory") return [];
    return this.disk.list(streams).map(({ name }) => name);
  }

  /** The streams of an account, in the order of their names. What a crash has left of updates and deletes is completed first. */
  async list(account: string): Promise<FoundStream[]> {
    const { disk } = this;
    const base = this.accountDirectory(account);
    if (base === null) return [];
    await this.parts.run(removeTree(disk, join(base, DELETED)));
    const streams = join(base, "streams");
    const found: FoundStream[] = [];
    for (const name of this.directoriesIn(streams)) {
      const stream = await this.read(account, name, join(streams, name));
      if (stream !== null) found.push(stream);
    }
    return found;
  }

  /** Opens the store of a stream that was found. */
  open(account: string, config: StreamConfig, limits: StoreLimits): OpeningStore {
    return this.opening(account, config, limits);
  }

  /**
   * Creates the files of a new stream. Durable when it resolves, apart from the store, whose first block is durable with its first message.
   * @throws the disk's error, or an Error if the name is taken; what was there before is not touched
   */
  async create(account: string, config: StreamConfig, created: Nanoseconds, limits: StoreLimits): Promise<OpeningStore> {
    const { disk } = this;
    const directory = this.directoryOf(account, config.name);
    if (disk.status(join(directory, META_FILE)) !== null) throw new Error("stream name already in use");
    const parents = this.makeDirectories(join(directory, "msgs"));
    try {
      await this.save(account, config, created);
      for (const parent of parents) await disk.syncDirectory(parent);
    } catch (error) {
      await this.parts.run(removeTree(disk, directory));
      throw error;
    }
    return this.opening(account, config, limits);
  }

  /** Replaces the configuration; durable when it resolves. */
  save(account: string, config: StreamConfig, created: Nanoseconds): Promise<void> {
    return this.metaFile(account, config.name).write(encodeStreamMetafile(config, created.high, created.low));
  }

  /** Removes a stream. Durable when it resolves. @param store of the stream; null: it was not opened */
  async remove(account: string, name: string, store: MessageStore | null): Promise<void> {
    const { disk } = this;
    const directory = this.directoryOf(account, name);
    const deleted = join(this.accountDirectory(account)!, DELETED);
    if (disk.status(deleted) === null) disk.makeDirectory(deleted, PERMISSIONS);
    const trash = join(deleted, `${++this.deletions}`);
    disk.rename(directory, trash);
    // Nothing may be awaited before this: the store's own removals would miss their files.
    const closing = store?.destroy();
    await disk.syncDirectory(join(directory, ".."));
    await disk.syncDirectory(deleted);
    await closing;
    await this.parts.run(removeTree(disk, trash));
  }

  private opening(account: string, config: StreamConfig, limits: StoreLimits): OpeningStore {
    const { asyncSync, relaxed } = this.options;
    const observer = new LateObserver();
    const options = {
      name: config.name,
      directory: this.directoryOf(account, config.name),
      blockBytesMax: blockBytesOf(config, this.options.encryption !== null),
      keys: this.keysOf(account, config.name),
      compressed: config.compression === "s2",
      relaxed: config.persistMode === "async" ? asyncSync : relaxed,
    };
    return { job: openStore(this.parts, options, limits, observer), attach: (store, stream) => observer.attach(store, stream) };
  }

  private async read(account: string, name: string, directory: string): Promise<FoundStream | null> {
    const { log } = this.parts;
    const { conversion, found } = await this.metaFile(account, name).load();
    if (conversion !== null) log.notice(`  ${conversion} stream '${account} > ${name}'`);
    const text = metaText(found);
    if (text !== "") log.warn(`  ${text}`);
    const { kind } = META_ROWS[found.row];
    if (kind === "skip") return null;
    const unusable = (reason: string): FoundStream => ({
      config: defaultStreamConfig(name),
      created: new Nanoseconds(),
      offlineReason: reason,
      isUnsupported: false,
      directory,
    });
    if (kind === "offline") return unusable(text);
    try {
      const { config, created, offlineReason } = decodeStreamMetafile(found.plain);
      const time = new Nanoseconds();
      if (created !== null) time.setBigInt(nanosecondsSince1970(created));
      if (offlineReason !== null) {
        log.warn(offlineLine(`${account} > ${name}`, join(directory, META_FILE), offlineReason));
        return { config: { ...config, name }, created: time, offlineReason, isUnsupported: true, directory };
      }
      if (config.name !== name) return unusable(`stream name in metafile does not match directory: ${JSON.stringify(config.name)}`);
      const repaired = repairStoredConfig(config);
      for (const warning of repaired.warnings) log.warn(warning);
      if (repaired.config === null) return null;
      const { reason, warnings } = judgeUnsupported(account, repaired.config, this.consumersIn(directory));
      for (const warning of warnings) log.warn(warning);
      return { config: repaired.config, created: time, offlineReason: reason, isUnsupported: reason !== null, directory };
    } catch (error) {
      if (error instanceof JsonError) return unusable(`decoding error: ${error.message}`);
      throw error;
    }
  }

  /** Names of the consumers of a stream, which nats-server left. */
  private consumersIn(directory: string): string[] {
    const consumers = join(directory, CONSUMERS);
    return this.directoriesIn(consumers).filter(name => this.disk.status(join(consumers, name, META_FILE)) !== null);
  }

  private metaFile(account: string, name: string): SealedMeta {
    const key = HashKey.ofName(name);
    const checksum = (stored: Uint8Array) => metaChecksum(this.parts.hasher, key, stored);
    return new SealedMeta(this.disk, this.directoryOf(account, name), checksum, this.keysOf(account, name));
  }

  private keysOf(account: string, name: string): StreamKeys | null {
    const { encryption } = this.options;
    return encryption === null ? null : new StreamKeys(encryption, account, name);
  }

  private directoryOf(account: string, name: string): string {
    const base = this.accountDirectory(account);
    if (base === null || !isPathToken(name)) throw new Error(`no directory can have this name: ${JSON.stringify(name)}`);
    return join(base, "streams", name);
  }

  /** null: the name cannot be that of a directory. */
  private accountDirectory(account: string): string | null {
    return isPathToken(account) ? join(this.directory, account) : null;
  }

  private directoriesIn(path: string): string[] {
    if (this.disk.status(path) === null) return [];
    return this.disk
      .list(path)
      .filter(({ isDirectory, name }) => isDirectory && !name.startsWith("."))
      .map(({ name }) => name);
  }

  /**
   * Creates a directory with those above it.
   * @returns directories that must be synced, the innermost first: the parents of new ones, and all others down from the store's. Another stream
   *   that is being created may have made those a moment ago.
   */
  private makeDirectories(path: string): string[] {
    const { disk } = this;
    const parent = join(path, "..");
    const isMissing = disk.status(path) === null;
    if (!isMissing && !path.startsWith(`${this.directory}/`)) return [];
    const above = this.makeDirectories(parent);
    if (isMissing) disk.makeDirectory(path, PERMISSIONS);
    return [parent, ...above];
  }
}

function* openStore(...parameters: Parameters<typeof openFileStore>): Job<MessageStore> {
  return (yield* openFileStore(...parameters)).store;
}

/** Whether a name is one path component, and not a hidden one. Names of streams and accounts that the reference allows are. */
function isPathToken(name: string): boolean {
  return name !== "" && !name.startsWith(".") && !name.includes("/") && !name.includes("\\") && !name.includes("\0");
}
