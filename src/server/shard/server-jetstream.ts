/**
 * JetStream of a server: puts the engine together with the disk, the event loop and the accounts, and starts and stops it.
 *
 *   start   directory, lock ─▶ log lines ─▶ each account: its streams from the disk ─▶ requests are answered ─▶ ports open
 *   turn    streams that changed ─ phase Store ─▶ one write per stream ─▶ syncs in the thread pool ─▶ answers in the phase Deliver
 *   stop    after the connections: what arrived is written and synced, then the lock is released
 */
import { randomBytes } from "node:crypto";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import type { Account } from "../../accounts/account/account.ts";
import type { Accounts } from "../../accounts/account/accounts.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { DirectoryLock, Disk } from "../../base/disk/disk.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Random } from "../../base/random/random.ts";
import { descriptorLimit } from "../../base/runtime/descriptors.ts";
import { growThreadPool, STORE_THREADS } from "../../base/runtime/thread-pool.ts";
import { runJob } from "../../base/scheduling/job.ts";
import type { Scheduler } from "../../base/scheduling/scheduler.ts";
import { systemAccountFault } from "../../config/schema/jetstream-accounts.ts";
import type { Options } from "../../config/schema/options.ts";
import type { Turn } from "../../connections/link/turn.ts";
import { TurnPhase, type TurnWork } from "../../connections/link/turn-phases.ts";
import { reservationRefusal } from "../../jetstream/account/account-reservations.ts";
import { JetStream, type JetStreamHost } from "../../jetstream/account/jetstream.ts";
import type { ServerLimits } from "../../jetstream/account/server-usage.ts";
import { storeLimitsOf } from "../../jetstream/account/store-limits.ts";
import { StreamFiles } from "../../jetstream/account/stream-files.ts";
import { ApiDispatcher } from "../../jetstream/api/api-dispatcher.ts";
import { type AccountJetStream, type LimitChange, tiersOf } from "../../jetstream/config/account-jetstream.ts";
import type { JetStreamOptions } from "../../jetstream/config/jetstream-options.ts";
import {
  type JetStreamSettings,
  jetStreamSettings,
  type Machine,
  settleFileLimit,
  shownSyncInterval,
} from "../../jetstream/config/jetstream-settings.ts";
import { accountLines, endLine, type LogLine, openingLines, settingsLines } from "../../jetstream/config/start-lines.ts";
import { HashKey } from "../../messaging/subject/byte-hash.ts";
import type { JetStreamReport } from "../../operations/monitor/jetstream-report.ts";
import { BlockCache } from "../../store/block/block-cache.ts";
import { BlockCodec } from "../../store/block/block-codec.ts";
import { StoreEncryption } from "../../store/block/encryption.ts";
import { DESCRIPTOR_SHARE, OpenFiles } from "../../store/block/open-files.ts";
import { RecordHasher } from "../../store/block/record-hasher.ts";
import { RewriteTurns } from "../../store/block/rewrite-turns.ts";
import { StagingArena, stagingBytes } from "../../store/block/staging-arena.ts";
import { StoreSecret } from "../../store/block/store-secret.ts";
import { RELAXED_BYTES_MAX } from "../../store/commit/commit-line.ts";
import { CommitService } from "../../store/commit/commit-service.ts";
import { SpaceReserve } from "../../store/file/space-reserve.ts";
import { StateHashers } from "../../store/file/state-hashers.ts";
import type { StoreParts } from "../../store/file/store-parts.ts";
import { ChunkPool } from "../../store/memory/chunk-pool.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { NATS_VERSION } from "../../wire/protocol/version.ts";
import { StartError } from "./server-errors.ts";

/** The shard, as JetStream needs it. */
export interface JetStreamOwner {
  readonly options: Options;
  readonly log: Logger;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly turn: Turn;
  readonly directory: Accounts;
  readonly serverName: string;
  readonly clusterName: string;
  readonly identity: { readonly id: string };
  readonly systemAccount: Account | null;
  /** Loads the account of an operator. Resolves also when there is no such account. */
  loadAccount(name: string): Promise<void>;
}

/** Half of the threads are for syncs, the other half for reads. */
const SYNCS_MAX = STORE_THREADS / 2;
/** Staging space for all streams: 8 MiB. */
const STAGING_CHUNKS = 8;
/** Space on the disk is kept back this long after the start. */
const RESERVE_AFTER_MS = 5_000;
const DEFAULT_DESCRIPTORS = 1024;
const OPEN_FILES_MIN = 16;
const NANOS_PER_MS = 1_000_000;
const DIRECTORY_PERMISSIONS = 0o700;

export class ServerJetStream implements JetStreamHost, JetStreamReport, TurnWork {
  /** Change with a reload, and when streams were recovered. */
  settings: JetStreamSettings;
  readonly engine: JetStream;
  private readonly owner: JetStreamOwner;
  private readonly commits: CommitService;
  private readonly parts: StoreParts;
  private readonly files: StreamFiles;
  private dispatcher: ApiDispatcher | null = null;
  private lock: DirectoryLock | null = null;
  private cancelReserve: (() => void) | null = null;

