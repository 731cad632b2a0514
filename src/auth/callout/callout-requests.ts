/**
 * Questions that wait for a service's answer: an inbox each, for one answer and for a while.
 *
 *   ask ─▶ subscribed to a fresh inbox ─▶ $SYS.REQ.USER.AUTH ─▶ the first answer, or none in time
 * An inbox has a name that nobody can guess, so only the service can spoil an attempt. Whoever is gone before the answer came is dropped when
 * room is needed; a client has one attempt under way, as nothing behind its CONNECT is looked at.
 */
import { randomBytes } from "node:crypto";
import type { Account } from "../../accounts/account/account.ts";
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import { LocalSubscriber } from "../../messaging/batch/local-subscriber.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";

/** Where services listen. */
export const CALLOUT_SUBJECT = "$SYS.REQ.USER.AUTH";
/** At the same time, in all accounts. */
export const ATTEMPTS_MAX = 16_384;
const INBOX_RANDOM_BYTES = 16;

export interface Question {
  readonly account: Account;
  /** A whole header block; null: none. */
  readonly header: Uint8Array | null;
  readonly payload: Uint8Array | string;
  readonly timeoutMs: number;
  /** Whether whoever asks is still there. */
  readonly isWanted: () => boolean;
}

/** The answer's payload; `late`: there was none in time; `crowded`: too many wait already. */
export type Answer = Uint8Array | "late" | "crowded";

interface Attempt {
  readonly isWanted: () => boolean;
  settle(answer: Answer): void;
}

export class CalloutRequests {
  private readonly underWay = new Set<Attempt>();
  private readonly subscribers = new WeakMap<Account, LocalSubscriber>();

  /** @param inboxPrefix of this server, with its dot */
  constructor(
    private readonly timers: TimingWheel,
    private readonly inboxPrefix: string,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** How many wait. */
  get size(): number {
    return this.underWay.size;
  }

  ask({ account, header, isWanted, payload, timeoutMs }: Question): Promise<Answer> {
    if (!this.hasRoom()) return Promise.resolve("crowded");
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const subscriber = this.subscriberOf(account);
    const inbox = this.inboxPrefix + randomBytes(INBOX_RANDOM_BYTES).toString("hex");
    let subscription: Subscription | null = null;
    const attempt: Attempt = {
      isWanted,
      settle: answer => {
        if (!this.underWay.delete(attempt)) return;
        this.timers.cancel(timer);
        if (subscription !== null) subscriber.unsubscribe(subscription);
        resolve(answer);
      },
    };
    const timer = new WheelTimer(() => attempt.settle("late"));
    this.underWay.add(attempt);
    subscription = subscriber.subscribe(inbox, null, (batch, index) => attempt.settle(Uint8Array.from(batch.payload(index))), 1);
    this.timers.set(timer, timeoutMs);
    account.publisher.publish(CALLOUT_SUBJECT, inbox, header, payload);
    return promise;
  }

  private hasRoom(): boolean {
    if (this.underWay.size < ATTEMPTS_MAX) return true;
    for (const attempt of this.underWay) if (!attempt.isWanted()) attempt.settle("late");
    return this.underWay.size < ATTEMPTS_MAX;
  }

  private subscriberOf(account: Account): LocalSubscriber {
    let subscriber = this.subscribers.get(account);
    if (subscriber === undefined) {
      subscriber = new LocalSubscriber(account, this.onError);
      this.subscribers.set(account, subscriber);
    }
    return subscriber;
  }
}
