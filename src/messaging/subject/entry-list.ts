/**
 * The members of one kind at one trie node: its plain subscriptions, or one queue group. In order of insertion.
 *
 *   up to 256     an array, searched on removal
 *   above         a Set, and beside it a "plist": the array copy that deliveries walk, made by the first delivery after a change
 * With the Set, a hundred thousand subscribers can be removed one by one in linear time. With the plist, a fan-out reads an array, not a Set.
 * After few changes the next plist is a copy of the last one with these changes, which is several times as fast as reading the Set.
 * `snapshot` returns the array itself, which never changes afterwards: the next change works on a copy (above 256 it drops the array).
 */
const ARRAY_MAX = 256;
/** At this size a Set becomes an array again: well below the maximum, so that changes around the maximum do not convert each time. */
const ARRAY_AGAIN = 128;

/** After more changes the plist is built from the Set. */
const CHANGES_APPLIED = 8;

export class EntryList<E> {
  /** The members; null while only `set` holds them. */
  private array: E[] | null;
  private set: Set<E> | null = null;
  /** `snapshot` has returned `array`. */
  private shared = false;
  /** The last plist, while few members were added or removed since; it keeps up to eight removed members alive. */
  private base: readonly E[] | null = null;
  /** Members that were added or removed since `base` was made, in the order of the changes. */
  private readonly changed: E[] = [];

  constructor(...members: E[]) {
    this.array = members;
  }

  get size(): number {
    return this.set !== null ? this.set.size : this.array!.length;
  }

  /** Adds a member that is not in the list. */
  add(member: E): void {
    if (this.set !== null) {
      this.set.add(member);
      this.noteChange(member);
      return;
    }
    const array = this.ownArray();
    array.push(member);
    if (array.length > ARRAY_MAX) {
      this.set = new Set(array);
      this.array = null;
    }
  }

  /** @returns false when it was not in the list */
  remove(member: E): boolean {
    if (this.set !== null) {
      if (!this.set.delete(member)) return false;
      this.noteChange(member);
      if (this.set.size <= ARRAY_AGAIN) {
        this.array = [...this.set];
        this.shared = false;
        this.set = null;
        this.base = null;
        this.changed.length = 0;
      }
      return true;
    }
    const index = this.array!.indexOf(member);
    if (index === -1) return false;
    this.ownArray().splice(index, 1);
    return true;
  }

  has(member: E): boolean {
    return this.set !== null ? this.set.has(member) : this.array!.includes(member);
  }

  /** The members as an array that never changes; the caller must not change it either. */
  snapshot(): readonly E[] {
    this.array ??= this.base === null ? [...this.set!] : this.changedCopy(this.base); // `Array.from` takes four times as long
    this.shared = true;
    return this.array;
  }

  /** Called after a change of the Set. */
  private noteChange(member: E): void {
    if (this.array !== null) {
      this.base = this.array;
      this.array = null;
    }
    if (this.base === null) return;
    this.changed.push(member);
    if (this.changed.length <= CHANGES_APPLIED) return;
    this.base = null;
    this.changed.length = 0;
  }

  private changedCopy(base: readonly E[]): E[] {
    const copy = base.slice();
    for (const member of this.changed) {
      // A member that is in the copy was removed by this change, another one was added.
      const index = copy.lastIndexOf(member);
      if (index === -1) copy.push(member);
      else copy.splice(index, 1);
    }
    this.base = null;
    this.changed.length = 0;
    return copy;
  }

  private ownArray(): E[] {
    if (this.shared) {
      this.array = this.array!.slice();
      this.shared = false;
    }
    return this.array!;
  }
}