  constructor(owner: JetStreamOwner) {
    const { clock, disk, options, turn } = owner;
    this.owner = owner;
    growThreadPool(STORE_THREADS, process.env, navigator.hardwareConcurrency);
    this.settings = jetStreamSettings(options.jetStream, options.storeDirectory, machineOf(disk));
    const hasher = new RecordHasher(stagingBytes(STAGING_CHUNKS));
    const subjectKey = HashKey.secret();
    this.commits = new CommitService(clock, SYNCS_MAX);
    this.parts = {
      disk,
      hasher,
      staging: new StagingArena(hasher),
      cache: new BlockCache(clock),
      codec: new BlockCodec(hasher),
      rewriteTurns: new RewriteTurns(),
      files: new OpenFiles(disk, openFilesMax()),
      commits: this.commits,
      reserve: new SpaceReserve(disk, this.settings.storeDirectory),
      stateHashers: new StateHashers(),
      meter: turn.meter,
      subjectKey,
      fillRandom: target => crypto.getRandomValues(target),
      run: job => runJob(turn.scheduler, job),
      log: this.log,
    };
    const chunks = new ChunkPool();
    const { domain, bufferedBytesMax, bufferedMessagesMax } = options.jetStream;
    this.files = new StreamFiles(this.parts, {
      directory: this.settings.storeDirectory,
      relaxed:
        this.settings.durability === "synced" ? null : { intervalMs: options.jetStream.syncIntervalMs!, bytesMax: RELAXED_BYTES_MAX },
      asyncSync: { intervalMs: shownSyncInterval(options.jetStream), bytesMax: RELAXED_BYTES_MAX },
      encryption: encryptionOf(options.jetStream),
    });
    this.engine = new JetStream(
      this,
      {
        domain,
        limits: serverLimitsOf(this.settings),
        buffers: { bufferedMessagesMax, bufferedBytesMax },
      },
      {
        memory: (config, observer) => new MemoryStore(storeLimitsOf(config), observer, subjectKey, chunks),
        files: this.files,
      },
    );
  }

  // Start and stop

  /** Resolves when the streams of all accounts are there. @param accounts by name, in the order of their start @throws StartError */
  async start(accounts: ReadonlyMap<string, AccountJetStream>): Promise<void> {
    const { owner, settings } = this;
    const { clock, options } = owner;
    const startedAt = clock.monotonic();
    const fault = systemAccountFault(options);
    if (fault !== null) throw new StartError(fault);
    this.report(openingLines(settings));
    this.openDirectory();
    this.keepReserve();
    this.report(settingsLines(settings));
    for (const [account, after] of accounts) {
      const problem = await this.followLimits({ account, before: null, after });
      if (problem !== null) throw new StartError(`Can't start JetStream: ${problem}`);
    }
    this.useSettings(settleFileLimit(this.settings, this.engine.usage.storageBytes));
    const { systemAccount } = owner;
    if (systemAccount !== null) {
      const { infoQueueMax, requestQueueMax, strict } = options.jetStream;
      const server = { version: NATS_VERSION, name: owner.serverName };
      this.dispatcher = new ApiDispatcher(this.engine, systemAccount, server, {
        requestQueueMax,
        infoQueueMax: infoQueueMax ?? requestQueueMax,
        strict,
      });
    }
    this.report([endLine((clock.monotonic() - startedAt) * NANOS_PER_MS)]);
  }

  /** Writes everything, and gives the directory free. */
  async stop(): Promise<void> {
    this.log.notice("Initiating JetStream Shutdown...");
    this.dispatcher?.stop();
    await this.engine.stop();
    this.cancelReserve?.();
    await this.parts.reserve.stop();
    this.parts.cache.stop();
    this.lock?.release();
    this.lock = null;
    this.log.notice("JetStream Shutdown");
  }

  /** Accounts with files, which may be unknown or have no JetStream. */
  storedAccounts(): string[] {
    return this.files.accounts();
  }

  // Changes while it runs

  /** Follows the options of a reload that are live. */
  followOptions(options: JetStreamOptions): void {
    const { memoryBytesMax, fileBytesMax } = this.settings;
    this.useSettings({
      ...this.settings,
      memoryBytesMax: options.memoryBytesMax ?? memoryBytesMax,
      fileBytesMax: options.fileBytesMax ?? fileBytesMax,
      options,
    });
  }

  private useSettings(settings: JetStreamSettings): void {
    this.settings = settings;
    this.engine.usage.follow(serverLimitsOf(settings));
  }

