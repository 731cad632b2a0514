/**
 * JetStream of one server: what its accounts' streams share, from start to stop.
 *
 *   start ─▶ accounts ─▶ streams/ of each on the disk ─▶ recovered, a few at a time ─▶ they take messages
 *   turn:  streams that changed ─▶ phase Store: flush ─▶ disk ─▶ outboxes
 *   create, update, delete ─▶ files first, durable ─▶ then the stream ─▶ answer
 * It knows accounts and stores, no connections: the event loop is handed in.
 */
import type { Account } from "../../accounts/account/account.ts";
import type { Clock } from "../../base/clock/clock.ts";
import { NanosecondClock, Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Random } from "../../base/random/random.ts";
import { type Job, runJob } from "../../base/scheduling/job.ts";
import type { Scheduler, Task } from "../../base/scheduling/scheduler.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { MessageStore, StoreObserver } from "../../store/contract/message-store.ts";
import type { TieredLimits } from "../config/account-limits.ts";
import { restoredText, restoringText } from "../config/start-lines.ts";
import type { StreamConfig } from "../config/stream-config.ts";
import { ApiError, apiError, wrapped } from "../error/api-error.ts";
import { OutboxPages } from "../stream/outbox.ts";
import { Stream } from "../stream/stream.ts";
import type { BufferLimits, StreamCore, StreamHost } from "../stream/stream-core.ts";
import { Advisories, type AdvisoryServer, type StreamAction } from "./advisories.ts";
import { JetStreamAccount } from "./jetstream-account.ts";
import { type ServerLimits, ServerUsage } from "./server-usage.ts";
import { storeLimitsOf } from "./store-limits.ts";
import type { FoundStream, OpeningStore, StreamFiles } from "./stream-files.ts";

/** The event loop and the server, as JetStream needs them. */
export interface JetStreamHost extends AdvisoryServer {
  readonly clock: Clock;
  readonly timers: TimingWheel;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly log: { error(text: string): void; warn(text: string): void; notice(text: string): void; warnRateLimited(text: string): void };
  /** Calls `writeChanges` once, in the phase Store at the end of this turn. */
  addStoreWork(jetStream: JetStream): void;
  endSoon(): void;
  readonly pendingBytesMax: number;
}

export interface JetStreamSettings {
  readonly domain: string;
  readonly limits: ServerLimits;
  readonly buffers: BufferLimits;
}

/** Makes stores. */
export interface Stores {
  memory(config: StreamConfig, observer: StoreObserver): MessageStore;
  /** Files of an account's streams; null: there is no directory for them. */
  readonly files: StreamFiles | null;
}

/** Stores that are opened at once when the server starts: enough that the disk and the reading threads have work, few enough for the memory. */
const OPENED_AT_ONCE = 8;

/** A store that was opened; its stream does not exist yet. */
interface RecoveredStore {
  readonly store: MessageStore;
  readonly attach: OpeningStore["attach"];
}

export class JetStream implements StreamHost {
  readonly accounts = new Map<string, JetStreamAccount>();
  readonly usage: ServerUsage;
  readonly pages = new OutboxPages();
  readonly nanoseconds: NanosecondClock;
  private readonly advisories: Advisories;
  private readonly host: JetStreamHost;
  private readonly settings: JetStreamSettings;
  private readonly stores: Stores;
  private changed: StreamCore[] = [];
  private hasStoreWork = false;
  private stopping = false;

  constructor(host: JetStreamHost, settings: JetStreamSettings, stores: Stores) {
    this.host = host;
    this.settings = settings;
    this.stores = stores;
    this.usage = new ServerUsage(settings.limits);
    this.advisories = new Advisories(host, settings.domain);
    this.nanoseconds = new NanosecondClock(host.clock);
  }

  // StreamHost

  get domain(): string {
    return this.settings.domain;
  }

  get limits(): BufferLimits {
    return this.settings.buffers;
  }

  get pendingBytesMax(): number {
    return this.host.pendingBytesMax;
  }

  get timers(): TimingWheel {
    return this.host.timers;
  }

  get meter(): WorkMeter {
    return this.host.scheduler.meter;
  }

  get random(): Random {
    return this.host.random;
  }

  run<T>(job: Job<T>): Promise<T> {
    return runJob(this.host.scheduler, job);
  }

  addTask(task: Task): void {
    this.host.scheduler.add(task);
  }

  endSoon(): void {
    this.host.endSoon();
  }

  warn(text: string): void {
    this.host.log.warn(text);
  }

  warnRateLimited(text: string): void {
    this.host.log.warnRateLimited(text);
  }

  error(text: string): void {
    this.host.log.error(text);
  }

