import { NO_STORE_LIMITS, type StoreLimits } from "../../../src/store/contract/store-limits.ts";
import type { ModelState } from "../../doubles/model-store.ts";
import { DrivenStore, withTtl } from "../driven-store.ts";
import type { StoreKind } from "../store-kind.ts";

export const START = 1_700_000_000_123_456_789n;
const SECOND = 1_000_000_000n;
export const HEADER = "NATS/1.0\r\nX: y\r\n\r\n";

/** A store in which the n-th message has sequence n, time START + n seconds, and the payload that its size asks for. */
export class Bench {
  private constructor(
    readonly kind: StoreKind,
    readonly store: DrivenStore,
  ) {}

  static async open(kind: StoreKind, limits: Partial<StoreLimits> = {}): Promise<Bench> {
    return new Bench(kind, await DrivenStore.open(kind, { ...NO_STORE_LIMITS, ...limits }));
  }

  /** Stores messages with these subjects. @returns the sequence of the last one */
  async add(...subjects: string[]): Promise<number> {
    let sequence = 0;
    for (const subject of subjects) sequence = await this.addOne(subject);
    return sequence;
  }

  addOne(subject: string, header = "", payload = "payload", ttlSeconds = 0): Promise<number> {
    return this.store.append(subject, withTtl(header, ttlSeconds), payload, this.timeOf(this.store.state.lastSequence + 1), ttlSeconds);
  }

  timeOf(sequence: number): bigint {
    return START + BigInt(sequence) * SECOND;
  }

  /** Bytes of messages with these subjects and the payload that `add` gives them. */
  bytes(...subjects: string[]): number {
    return subjects.reduce((sum, subject) => sum + this.kind.sizeOf(subject, "", "payload"), 0);
  }

  /** The sequences that are there. */
  async sequences(): Promise<number[]> {
    return (await this.store.scan(null, 0, 1)).map(message => message.sequence);
  }

  /** First and last sequence and the number of messages. */
  get range(): [number, number, number] {
    const { firstSequence, lastSequence, messages } = this.store.state;
    return [firstSequence, lastSequence, messages];
  }
}

/** The state of a new store. */
export const NEW: ModelState = {
  messages: 0,
  bytes: 0,
  firstSequence: 0,
  firstTime: 0n,
  lastSequence: 0,
  lastTime: 0n,
  subjects: 0,
  deleted: 0,
};

/** Size of the messages that `Bench.add` stores under a subject of one letter. */
export function smallBytes(kind: StoreKind): number {
  return kind.sizeOf("a", "", "payload");
}