  /**
   * Starts JetStream in an account, with the streams that are on the disk; changes its limits, which closes no stream; or ends it and keeps
   * its files.
   * @returns the error in the reference's words if the server cannot reserve what the account asks for; nothing is changed then
   */
  async followLimits({ account: name, after }: LimitChange): Promise<string | null> {
    const { engine, owner, settings } = this;
    if (after === null) {
      await engine.disable(name);
      return null;
    }
    const limits = tiersOf(after);
    const refused = reservationRefusal(engine, name, limits, settings.fileLimitIsProvisional);
    if (refused !== null) return String(refused);
    const isNew = !engine.accounts.has(name);
    const account = engine.enable(owner.directory.open(name), limits);
    if (!isNew) return null;
    await engine.recover(account);
    this.report(accountLines(name, after));
    return null;
  }

  private openDirectory(): void {
    const { disk } = this.owner;
    const { storeDirectory } = this.settings;
    try {
      makeDirectories(disk, storeDirectory);
      this.lock = disk.lockDirectory(storeDirectory);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ENOTSUP") return this.log.warn(`JetStream cannot lock its store directory: ${message}`);
      if (code === "EWOULDBLOCK")
        throw new StartError(`JetStream store directory ${JSON.stringify(storeDirectory)} is used by another server`);
      throw new StartError(`could not create storage directory - ${message}`, { cause: error });
    }
  }

  /** Not at once, so that a server which soon stops, as in tests, writes nothing for it. */
  private keepReserve(): void {
    this.cancelReserve = this.owner.clock.after(RESERVE_AFTER_MS, () => void this.parts.reserve.restore(), false);
  }

  private report(lines: readonly LogLine[]): void {
    for (const { level, text } of lines) this.log[level](text);
  }

  // JetStreamReport

  get usage(): JetStreamReport["usage"] {
    return this.engine.usage;
  }

  get accounts(): JetStreamReport["accounts"] {
    return this.engine.accounts;
  }

  storedNames(): readonly string[] {
    return this.files.directoryNames();
  }

  holdsFiles(name: string): boolean {
    return this.files.holdsFiles(name);
  }

  storedStreams(account: string): readonly string[] {
    return this.files.streamNames(account);
  }

  accountOf(name: string): { readonly expired: boolean } | null {
    return this.owner.directory.get(name) ?? null;
  }

  get api(): JetStreamReport["api"] {
    let requests = 0;
    let errors = 0;
    for (const account of this.engine.accounts.values()) {
      requests += account.requests;
      errors += account.errors;
    }
    return { requests, errors, inFlight: this.dispatcher?.inFlight ?? 0 };
  }

  // JetStreamHost

  get serverName(): string {
    return this.owner.serverName;
  }

  get serverId(): string {
    return this.owner.identity.id;
  }

  get clusterName(): string {
    return this.owner.clusterName;
  }

  get systemAccount(): Account | null {
    return this.owner.systemAccount;
  }

  now(): number {
    return this.owner.clock.now();
  }

  get clock(): Clock {
    return this.owner.clock;
  }

  get timers(): TimingWheel {
    return this.owner.turn.timers;
  }

  get scheduler(): Scheduler {
    return this.owner.turn.scheduler;
  }

  get random(): Random {
    return this.owner.turn.random;
  }

  get log(): Logger {
    return this.owner.log;
  }

  get pendingBytesMax(): number {
    return this.owner.options.pendingBytesMax;
  }

  addStoreWork(): void {
    this.owner.turn.add(TurnPhase.Store, this);
  }

  endSoon(): void {
    this.owner.turn.endSoon();
  }

  // TurnWork

  runPhase(): void {
    this.engine.writeChanges();
  }
}

function serverLimitsOf({ fileBytesMax, memoryBytesMax, options }: JetStreamSettings): ServerLimits {
  const duplicateWindowMaxNs = Math.round(options.limits.duplicateWindowMs * NANOS_PER_MS);
  return { memoryBytesMax, storageBytesMax: fileBytesMax, duplicateWindowMaxNs };
}

/** null: files are not encrypted. */
function encryptionOf({ cipher, encryptionKey, previousEncryptionKey }: JetStreamOptions): StoreEncryption | null {
  if (encryptionKey === "") return null;
  const previous = previousEncryptionKey === "" ? null : new StoreSecret(previousEncryptionKey);
  return new StoreEncryption(cipher, new StoreSecret(encryptionKey), previous, randomBytes);
}

function machineOf(disk: Disk): Machine {
  return {
    temporaryDirectory: tmpdir(),
    memoryBytes: totalmem(),
    freeBytes: directory => {
      try {
        makeDirectories(disk, directory);
        return disk.space(directory).freeBytes;
      } catch {
        return null;
      }
    },
  };
}

function makeDirectories(disk: Disk, path: string): void {
  if (disk.status(path) !== null) return;
  makeDirectories(disk, join(path, ".."));
  disk.makeDirectory(path, DIRECTORY_PERMISSIONS);
}

function openFilesMax(): number {
  return Math.max(OPEN_FILES_MIN, Math.floor((descriptorLimit() ?? DEFAULT_DESCRIPTORS) * DESCRIPTOR_SHARE));
}