  addChanged(stream: StreamCore): void {
    this.changed.push(stream);
    if (this.hasStoreWork) return;
    this.hasStoreWork = true;
    this.host.addStoreWork(this);
  }

  /** Writes the changes of this turn. */
  writeChanges(): void {
    this.hasStoreWork = false;
    const { changed } = this;
    this.changed = [];
    for (const stream of changed) stream.flush();
  }

  // Accounts

  /** JetStream of an account; created when it is asked for first. */
  enable(account: Account, limits: TieredLimits): JetStreamAccount {
    const known = this.accounts.get(account.name);
    if (known !== undefined) {
      known.follow(limits);
      return known;
    }
    const created = new JetStreamAccount(account, limits, this.usage);
    this.accounts.set(account.name, created);
    return created;
  }

  /** Accounts import other streams of messages. */
  followImports(accounts: Iterable<Account>): void {
    for (const { name } of accounts) this.accounts.get(name)?.followImports();
  }

  /** Reads the streams of an account from the disk: several stores at once, since most of the time they wait for it. They are added in the order of names. */
  async recover(account: JetStreamAccount): Promise<void> {
    const { files } = this.stores;
    if (files === null) return;
    const streams = await files.list(account.name);
    const opening: Promise<RecoveredStore | null>[] = [];
    for (const [index, found] of streams.entries()) {
      while (opening.length < Math.min(streams.length, index + OPENED_AT_ONCE))
        opening.push(this.openFound(account, files, streams[opening.length]));
      const recovered = await opening[index];
      if (recovered !== null) await this.addRecovered(account, found, recovered);
    }
  }

  /** @returns null: the stream is offline. Never rejects. */
  private async openFound(account: JetStreamAccount, files: StreamFiles, found: FoundStream): Promise<RecoveredStore | null> {
    const { config, offlineReason } = found;
    if (offlineReason !== null) {
      account.offline.set(config.name, { ...found, reason: offlineReason });
      return null;
    }
    const { clock, log } = this.host;
    log.notice(restoringText(account.name, config.name));
    const start = clock.monotonic();
    try {
      const opening = files.open(account.name, config, storeLimitsOf(config));
      const store = await this.run(opening.job);
      log.notice(restoredText(account.name, config.name, store.state.messages, clock.monotonic() - start));
      return { attach: (opened, observer) => opening.attach(opened, observer), store };
    } catch (error) {
      this.setOffline(account, found, error as Error);
      return null;
    }
  }

  private async addRecovered(account: JetStreamAccount, found: FoundStream, { attach, store }: RecoveredStore): Promise<void> {
    const { config, created } = found;
    try {
      const stream = this.add(account, config, created, observer => attach(store, observer));
      const first = Number(config.firstSequence);
      if (first > 0 && store.state.firstSequence === 0) await stream.change(store.compact(first));
    } catch (error) {
      this.setOffline(account, found, error as Error);
    }
  }

  /** One stream that cannot be opened keeps its name and its files; the others are served. */
  private setOffline(account: JetStreamAccount, found: FoundStream, { message }: Error): void {
    this.error(`Error recreating stream "${account.name} > ${found.config.name}": ${message}`);
    account.offline.set(found.config.name, { ...found, reason: message });
  }

  /** Ends JetStream of an account. Its files stay; resolves when they are closed. */
  async disable(name: string): Promise<void> {
    const account = this.accounts.get(name);
    if (account === undefined) return;
    this.accounts.delete(name);
    const streams = [...account.streams.values()];
    for (const stream of streams) {
      stream.flush();
      stream.stop();
      this.usage.reserve(stream.config.storage === "file", -reserved(stream.config));
      account.addUsage(stream, -stream.store.state.bytes);
    }
    account.streams.clear();
    await Promise.all(streams.map(({ store }) => store.close()));
  }

  // Streams

  /** @param config normalised, and allowed (`decideCreate`) */
  async create(account: JetStreamAccount, config: StreamConfig): Promise<Stream | ApiError> {
    const created = new Nanoseconds();
    const now = this.nanoseconds.read();
    created.set(now.high, now.low);
    const isFile = config.storage === "file";
    // While files are written, others may ask for the same subjects and the same space.
    account.pending.set(config.name, config);
    this.usage.reserve(isFile, reserved(config));
    try {
      const stream = isFile ? await this.createOnDisk(account, config, created) : this.createInMemory(account, config, created);
      const first = Number(config.firstSequence);
      if (first > 0) await stream.change(stream.store.compact(first));
      account.streams.set(config.name, stream);
      stream.start();
      this.advise(account, stream.name, "create");
      return stream;
    } catch (error) {
      this.usage.reserve(isFile, -reserved(config));
      if (error instanceof ApiError) return error;
      // The disk's error is for the operator.
      this.warn(`Stream create failed for '${account.name} > ${config.name}': ${(error as Error).message}`);
      return wrapped("StreamCreate", "error creating store for stream");
    } finally {
      account.pending.delete(config.name);
    }
  }

