import { type HashKey, hashBytes, sameBytes } from "./byte-hash.ts";

/**
 * A map whose keys are bytes that peers choose: sids, names of queue groups, reply subjects.
 *
 *   bytes ── keyed hash ──▶ Map<number, Node> ──▶ Node ─▶ Node …      nodes of equal hashes are chained; there are hardly any
 * Not a Map with texts as keys: the engine's hash of a text has no secret, so a client can choose keys that all collide, and then each access
 * costs as much as there are keys. Here only hashes go into the Map, and without the secret key nobody can predict them. It also saves a text
 * per look-up.
 *
 * From `LARGE_FROM` keys on there are many smaller Maps, chosen by the hash: a Map of a million keys takes 70 ms when it grows, at once.
 * Iteration is in the order of insertion within each of them.
 */
interface Node<V> {
  readonly bytes: Uint8Array;
  value: V;
  /** Next node with the same hash. */
  next: Node<V> | null;
}

const LARGE_FROM = 4_096;
const LARGE_MAPS = 64;
/** The topmost six bits of the hash choose the Map. */
const LARGE_SHIFT = 26;

export class BytesMap<V> {
  private maps: Map<number, Node<V>>[] = [new Map<number, Node<V>>()];
  /** Number of keys. */
  size = 0;

  constructor(private readonly key: HashKey) {}

  /** @param source borrowed for the call */
  get(source: Uint8Array, start: number, end: number): V | undefined {
    return this.find(source, start, end)?.value;
  }

  /** Sets the value of a key. @param bytes owned by the map from now on; never modified */
  set(bytes: Uint8Array, value: V): void {
    const hash = hashBytes(bytes, 0, bytes.length, this.key);
    const map = this.mapOf(hash);
    const first = map.get(hash);
    if (first === undefined) {
      map.set(hash, { bytes, value, next: null });
      this.size++;
      if (this.size === LARGE_FROM && this.maps.length === 1) this.divide();
      return;
    }
    let last = first;
    for (let node: Node<V> | null = first; node !== null; node = node.next) {
      if (isOf(node, bytes, 0, bytes.length)) {
        node.value = value;
        return;
      }
      last = node;
    }
    last.next = { bytes, value, next: null };
    this.size++;
  }

  /** @returns whether the key was in the map */
  delete(bytes: Uint8Array): boolean {
    const hash = hashBytes(bytes, 0, bytes.length, this.key);
    const map = this.mapOf(hash);
    let previous: Node<V> | null = null;
    for (let node = map.get(hash) ?? null; node !== null; node = node.next) {
      if (!isOf(node, bytes, 0, bytes.length)) {
        previous = node;
        continue;
      }
      if (previous !== null) previous.next = node.next;
      else if (node.next !== null) map.set(hash, node.next);
      else map.delete(hash);
      this.size--;
      return true;
    }
    return false;
  }

  clear(): void {
    this.maps = [new Map<number, Node<V>>()];
    this.size = 0;
  }

  private mapOf(hash: number): Map<number, Node<V>> {
    const { maps } = this;
    return maps.length === 1 ? maps[0] : maps[hash >>> LARGE_SHIFT];
  }

  private divide(): void {
    const [whole] = this.maps;
    this.maps = Array.from({ length: LARGE_MAPS }, () => new Map<number, Node<V>>());
    for (const [hash, first] of whole) this.mapOf(hash).set(hash, first);
  }

  /** The values. Keys that are deleted meanwhile are left out, as in a Map. */
  *values(): Generator<V> {
    for (const map of this.maps) yield* valuesOf(map);
  }

  private find(source: Uint8Array, start: number, end: number): Node<V> | null {
    const hash = hashBytes(source, start, end, this.key);
    let node = this.mapOf(hash).get(hash) ?? null;
    while (node !== null && !isOf(node, source, start, end)) node = node.next;
    return node;
  }
}

function* valuesOf<V>(map: ReadonlyMap<number, Node<V>>): Generator<V> {
  for (const first of map.values()) {
    for (let node: Node<V> | null = first; node !== null; node = node.next) yield node.value;
  }
}

function isOf<V>({ bytes }: Node<V>, source: Uint8Array, start: number, end: number): boolean {
  return bytes.length === end - start && sameBytes(bytes, 0, source, start, bytes.length);
}
