/**
 * One file of the simulated disk: what readers see, what is durable, and the changes between the two.
 */
import type { Random } from "../../src/base/random/random.ts";

/** The disk writes a sector completely or not at all. */
const SECTOR_BYTES = 512;

/** What a power failure does to the changes that were not synced. */
const FATES = ["none", "all", "torn", "zeros"] as const;

/** The bytes of a file; zeros where nothing was written. */
class Content {
  bytes = Buffer.alloc(0);
  size = 0;

  write(position: number, source: Uint8Array): void {
    if (source.length === 0) return;
    const end = position + source.length;
    if (end > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, 2 * this.bytes.length));
      this.bytes.copy(grown, 0, 0, this.size);
      this.bytes = grown;
    }
    this.bytes.set(source, position);
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    if (size < this.size) this.bytes.fill(0, size, this.size);
    else if (size > this.bytes.length) this.write(size - 1, new Uint8Array(1));
    this.size = size;
  }

  copy(): Content {
    const copy = new Content();
    copy.write(0, this.bytes.subarray(0, this.size));
    return copy;
  }
}

/** A write, or a truncation where `bytes` is null. */
export interface Change {
  /** Of a truncation: the new size. */
  readonly position: number;
  readonly bytes: Uint8Array | null;
}

function apply(change: Change, content: Content): void {
  if (change.bytes === null) content.truncate(change.position);
  else content.write(change.position, change.bytes);
}

/** Applies some sectors of a write; applies a truncation completely or not at all. */
function applyTorn({ position, bytes }: Change, content: Content, random: Random): void {
  if (bytes === null) {
    if (random.chance(0.5)) content.truncate(position);
    return;
  }
  const end = position + bytes.length;
  for (let at = position; at < end; ) {
    const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (random.chance(0.5)) content.write(at, bytes.subarray(at - position, next - position));
    at = next;
  }
}

export class CachedFile {
  visible = new Content();
  durable = new Content();
  changes: Change[] = [];
  /** Number of directory entries that refer to the file. */
  names = 0;
  /** Number of open handles. */
  handles = 0;

  change(change: Change): void {
    apply(change, this.visible);
    this.changes.push(change);
  }

  /** A sync ends: the covered changes are no longer pending. If it failed, some of their sectors are durable and the others are lost. */
  settle(covered: ReadonlySet<Change>, random: Random, fails: boolean): void {
    for (const change of this.changes) {
      if (!covered.has(change)) continue;
      if (fails) applyTorn(change, this.durable, random);
      else apply(change, this.durable);
    }
    this.changes = this.changes.filter(change => !covered.has(change));
  }

  losePower(random: Random): void {
    const fate = random.pick(FATES);
    for (const change of this.changes) {
      if (fate === "all") apply(change, this.durable);
      else if (fate === "torn") applyTorn(change, this.durable, random);
    }
    // The file system recorded the size before the bytes: the new part reads as zeros.
    if (fate === "zeros" && this.visible.size > this.durable.size) this.durable.truncate(this.visible.size);
    this.changes = [];
    this.visible = this.durable.copy();
    this.handles = 0;
    this.names = 0;
  }
}