  private createInMemory(account: JetStreamAccount, config: StreamConfig, created: Nanoseconds): Stream {
    return new Stream(this, account, config, created, observer => this.stores.memory(config, observer));
  }

  private async createOnDisk(account: JetStreamAccount, config: StreamConfig, created: Nanoseconds): Promise<Stream> {
    const { files } = this.stores;
    if (files === null) throw apiError("StorageResourcesExceeded");
    const opening = await files.create(account.name, config, created, storeLimitsOf(config));
    const store = await this.run(opening.job);
    try {
      return new Stream(this, account, config, created, observer => opening.attach(store, observer));
    } catch (error) {
      await files.remove(account.name, config.name, store);
      throw error;
    }
  }

  /** Adds a stream that was on the disk. */
  private add(
    account: JetStreamAccount,
    config: StreamConfig,
    created: Nanoseconds,
    openStore: (observer: StoreObserver) => MessageStore,
  ): Stream {
    const stream = new Stream(this, account, config, created, openStore);
    account.streams.set(config.name, stream);
    this.usage.reserve(config.storage === "file", reserved(config));
    stream.start();
    return stream;
  }

  /** @param config allowed (`decideUpdate`) */
  async update(account: JetStreamAccount, stream: Stream, config: StreamConfig): Promise<ApiError | null> {
    const { failure } = stream.store;
    if (failure !== null) return wrapped("StreamUpdate", failure.message);
    const before = stream.config;
    const isFile = config.storage === "file";
    const added = reserved(config) - reserved(before);
    account.pending.set(config.name, config);
    this.usage.reserve(isFile, added);
    try {
      if (isFile) await this.stores.files!.save(account.name, config, stream.created);
      await stream.change(stream.store.reconfigure(storeLimitsOf(config)));
      // Without a consumer, nobody is interested in what is stored.
      const isUnwanted = config.retention === "interest" && before.retention !== "interest" && stream.store.state.messages > 0;
      if (isUnwanted) await stream.change(stream.store.purge(null, 0, 0));
    } catch (error) {
      this.usage.reserve(isFile, -added);
      return wrapped("StreamUpdate", (error as Error).message);
    } finally {
      account.pending.delete(config.name);
    }
    stream.follow(config);
    this.advise(account, stream.name, "modify");
    stream.store.setCompression(config.compression === "s2");
    return null;
  }

  /** Removes a stream with its files. */
  async delete(account: JetStreamAccount, stream: Stream): Promise<ApiError | null> {
    account.streams.delete(stream.name);
    stream.stop();
    const { config, store } = stream;
    this.usage.reserve(config.storage === "file", -reserved(config));
    account.addUsage(stream, -store.state.bytes);
    try {
      if (config.storage === "file") await this.stores.files!.remove(account.name, config.name, store);
      else await store.destroy();
      this.advise(account, stream.name, "delete");
      return null;
    } catch (error) {
      return wrapped("StreamDelete", (error as Error).message);
    }
  }

  /** Removes a stream that cannot be used, with its files. */
  async deleteOffline(account: JetStreamAccount, name: string): Promise<ApiError | null> {
    const offline = account.offline.get(name);
    if (offline === undefined) return apiError("StreamNotFound");
    account.offline.delete(name);
    try {
      await this.stores.files!.remove(account.name, name, null);
      return null;
    } catch (error) {
      return wrapped("StreamDelete", (error as Error).message);
    }
  }

  private advise({ account }: JetStreamAccount, stream: string, action: StreamAction): void {
    this.advisories.stream(account, stream, action);
    this.host.endSoon();
  }

  /** The disk is full. */
  outOfStorage(stream: string): void {
    this.advisories.outOfStorage(stream);
    this.host.endSoon();
  }

  /** Wall clock, ms. */
  now(): number {
    return this.host.now();
  }

  /** Ends all streams; everything is on the disk when it resolves. */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    const streams = [...this.accounts.values()].flatMap(({ streams }) => [...streams.values()]);
    for (const stream of streams) stream.flush();
    for (const stream of streams) stream.stop();
    await Promise.all(streams.map(({ store }) => store.close()));
  }
}

function reserved({ bytesMax }: StreamConfig): bigint {
  return bytesMax > 0 ? BigInt(bytesMax) : 0n;
}
