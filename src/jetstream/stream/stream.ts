/**
 * A stream: a store with a configuration, fed from subjects of an account.
 *
 *   subjects ─▶ Ingest ─▶ MessageStore ─▶ (end of turn) flush ─▶ disk ─▶ onDurable ─▶ Outbox ─▶ account
 *                              └ limits, age, time to live ─▶ expiry timer
 * This file holds the stream's state and its life; the roles have their own files: ingest.ts (publishing), direct-get.ts (reading),
 * stream-expiry.ts. What the API asks for is in ../api.
 */
import { encode } from "../../base/bytes/ascii.ts";
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { Subscription } from "../../messaging/batch/subscription.ts";
import { COLD, type MessageStore, type RemovalReason, type StoreObserver } from "../../store/contract/message-store.ts";
import type { StreamConfig } from "../config/stream-config.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import { DirectGet } from "./direct-get.ts";
import { Ingest } from "./ingest.ts";
import { MESSAGE_IDS_MAX, MessageIds } from "./message-ids.ts";
import { Outbox } from "./outbox.ts";
import { PlaceHeader } from "./place-header.ts";
import { isOutOfSpace, storeFailure } from "./publish-checks.ts";
import { type PublishRules, rulesOf } from "./publish-rules.ts";
import type { Publishing } from "./publishing.ts";
import { messageIdAt, recallIds } from "./recall-ids.ts";
import type { BufferLimits, StreamAccount, StreamCore, StreamHost } from "./stream-core.ts";
import { StreamExpiry } from "./stream-expiry.ts";
import { WritePace } from "./write-pace.ts";

const NO_SID = new Uint8Array(0);
/** Steps of a search over subjects that are done at once. */
const INLINE_STEPS_MAX = 8;
const NANOS_PER_MS = 1_000_000;
const TIMER_MAX_MS = 2 ** 30;

export class Stream implements StreamCore, StoreObserver {
  readonly name: string;
  readonly host: StreamHost;
  readonly account: StreamAccount;
  readonly created: Nanoseconds;
  readonly store: MessageStore;
  readonly outbox: Outbox;
  readonly ids: MessageIds;
  /** Writes headers that say where a message is. */
  readonly place: PlaceHeader;
  readonly directGet: DirectGet;
  /** Time of the changes of this turn. */
  readonly time = new Nanoseconds();
  config: StreamConfig;
  rules: PublishRules;
  /** Takes no messages any more. */
  closed = false;
  lastMessageId: string | null = "";
  readonly pace = new WritePace();
  readonly ingest: Ingest;
  private readonly expiry: StreamExpiry;
  private readonly subscriptions = new Map<string, Subscription>();
  /** A search over subjects with wildcards that a check waits for. */
  private search: { readonly filter: string; result: number | typeof COLD; readonly done: Promise<void> } | null = null;
  private changed = false;
  /** The ids of stored messages are being read; messages with ids wait. */
  private recalling: Promise<void> | null = null;
  private readonly idTimer = new WheelTimer(() => this.tidyIds());
  private hasIdTimer = false;

  /** @param openStore opens the store with its observer */
  constructor(
    host: StreamHost,
    account: StreamAccount,
    config: StreamConfig,
    created: Nanoseconds,
    openStore: (observer: StoreObserver) => MessageStore,
  ) {
    this.host = host;
    this.account = account;
    this.name = config.name;
    this.config = config;
    this.rules = rulesOf(config);
    this.created = created;
    this.outbox = new Outbox(host, account.publisher);
    this.ids = new MessageIds(host.random, BigInt(config.duplicateWindowNs), () => {
      host.warnRateLimited(
        `JetStream stream '${this.label}' has more than ${MESSAGE_IDS_MAX} message ids in its duplicate window; it forgets the oldest`,
      );
    });
    this.place = new PlaceHeader(config.name);
    this.ingest = new Ingest(host, this);
    this.directGet = new DirectGet(this);
    this.expiry = new StreamExpiry(this);
    this.store = openStore(this);
  }

  /** Name in log lines. */
  get label(): string {
    return `${this.account.name} > ${this.name}`;
  }

  get waiting(): number {
    return this.ingest.waiting;
  }

  publishOwn(subject: Buffer, header: Buffer): void {
    this.ingest.publishOwn(subject, header);
  }

  get domain(): string {
    return this.host.domain;
  }

  get limits(): BufferLimits {
    return this.host.limits;
  }

  /** Takes messages from now on. Those with message ids wait until the ids of stored messages are known. */
  start(): void {
    if (this.store.state.lastSequence > 0) this.recallIds();
    this.subscribe();
    this.directGet.follow(this.config.allowDirect);
    this.expiry.schedule();
  }

