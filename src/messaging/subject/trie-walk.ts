import { FULL, STAR } from "../../base/bytes/ascii.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { EntryTable } from "./entry-table.ts";
import { NONE, type NodeTable, ROOT } from "./node-table.ts";
import type { TokenScan } from "./token-scan.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * Walks through the trie, from the root along the tokens of a scanned subject:
 *
 *   match     every node whose entries match the subject                   found[0 … n)
 *   interest  stops at the first such node and counts its entries
 *   overlap   the subject is a pattern: every node that collides with it   found[0 … n)
 *
 * A walk follows the literal child first and keeps a stack of nodes that it has to visit, so it needs no recursion. Each node is on one path
 * only, so a walk visits no node twice. Stack and results are reused.
 */
export class TrieWalk<E extends TrieEntry> {
  readonly found: number[] = [];
  /** Counted by `interest`. */
  plain = 0;
  members = 0;
  private readonly pendingNodes: number[] = [];
  private readonly pendingDepths: number[] = [];

  constructor(
    private readonly nodes: NodeTable,
    private readonly entries: EntryTable<E>,
    private readonly tokens: TokenScan,
    /** Counts the nodes that were visited. */
    private readonly meter: WorkMeter,
  ) {}

  /** Matches a literal subject, whose tokens `*` and `>` are text. @returns the number of nodes in `found` */
  match(source: Uint8Array): number {
    const nodes = this.nodes;
    const tokens = this.tokens;
    const found = this.found;
    const tokenCount = tokens.count;
    let count = 0;
    let steps = 0;
    let pending = 0;
    let node = ROOT;
    let depth = 0;
    while (true) {
      while (depth < tokenCount) {
        steps++;
        const full = nodes.full(node);
        if (full !== NONE) found[count++] = full;
        const star = nodes.star(node);
        if (star !== NONE) {
          this.pendingNodes[pending] = star;
          this.pendingDepths[pending++] = depth + 1;
        }
        const first = nodes.firstChild(node);
        // A single child is compared directly, because a hash costs more.
        if (first !== NONE && nodes.nextSibling(first) !== NONE) {
          node = nodes.child(node, tokens.hash(depth, source), source, tokens.start(depth), tokens.end(depth));
        } else node = first !== NONE && nodes.isToken(first, source, tokens.start(depth), tokens.end(depth)) ? first : NONE;
        if (node === NONE) break;
        depth++;
      }
      if (node !== NONE && !this.entries.isEmpty(node)) found[count++] = node;
      if (pending === 0) {
        this.meter.done += steps;
        return count;
      }
      node = this.pendingNodes[--pending];
      depth = this.pendingDepths[pending];
    }
  }

  /**
   * Whether an entry matches the literal subject. Counts the entries of the first matching node, in the reference's order: `>`, then nodes below
   * `*`, then nodes below the literal token; at the last token, the literal one before `*`.
   */
  interest(source: Uint8Array): boolean {
    const { nodes, tokens } = this;
    this.plain = 0;
    this.members = 0;
    const last = tokens.count - 1;
    let pending = 0;
    let node = ROOT;
    let depth = 0;
    while (true) {
      this.meter.done++;
      const full = nodes.full(node);
      if (full !== NONE && this.tally(full)) return true;
      const star = nodes.star(node);
      const child = nodes.child(node, tokens.hash(depth, source), source, tokens.start(depth), tokens.end(depth));
      if (depth === last) {
        if (child !== NONE && this.tally(child)) return true;
        if (star !== NONE && this.tally(star)) return true;
      } else {
        if (child !== NONE) {
          this.pendingNodes[pending] = child;
          this.pendingDepths[pending++] = depth + 1;
        }
        if (star !== NONE) {
          this.pendingNodes[pending] = star;
          this.pendingDepths[pending++] = depth + 1;
        }
      }
      if (pending === 0) return false;
      node = this.pendingNodes[--pending];
      depth = this.pendingDepths[pending];
    }
  }

  private tally(node: number): boolean {
    if (this.entries.isEmpty(node)) return false;
    this.plain = this.entries.plainCount(node);
    this.members = this.entries.memberCount(node);
    return true;
  }

  /** Finds the nodes whose entries can match a subject that the pattern also matches. @returns the number of nodes in `found` */
  overlap(source: Uint8Array): number {
    const { nodes, tokens } = this;
    let count = 0;
    let pending = 0;
    let node = ROOT;
    let depth = 0;
    const push = (next: number, nextDepth: number) => {
      if (next === NONE) return;
      this.pendingNodes[pending] = next;
      this.pendingDepths[pending++] = nextDepth;
    };
    const pushChildren = (parent: number, nextDepth: number) => {
      push(nodes.star(parent), nextDepth);
      for (let child = nodes.firstChild(parent); child !== NONE; child = nodes.nextSibling(child)) push(child, nextDepth);
    };
    const rest = tokens.count + 1; // stands for all depths below the pattern's `>`, where every node matches
    while (true) {
      this.meter.done++;
      if (depth >= tokens.count && !this.entries.isEmpty(node)) this.found[count++] = node;
      if (depth !== tokens.count) {
        const full = nodes.full(node);
        if (full !== NONE) this.found[count++] = full;
        if (depth === rest || tokens.is(depth, source, FULL)) {
          pushChildren(node, rest);
        } else if (tokens.is(depth, source, STAR)) {
          pushChildren(node, depth + 1);
        } else {
          push(nodes.star(node), depth + 1);
          push(nodes.child(node, tokens.hash(depth, source), source, tokens.start(depth), tokens.end(depth)), depth + 1);
        }
      }
      if (pending === 0) return count;
      node = this.pendingNodes[--pending];
      depth = this.pendingDepths[pending];
    }
  }
}

/** Number of tokens of the longest path. */
export function levelCount(nodes: NodeTable): number {
  let levels = 0;
  const pending: [node: number, depth: number][] = [[ROOT, 0]];
  while (pending.length > 0) {
    const [node, depth] = pending.pop()!;
    if (depth > levels) levels = depth;
    if (nodes.star(node) !== NONE) pending.push([nodes.star(node), depth + 1]);
    if (nodes.full(node) !== NONE) pending.push([nodes.full(node), depth + 1]);
    for (let child = nodes.firstChild(node); child !== NONE; child = nodes.nextSibling(child)) pending.push([child, depth + 1]);
  }
  return levels;
}
