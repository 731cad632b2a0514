/**
 * The subscriptions of one client by sid, and in the interest of its account. A subscription is always in both or in neither.
 */
import type { Account } from "../../accounts/account/account.ts";
import { removeShadows } from "../../accounts/account/stream-import.ts";
import { assert } from "../../base/assert/assert.ts";
import { forEachLater } from "../../base/scheduling/for-each.ts";
import type { Scheduler } from "../../base/scheduling/scheduler.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { BytesMap } from "../../messaging/subject/bytes-map.ts";

/** The client, as its table needs it. */
export interface SubscriptionOwner {
  /** Does not change while the table holds subscriptions. */
  readonly account: Account;
  /** Long removals are its tasks. */
  readonly host: { readonly turn: { readonly scheduler: Scheduler } };
  onSubscriptionRemoved(subscription: Subscription): void;
}

/** Up to this number of subscriptions are removed at once, more by a task. */
const REMOVED_AT_ONCE = 256;
/** Work of one removal, besides that in the trie. */
const REMOVAL_UNITS = 2;

export class SubscriptionTable {
  private readonly owner: SubscriptionOwner;
  /** null until the first subscription. */
  private bySid: BytesMap<Subscription> | null = null;

  constructor(owner: SubscriptionOwner) {
    this.owner = owner;
  }

  get size(): number {
    return this.bySid === null ? 0 : this.bySid.size;
  }

  values(): IterableIterator<Subscription> {
    return this.bySid === null ? [].values() : this.bySid.values();
  }

  get(sid: Uint8Array): Subscription | undefined {
    return this.bySid?.get(sid, 0, sid.length);
  }

  /**
   * Adds a subscription to table and interest. The caller has checked that its sid is free.
   * @returns false when its subject is invalid; nothing is added then
   */
  add(subscription: Subscription): boolean {
    const { interest } = this.owner.account;
    if (!interest.insert(subscription)) return false;
    this.bySid ??= new BytesMap(interest.hashKey);
    this.bySid.set(subscription.sid, subscription);
    return true;
  }

  /** Closes a subscription and removes it from table and interest. Does nothing if it is closed. */
  remove(subscription: Subscription): void {
    if (subscription.closed) return;
    subscription.closed = true;
    // If a shadow has delivered its maximum, its subscription remains.
    if (subscription.view !== null) return;
    const { account } = this.owner;
    const known = this.bySid?.delete(subscription.sid) ?? false;
    const wanted = account.interest.remove(subscription);
    assert(known && wanted, "a subscription is in its client's table and in the interest of its account", known, wanted);
    removeShadows(subscription);
    account.onSubscriptionRemoved(subscription.subject);
    this.owner.onSubscriptionRemoved(subscription);
  }

  /**
   * Closes all subscriptions: none of them gets a message any more, and their sids are free. Many of them are removed from the interest by a task
   * of the scheduler, in the account that the client has now.
   */
  removeAll(): void {
    if (this.bySid === null || this.bySid.size === 0) return;
    const all = [...this.bySid.values()];
    for (const subscription of all) subscription.closed = true;
    this.bySid = null;
    const { owner } = this;
    const { account } = owner;
    if (all.length <= REMOVED_AT_ONCE) {
      removeFew(owner, all);
      return;
    }
    forEachLater(
      owner.host.turn.scheduler,
      all,
      () => REMOVAL_UNITS,
      subscription => {
        removeShadows(subscription);
        const removed = account.interest.remove(subscription);
        assert(removed, "the subscriptions of a client are in the interest of its account");
        account.onSubscriptionRemoved(subscription.subject);
        owner.onSubscriptionRemoved(subscription);
      },
    );
  }
}

/** The trie removes few subscriptions at once faster than one by one. */
function removeFew(owner: SubscriptionOwner, subscriptions: readonly Subscription[]): void {
  const { account } = owner;
  for (const subscription of subscriptions) {
    removeShadows(subscription);
    owner.onSubscriptionRemoved(subscription);
  }
  const removed = account.interest.removeBatch(subscriptions);
  assert(
    removed === subscriptions.length,
    "the subscriptions of a client are in the interest of its account",
    removed,
    subscriptions.length,
  );
  for (const { subject } of subscriptions) account.onSubscriptionRemoved(subject);
}