  /** Follows a new configuration; its store already does. */
  follow(config: StreamConfig): void {
    this.config = config;
    this.rules = rulesOf(config);
    this.ids.setWindow(BigInt(config.duplicateWindowNs));
    this.subscribe();
    this.directGet.follow(config.allowDirect);
    this.expiry.schedule();
  }

  /** Ends subscriptions and timers. What waits to be sent is dropped. The store stays open. */
  stop(): void {
    if (this.closed) return;
    this.closed = true;
    for (const subscription of this.subscriptions.values()) this.account.unsubscribe(subscription);
    this.subscriptions.clear();
    this.directGet.follow(false);
    this.expiry.stop();
    this.host.timers.cancel(this.idTimer);
    this.outbox.clear();
  }

  /** Follows what its account imports. */
  subscribeAgain(): void {
    for (const subscription of this.subscriptions.values()) this.account.unsubscribe(subscription);
    this.subscriptions.clear();
    if (!this.closed) this.subscribe();
  }

  private subscribe(): void {
    const { account } = this;
    const wanted = new Set(this.config.subjects);
    for (const [subject, subscription] of this.subscriptions) {
      if (wanted.has(subject)) continue;
      account.unsubscribe(subscription);
      this.subscriptions.delete(subject);
    }
    for (const subject of wanted) {
      if (this.subscriptions.has(subject)) continue;
      const subscription = new Subscription(this.ingest, new Uint8Array(encode(subject)), null, NO_SID);
      account.subscribe(subscription);
      this.subscriptions.set(subject, subscription);
    }
  }

  // Changes

  /** Call before changing the store: sets `time`, and makes sure that the change is written at the end of the turn. */
  beginChanges(): void {
    const now = this.host.nanoseconds.read();
    this.time.set(now.high, now.low);
    if (this.changed) return;
    this.changed = true;
    this.host.addChanged(this);
  }

  /** Call after changes outside of an event of a connection. */
  endChangesSoon(): void {
    this.host.endSoon();
  }

  /** Writes the changes of the turn, or leaves them for a later turn. Called in the phase Store. */
  flush(): void {
    this.changed = false;
    if (this.closed) return;
    const { pace, store } = this;
    if (pace.begin(store)) {
      store.flush();
      pace.wrote(store);
    }
    if (store.isHolding) this.ingest.refuseWaiting(apiError("InsufficientResources"));
    this.expiry.schedule();
    this.outbox.release(store.durable);
  }

  /**
   * Runs a job that changes the store, and writes its changes. Messages that arrive meanwhile are stored.
   * @throws the disk's error: the store is frozen
   */
  async change<T>(job: Job<T>): Promise<T> {
    const { store } = this;
    if (store.failure !== null) throw store.failure;
    this.beginChanges();
    this.endChangesSoon();
    const result = await this.host.run(job);
    this.beginChanges();
    this.endChangesSoon();
    return result;
  }

  /** The same, and waits until the changes are durable. @throws the disk's error */
  async changeDurably<T>(job: Job<T>): Promise<T> {
    const result = await this.change(job);
    if (this.closed) return result;
    await new Promise<void>(resolve => {
      this.outbox.after(this.gate, resolve);
      this.sendSoon();
    });
    const { failure } = this.store;
    if (failure !== null) throw failure;
    return result;
  }

  get gate(): number {
    const { store } = this;
    return store.failure === null ? store.applied : 0;
  }

  get readGate(): number {
    return this.store.isHolding ? 0 : this.gate;
  }

  /**
   * Runs code when everything that is applied now is durable; at once if it is, or if nobody knows when that will be: the stream has ended, its
   * store has failed, the disk is full.
   */
  whenDurable(run: () => void): void {
    const { store } = this;
    if (this.closed || (store.durable >= store.applied && this.outbox.isEmpty)) run();
    else {
      this.outbox.after(this.readGate, run, true);
      this.sendSoon();
    }
  }

  /** No purge by a message is under way, of which a read could see a half. */
  get isOpenForReads(): boolean {
    return !this.ingest.isBlocked;
  }

  /** Runs code as soon as reads are allowed. */
  whenOpenForReads(run: () => void): void {
    if (this.isOpenForReads) run();
    else this.ingest.afterBlock(run);
  }

  /** Sends what was added to the outbox, as far as it is durable, at the end of the turn. */
  sendSoon(): void {
    if (!this.changed) {
      this.changed = true;
      this.host.addChanged(this);
    }
    this.host.endSoon();
  }

  // StoreObserver

