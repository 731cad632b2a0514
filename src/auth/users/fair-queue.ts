/**
 * A bounded queue of attempts to log in that one address or one user name cannot fill for the others.
 *
 *   by address   192.0.2.1: ▪▪▪▪▪▪▪   192.0.2.7: ▪      the two orders take turns; in each order every address, or user, has one turn after
 *   by user      root: ▪▪▪▪▪▪▪▪       anna: ▪           the other, and within its own items the oldest is first
 * So an item waits for at most twice as many others as there are other addresses, or as there are other users, whichever is less; not for the number
 * of items. An attacker with many addresses is slow because they name few users, one with many names because they have one address. Unknown names
 * count as one user, and an IPv6 network of 64 bits as one address.
 *
 * When the queue is full, the newest item of a large address or user leaves in favour of one with fewer items. All steps are O(1), except the search
 * for that newest item.
 */
import { ipBytes } from "../../base/go/address.ts";

export interface Queued {
  /** See `addressGroup`. */
  readonly address: string;
  /** Empty: an unknown one. */
  readonly user: string;
}

/** Groups that are compared when an item has to leave. */
const COMPARED = 8;
const NETWORK_BYTES = 8;

/** Items by key, in the order of turns: the group whose turn it was goes to the end. */
type Groups<T> = Map<string, Set<T>>;

export class FairQueue<T extends Queued> {
  private readonly byAddress: Groups<T> = new Map();
  private readonly byUser: Groups<T> = new Map();
  private count = 0;
  private isTurnOfUsers = false;

  constructor(private readonly itemsMax: number) {}

  get size(): number {
    return this.count;
  }

  /** @returns the item that had to leave because the queue is full, possibly the new one; null: none */
  add(item: T): T | null {
    const left = this.count < this.itemsMax ? null : this.surplusFor(item);
    if (left === item) return item;
    if (left !== null) this.delete(left);
    append(this.byAddress, item.address, item);
    append(this.byUser, item.user, item);
    this.count++;
    return left;
  }

  /** Takes out the next item; undefined when the queue is empty. */
  next(): T | undefined {
    const groups = this.isTurnOfUsers ? this.byUser : this.byAddress;
    this.isTurnOfUsers = !this.isTurnOfUsers;
    for (const [key, items] of groups) {
      const [item] = items;
      this.delete(item!);
      if (items.size > 0) {
        groups.delete(key);
        groups.set(key, items);
      }
      return item;
    }
    return undefined;
  }

  /** @returns whether it was still in the queue */
  delete(item: T): boolean {
    if (!remove(this.byAddress, item.address, item)) return false;
    remove(this.byUser, item.user, item);
    this.count--;
    return true;
  }

  /** The newest item of a group that is larger than the new item's would be; the new item when there is none. */
  private surplusFor(item: T): T {
    const fromAddress = newestOfLarger(this.byAddress, this.byAddress.get(item.address)?.size ?? 0);
    return fromAddress ?? newestOfLarger(this.byUser, this.byUser.get(item.user)?.size ?? 0) ?? item;
  }
}

function append<T>(groups: Groups<T>, key: string, item: T): void {
  const items = groups.get(key);
  if (items === undefined) groups.set(key, new Set([item]));
  else items.add(item);
}

function remove<T>(groups: Groups<T>, key: string, item: T): boolean {
  const items = groups.get(key);
  if (!items?.delete(item)) return false;
  if (items.size === 0) groups.delete(key);
  return true;
}

/** @param size items that the new item's group has */
function newestOfLarger<T>(groups: Groups<T>, size: number): T | null {
  let largest: Set<T> | null = null;
  let compared = 0;
  for (const items of groups.values()) {
    if (items.size > (largest?.size ?? size + 1)) largest = items;
    if (++compared === COMPARED) break;
  }
  if (largest === null) return null;
  let newest: T | null = null;
  for (const item of largest) newest = item;
  return newest;
}

/** The key of an address: itself, or the first 64 bits of an IPv6 address, because one user usually has all of such a network. */
export function addressGroup(address: string): string {
  if (!address.includes(":")) return address;
  const bytes = ipBytes(address);
  if (bytes === null || address.toLowerCase().startsWith("::ffff:")) return address;
  return `${Buffer.from(bytes.subarray(0, NETWORK_BYTES)).toString("hex")}/64`;
}
