import { type HashKey, hashBytes, sameBytes } from "./byte-hash.ts";

/**
 * A map whose keys are bytes that peers choose: sids, names of queue groups, reply subjects.
 *
 *   bytes ── keyed hash ──▶ Map<number, Node> ──▶ Node ─▶ Node …      nodes of equal hashes are chained; there are hardly any
 * Not a Map with texts as keys: the engine's hash of a text has no secret, so a client can choose keys that all collide, and then each access
 * costs as much as there are keys. Here only hashes go into the Map, and without the secret key nobody can predict them. It also saves a text
 * per look-up. Iteration is in the order of insertion.
 */
interface Node<V> {
  readonly bytes: Uint8Array;
  value: V;
  /** Next node with the same hash. */
  next: Node<V> | null;
}

export class BytesMap<V> {
  private readonly nodes = new Map<number, Node<V>>();
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
    const first = this.nodes.get(hash);
    if (first === undefined) {
      this.nodes.set(hash, { bytes, value, next: null });
      this.size++;
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
    let previous: Node<V> | null = null;
    for (let node = this.nodes.get(hash) ?? null; node !== null; node = node.next) {
      if (!isOf(node, bytes, 0, bytes.length)) {
        previous = node;
        continue;
      }
      if (previous !== null) previous.next = node.next;
      else if (node.next !== null) this.nodes.set(hash, node.next);
      else this.nodes.delete(hash);
      this.size--;
      return true;
    }
    return false;
  }

  clear(): void {
    this.nodes.clear();
    this.size = 0;
  }

  /** The values. Keys that are deleted meanwhile are left out, as in a Map. */
  *values(): Generator<V> {
    for (const first of this.nodes.values()) {
      for (let node: Node<V> | null = first; node !== null; node = node.next) yield node.value;
    }
  }

  private find(source: Uint8Array, start: number, end: number): Node<V> | null {
    let node = this.nodes.get(hashBytes(source, start, end, this.key)) ?? null;
    while (node !== null && !isOf(node, source, start, end)) node = node.next;
    return node;
  }
}

function isOf<V>({ bytes }: Node<V>, source: Uint8Array, start: number, end: number): boolean {
  return bytes.length === end - start && sameBytes(bytes, 0, source, start, bytes.length);
}