  onUsage(_messages: number, bytes: number): void {
    // A stream that is deleted gives back what it uses at once, not when its store is gone.
    if (!this.closed) this.account.addUsage(this, bytes);
  }

  onRemoved(_sequence: number, _subject: Uint8Array, _start: number, _end: number, _reason: RemovalReason): void {}

  onRemovedBelow(_sequence: number): void {}

  onDurable(): void {
    const { pace, store } = this;
    // What was held is written first, so that the disk works while the answers are sent.
    if (pace.onDurable(store)) return this.sendSoon();
    if (!this.closed) this.outbox.release(store.durable);
    this.host.endSoon();
  }

  onFailure(error: Error, canRecover: boolean): void {
    if (canRecover || isOutOfSpace(error)) this.host.outOfStorage(this.name);
    const next = canRecover ? "it stores again when there is room" : "it is frozen until the server starts again";
    this.host.error(`JetStream failed to store a msg on stream '${this.label}': ${error.message}; ${next}`);
    if (canRecover) return;
    this.ingest.fail(storeFailure(error));
    this.host.endSoon();
  }

  onResumed(): void {
    this.host.warn(`JetStream stream '${this.label}' stores messages again`);
  }

  // CheckedStream

  get serverIsFull(): boolean {
    return this.account.isServerFull(this.rules.isFile);
  }

  sequenceOfId(source: Uint8Array, start: number, end: number): number | typeof COLD {
    if (this.recalling !== null) return COLD;
    this.setIdTimer();
    return this.ids.find(source, start, end, this.time);
  }

  lastMatching(filter: string): number | typeof COLD {
    const { search } = this;
    if (search?.filter === filter && search.result !== COLD) {
      this.search = null;
      return search.result;
    }
    const job = this.store.lastMatching(filter, this.store.state.lastSequence);
    for (let step = 0; step < INLINE_STEPS_MAX; step++) {
      const { done, value } = job.next();
      if (done) return value;
      if (value instanceof Promise) {
        this.searchLater(
          filter,
          value.then(() => this.host.run(job)),
        );
        return COLD;
      }
    }
    this.searchLater(filter, this.host.run(job));
    return COLD;
  }

  private searchLater(filter: string, result: Promise<number>): void {
    const search: NonNullable<Stream["search"]> = {
      filter,
      result: COLD,
      done: result.then(sequence => {
        search.result = sequence;
      }),
    };
    this.search = search;
  }

  /** Resolves when what a check found to be cold can be asked again. */
  whenReady(): Promise<void> {
    return this.recalling ?? this.search?.done ?? this.store.warm();
  }

  private recallIds(): void {
    const { config, host, store } = this;
    const { lastSequence } = store.state;
    const now = host.nanoseconds.read().toBigInt();
    this.lastMessageId = null;
    const readLast = host.run(messageIdAt(store, lastSequence)).then(id => {
      this.lastMessageId ??= id;
    });
    const read = host.run(recallIds(store, this.ids, BigInt(config.duplicateWindowNs), now, lastSequence));
    this.recalling = Promise.all([readLast, read]).then(() => {
      this.recalling = null;
      this.setIdTimer();
    });
  }

  /** Looks again after a window, so that ids of a stream that became idle do not stay in memory. */
  private setIdTimer(): void {
    const { config, host } = this;
    if (this.hasIdTimer || this.closed || Number(config.duplicateWindowNs) === 0) return;
    this.hasIdTimer = true;
    host.timers.set(this.idTimer, Math.min(Math.ceil(Number(config.duplicateWindowNs) / NANOS_PER_MS), TIMER_MAX_MS));
  }

  private tidyIds(): void {
    this.hasIdTimer = false;
    if (this.ids.tidy(this.host.nanoseconds.read())) this.setIdTimer();
  }

  /** No consumers exist yet, so nobody is interested. */
  hasInterest(_subject: Uint8Array, _start: number, _end: number): boolean {
    return false;
  }

  accountRefusal({ message }: Publishing): ApiError | null {
    const { headerSize, payloadSize, subjectSize } = message;
    const bytes = this.rules.isFile
      ? FILE_RECORD_BYTES + subjectSize + payloadSize + (headerSize > 0 ? HEADER_LENGTH_BYTES + headerSize : 0)
      : MEMORY_RECORD_BYTES + subjectSize + headerSize + payloadSize;
    return this.account.refusalOf(this, bytes);
  }
}

/** Bytes that a store counts for a message beside subject, headers and payload. Source: formats §10.3, §10.15. */
const FILE_RECORD_BYTES = 30;
const HEADER_LENGTH_BYTES = 4;
const MEMORY_RECORD_BYTES = 16;
