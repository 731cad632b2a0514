/**
 * JetStream of one account: its streams, its limits, and what it uses.
 *
 *   streams ─▶ bytes per tier and kind of storage ─▶ compared with the limits for each message
 * Limits may change at any time; streams above a lower limit stay, and publishing into them is refused.
 * Source: reference, jetstream §7.1, §7.2.
 */
import type { Account } from "../../accounts/account/account.ts";
import { addShadows, removeShadows } from "../../accounts/account/stream-import.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { LocalPublisher } from "../../messaging/fanout/local-publisher.ts";
import type { SubjectTrie } from "../../messaging/subject/subject-trie.ts";
import { type SelectedLimits, type ServerReservations, selectLimits, type TieredLimits } from "../config/account-limits.ts";
import type { StreamContext } from "../config/create-stream.ts";
import type { Integer, StreamConfig } from "../config/stream-config.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import type { Stream } from "../stream/stream.ts";
import type { StreamAccount, StreamCore } from "../stream/stream-core.ts";
import type { OfflineStream } from "./offline-stream.ts";
import type { ServerUsage } from "./server-usage.ts";

/** Bytes that the streams of a tier use. */
class TierBytes {
  memory = 0;
  storage = 0;
}

/** Not a number of replicas. */
const NOT_SELECTED = -1;

export class JetStreamAccount implements StreamAccount, StreamContext {
  readonly account: Account;
  readonly streams = new Map<string, Stream>();
  /** Streams that are on the disk and cannot be used. */
  readonly offline = new Map<string, OfflineStream>();
  /** Streams that are being created, and new configurations of streams that are being updated: nobody may take their subjects. */
  readonly pending = new Map<string, StreamConfig>();
  limits: TieredLimits;
  /** Requests of the API, and how many of them were refused. */
  requests = 0;
  errors = 0;
  private readonly usage: ServerUsage;
  private readonly tiers = new Map<string, TierBytes>();
  /** The limits of streams with this number of replicas, and what their tier uses. Most messages are for streams with the same number. */
  private selectedFor: Integer = NOT_SELECTED;
  private selected: SelectedLimits | null = null;
  private selectedBytes: TierBytes | undefined;

  constructor(account: Account, limits: TieredLimits, usage: ServerUsage) {
    this.account = account;
    this.limits = limits;
    this.usage = usage;
  }

  get name(): string {
    return this.account.name;
  }

  get interest(): SubjectTrie<Subscription> {
    return this.account.interest;
  }

  get publisher(): LocalPublisher {
    return this.account.publisher;
  }

  /** Names of its streams, sorted. */
  names(): string[] {
    return [...this.streams.keys()].sort();
  }

  // StreamAccount

  subscribe(subscription: Subscription): void {
    this.account.interest.insert(subscription);
    addShadows(this.account, subscription);
  }

  unsubscribe(subscription: Subscription): void {
    subscription.closed = true;
    this.account.interest.remove(subscription);
    removeShadows(subscription);
  }

  /** The account imports other streams of messages. */
  followImports(): void {
    for (const stream of this.streams.values()) stream.subscribeAgain();
  }

  isServerFull(isFile: boolean): boolean {
    return this.usage.isFull(isFile);
  }

  refusalOf({ config }: StreamCore, bytes: number): ApiError | null {
    this.select(config.replicas);
    const { selected, selectedBytes: used } = this;
    if (selected === null) return apiError("NoLimits");
    const { limits } = selected;
    const isMemory = config.storage === "memory";
    const most = isMemory ? limits.memoryBytesMax : limits.storageBytesMax;
    if (most < 0) return null;
    // As in the reference: before anything was stored or purged, nothing is exceeded.
    if (used === undefined) return null;
    return (isMemory ? used.memory : used.storage) + bytes > most ? apiError("AccountResourcesExceeded") : null;
  }

  addUsage({ config }: StreamCore, bytes: number): void {
    this.select(config.replicas);
    if (this.selectedBytes === undefined) {
      this.selectedBytes = new TierBytes();
      this.tiers.set(this.selected?.tier ?? "", this.selectedBytes);
    }
    const used = this.selectedBytes;
    if (config.storage === "memory") used.memory += bytes;
    else used.storage += bytes;
    this.usage.add(config.storage === "file", bytes);
  }

  private select(replicas: Integer): void {
    if (replicas === this.selectedFor) return;
    this.selectedFor = replicas;
    this.selected = selectLimits(this.limits, replicas);
    this.selectedBytes = this.tiers.get(this.selected?.tier ?? "");
  }

  /** Uses new limits. What is used is counted anew, because tiers may have changed. */
  follow(limits: TieredLimits): void {
    this.limits = limits;
    this.tiers.clear();
    this.selectedFor = NOT_SELECTED;
    for (const stream of this.streams.values()) {
      const { bytes } = stream.store.state;
      this.usage.add(stream.config.storage === "file", -bytes);
      this.addUsage(stream, bytes);
    }
  }

  /** Bytes used in one tier. */
  usedIn(tier: string): { readonly memory: number; readonly storage: number } {
    return this.tiers.get(tier) ?? { memory: 0, storage: 0 };
  }

  /** Bytes used in all tiers. */
  get used(): { readonly memory: number; readonly storage: number } {
    const sum = { memory: 0, storage: 0 };
    for (const { memory, storage } of this.tiers.values()) {
      sum.memory += memory;
      sum.storage += storage;
    }
    return sum;
  }

  /** Bytes that its streams have reserved. @param tier only of these; null: all */
  reserved(storage: "file" | "memory", tier: string | null): bigint {
    let sum = 0n;
    for (const { config } of this.streams.values()) {
      if (config.storage !== storage || config.bytesMax <= 0) continue;
      if (tier !== null && (selectLimits(this.limits, config.replicas)?.tier ?? "") !== tier) continue;
      sum += BigInt(config.bytesMax);
    }
    return sum;
  }

  // StreamContext

  get duplicateWindowMaxNs(): Integer {
    return this.usage.duplicateWindowMaxNs;
  }

  get server(): ServerReservations {
    return this.usage;
  }

  configOf(name: string): StreamConfig | null {
    return this.streams.get(name)?.config ?? this.offline.get(name)?.config ?? null;
  }

  *configs(): Iterable<StreamConfig> {
    const { pending, streams } = this;
    for (const { config } of streams.values()) yield withPending(config, pending.get(config.name));
    for (const config of pending.values()) if (!streams.has(config.name)) yield config;
    for (const { config } of this.offline.values()) yield config;
  }
}

/** What a stream takes up while it is updated: all of before and after. */
function withPending(config: StreamConfig, next: StreamConfig | undefined): StreamConfig {
  if (next === undefined) return config;
  const larger = next.bytesMax > config.bytesMax ? next : config;
  return { ...next, bytesMax: larger.bytesMax, subjects: [...config.subjects, ...next.subjects] };
}
