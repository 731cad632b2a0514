/**
 * Requests from the server to services of clients: each has an inbox for one answer, and a timeout.
 *
 *   ask ─▶ Inboxes.open ─▶ publish ─▶ the first answer, or `late` after the timeout
 * Answers after the timeout are discarded. When too many requests wait, those whose answer is no longer wanted are dropped.
 */
import type { Account } from "../accounts/account/account.ts";
import { type TimingWheel, WheelTimer } from "../base/clock/timing-wheel.ts";
import type { Inbox, Inboxes } from "./inboxes.ts";

/** Most requests waiting for an answer, over all accounts. */
export const PENDING_MAX = 16_384;

export interface OutgoingRequest {
  readonly account: Account;
  readonly subject: string;
  /** A whole header block; null: none. */
  readonly header: Uint8Array | null;
  readonly payload: Uint8Array | string;
  readonly timeoutMs: number;
  /** Whether the answer is still wanted. */
  readonly isWanted: () => boolean;
}

/** The answer's payload; `late`: no answer within the timeout; `crowded`: not sent, because too many requests wait. */
export type Answer = Uint8Array | "late" | "crowded";

interface Pending {
  readonly isWanted: () => boolean;
  settle(answer: Answer): void;
}

export class Requests {
  private readonly pending = new Set<Pending>();

  constructor(
    private readonly timers: TimingWheel,
    private readonly inboxes: Inboxes,
  ) {}

  /** Number of requests waiting for an answer. */
  get size(): number {
    return this.pending.size;
  }

  /** Never rejects. */
  ask({ account, header, isWanted, payload, subject, timeoutMs }: OutgoingRequest): Promise<Answer> {
    if (!this.hasRoom()) return Promise.resolve("crowded");
    const { promise, resolve } = Promise.withResolvers<Answer>();
    let inbox: Inbox | null = null;
    const pending: Pending = {
      isWanted,
      settle: answer => {
        if (!this.pending.delete(pending)) return;
        this.timers.cancel(timer);
        inbox?.close();
        resolve(answer);
      },
    };
    const timer = new WheelTimer(() => pending.settle("late"));
    this.pending.add(pending);
    inbox = this.inboxes.open(account, answer => pending.settle(Uint8Array.from(answer)), 1);
    this.timers.set(timer, timeoutMs);
    account.publisher.publish(subject, inbox.subject, header, payload);
    return promise;
  }

  private hasRoom(): boolean {
    if (this.pending.size < PENDING_MAX) return true;
    for (const pending of this.pending) if (!pending.isWanted()) pending.settle("late");
    return this.pending.size < PENDING_MAX;
  }
}
