/**
 * The subscriptions of one client by sid, and in the interest of its account. A subscription is always in both or in neither.
 */
import type { Account } from "../../accounts/account/account.ts";
import { removeShadows } from "../../accounts/account/stream-import.ts";
import { assert } from "../../base/assert/assert.ts";
import { latin1 } from "../../base/bytes/ascii.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";

/** The client, as its table needs it. */
export interface SubscriptionOwner {
  /** Does not change while the table holds subscriptions. */
  readonly account: Account;
  onSubscriptionRemoved(subscription: Subscription): void;
}

export class SubscriptionTable {
  private readonly owner: SubscriptionOwner;
  /** Keys are the bytes of the sid as latin1 text. */
  private readonly bySid = new Map<string, Subscription>();

  constructor(owner: SubscriptionOwner) {
    this.owner = owner;
  }

  get size(): number {
    return this.bySid.size;
  }

  values(): MapIterator<Subscription> {
    return this.bySid.values();
  }

  /** @param sid as latin1 text */
  get(sid: string): Subscription | undefined {
    return this.bySid.get(sid);
  }

  /**
   * Adds a subscription to table and interest. The caller has checked that its sid is free.
   * @param sid of the subscription, as latin1 text
   * @returns false when its subject is invalid; nothing is added then
   */
  add(sid: string, subscription: Subscription): boolean {
    if (!this.owner.account.interest.insert(subscription)) return false;
    this.bySid.set(sid, subscription);
    return true;
  }

  /** Closes a subscription and removes it from table and interest. Does nothing if it is closed. */
  remove(subscription: Subscription): void {
    if (subscription.closed) return;
    subscription.closed = true;
    // If a shadow has delivered its maximum, its subscription remains.
    if (subscription.view !== null) return;
    const { account } = this.owner;
    const known = this.bySid.delete(latin1(subscription.sid, 0, subscription.sid.length));
    const wanted = account.interest.remove(subscription);
    assert(known && wanted, "a subscription is in its client's table and in the interest of its account", known, wanted);
    removeShadows(subscription);
    account.onSubscriptionRemoved(subscription.subject);
    this.owner.onSubscriptionRemoved(subscription);
  }

  removeAll(): void {
    if (this.bySid.size === 0) return;
    const { account } = this.owner;
    const all = [...this.bySid.values()];
    for (const subscription of all) {
      subscription.closed = true;
      removeShadows(subscription);
      this.owner.onSubscriptionRemoved(subscription);
    }
    this.bySid.clear();
    const removed = account.interest.removeBatch(all);
    assert(removed === all.length, "the subscriptions of a client are in the interest of its account", removed, all.length);
    for (const { subject } of all) account.onSubscriptionRemoved(subject);
  }
}
