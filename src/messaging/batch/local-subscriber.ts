/**
 * Receivers inside the process: callbacks that subscribe like clients, without a connection. The server's own services use them.
 *
 *   client, LocalPublisher ─▶ FanOut ─▶ LocalSubscriber.deliver ─▶ callback(batch, index), at once, within the delivery
 *                                                                    │ may publish, subscribe, unsubscribe
 *                                                                    └─▶ LocalPublisher: another batch, another fan-out
 * A callback gets the batch and the index of its message, not a message object: nothing is allocated or copied. Every publish has its own
 * batch, so a callback's message does not change while the callback publishes. There is no queue in between: the client gets an answer before
 * anything that is sent to it later, and no bound is needed.
 * If a callback throws, its error is reported, and all other receivers still get the message.
 */
import { encode } from "../../base/bytes/ascii.ts";
import type { SubjectTrie } from "../subject/subject-trie.ts";
import type { MessageBatch } from "./message-batch.ts";
import { type Sink, Subscription } from "./subscription.ts";

/** The account that it subscribes in. */
export interface LocalAccount {
  readonly interest: SubjectTrie<Subscription>;
}

/**
 * Receives the message at `index` of the batch. Its bytes are borrowed until the callback returns; read them with `batch.payload(index)`
 * and similar methods, or by offsets where speed matters. Synchronous: a returned promise is ignored.
 */
export type LocalCallback = (batch: MessageBatch, index: number, subscription: Subscription) => void;

const NO_SID = new Uint8Array(0);

class LocalSubscription extends Subscription {
  readonly callback: LocalCallback;

  constructor(sink: Sink, subject: Uint8Array, queue: Uint8Array | null, callback: LocalCallback) {
    super(sink, subject, queue, NO_SID);
    this.callback = callback;
  }
}

/** Owner of any number of callbacks in one account. */
export class LocalSubscriber implements Sink {
  mark = 0;
  /** A callback may change interest, or publish, between two messages. */
  readonly takesRuns = false;
  /** Set while its owner publishes for others only: it takes no message, so that another member of a queue group gets it. */
  deaf = false;
  private readonly account: LocalAccount;
  private readonly onError: (error: unknown, subscription: Subscription) => void;
  private readonly subscriptions = new Set<LocalSubscription>();

  /** @param onError called with the error that a callback threw */
  constructor(account: LocalAccount, onError: (error: unknown, subscription: Subscription) => void) {
    this.account = account;
    this.onError = onError;
  }

  /** Number of its subscriptions. */
  get size(): number {
    return this.subscriptions.size;
  }

  /**
   * Subscribes. Takes effect with the next message, also if called from a callback.
   * @param subject may have wildcards
   * @param queue name of the queue group, of which one member gets each message
   * @param deliveredMax the subscription ends after this number of messages; 0: no limit
   * @returns the argument for `unsubscribe`; null if the subject is not valid
   */
  subscribe(subject: string, queue: string | null, callback: LocalCallback, deliveredMax = 0): Subscription | null {
    const subscription = new LocalSubscription(this, new Uint8Array(encode(subject)), queue === null ? null : encode(queue), callback);
    if (!this.account.interest.insert(subscription)) return null;
    subscription.deliveredMax = deliveredMax;
    this.subscriptions.add(subscription);
    return subscription;
  }

  /** Takes effect at once. Ignores subscriptions that have ended and those it does not own. */
  unsubscribe(subscription: Subscription): void {
    if (!this.subscriptions.delete(subscription as LocalSubscription)) return;
    subscription.closed = true;
    this.account.interest.remove(subscription);
  }

  /** Ends all subscriptions. */
  close(): void {
    const all = [...this.subscriptions];
    this.subscriptions.clear();
    for (const subscription of all) subscription.closed = true;
    this.account.interest.removeBatch(all);
  }

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    if (this.deaf) return 0;
    let index = from;
    // Checked for every message, because a callback may end the subscription.
    for (; index < to && !subscription.closed; index++) {
      const most = subscription.deliveredMax;
      if (++subscription.delivered === most) this.unsubscribe(subscription);
      try {
        (subscription as LocalSubscription).callback(batch, index, subscription);
      } catch (error) {
        this.onError(error, subscription);
      }
    }
    return index - from;
  }
}
