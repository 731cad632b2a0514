import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import type { MatchResult } from "./match-result.ts";
import { membersOf } from "./queue-group.ts";
import { collideText } from "./subject-text.ts";
import { SubjectTrie } from "./subject-trie.ts";
import { Origin, type TrieEntry } from "./trie-entry.ts";

/**
 * The trie compared with a model (a list of entries and a token matcher): after any insertions and removals both give the same answers.
 */
interface NamedEntry extends TrieEntry {
  readonly id: number;
  readonly text: string;
  readonly group: string | null;
}

function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  if (tokens.includes("")) return false;
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return tokens.length > index;
    if (index >= tokens.length || (token !== "*" && token !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}

/** A word: mostly one of few words, so that patterns overlap; sometimes one of `bunch` rare words, so that tables grow. */
function randomSubject(random: Random, words: readonly string[], bunch: number): string {
  const tokens = Array.from({ length: random.between(1, 4) }, () =>
    random.chance(0.3) ? `${random.pick(["w", LONG_WORDS[1]])}${random.below(bunch)}` : random.pick(words),
  );
  return tokens.join(".");
}

/** One token that just fits a record of the node table, and two longer ones. */
const LONG_WORDS = ["exactly-twenty-four-char", "one-more-than-twenty-four", `long-${"x".repeat(200)}`];
const WORDS = ["a", "b", "orders", "eu", "a*", ...LONG_WORDS];
const PATTERN_WORDS = [...WORDS, "*", "*"];
const PUBLISH_WORDS = [...WORDS, "*", ">"];

for (const { cache, bunch, groups, rounds } of [
  { cache: true, bunch: 3, groups: 0, rounds: 6_000 },
  { cache: true, bunch: 2_000, groups: 0, rounds: 6_000 },
  { cache: false, bunch: 20, groups: 0, rounds: 3_000 },
  { cache: true, bunch: 1, groups: 60, rounds: 6_000 },
]) {
  const name = `${cache ? "cached" : "uncached"}, ${bunch} rare words${groups > 0 ? `, ${groups} more groups on few subjects` : ""}`;
  test(`fuzz: the trie answers like a list of patterns (${name})`, () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const tasks: (() => void)[] = [];
    const trie = new SubjectTrie<NamedEntry>({ cache, random, schedule: task => tasks.push(task) });
    let model: NamedEntry[] = [];
    let generation = -1;
    const kept: { result: MatchResult<NamedEntry>; ids: number[] }[] = [];

    for (let round = 0; round < rounds; round++) {
      const message = `SEED=${seed} round=${round}`;
      const action = random.below(100);
      // The number of entries rises and falls, down to 0.
      const growing = Math.floor(round / 600) % 2 === 0;
      if (action < (growing ? 40 : 10)) {
        const added = groups > 0 && random.chance(0.9) ? crowdedEntry(random, round, groups) : randomEntry(random, round, bunch);
        expect(trie.insert(added), message).toBe(true);
        model.push(added);
        expect(trie.generation, message).toBeGreaterThan(generation);
      } else if (action < 50 && model.length > 0) {
        const index = random.below(model.length);
        const [removed] = model.splice(index, 1);
        expect(trie.remove(removed), message).toBe(true);
        expect(trie.remove(removed), message).toBe(false);
        expect(trie.generation, message).toBeGreaterThan(generation);
      } else if (action < 52 && model.length > 0) {
        const batch = model.filter(() => random.chance(growing ? 0.05 : 0.3));
        expect(trie.removeBatch(batch), message).toBe(batch.length);
        model = model.filter(entry => !batch.includes(entry));
      } else if (action < 54 && model.length > 0) {
        trie.setWeight(random.pick(model), random.between(1, 9));
      } else if (action < 57) {
        for (const task of tasks.splice(0)) task();
      } else if (action < 62) {
        const pattern = randomEntry(random, -1, bunch).text;
        const found = trie.reverseMatch(Buffer.from(pattern)).map(entry => entry.id);
        const wanted = model.filter(entry => collideText(entry.text, pattern)).map(entry => entry.id);
        expect(sorted(found), `${message} reverse ${pattern}`).toEqual(sorted(wanted));
      } else {
        const subject = random.chance(0.02) ? random.pick(["", "a..b", ".a", "a."]) : randomSubject(random, PUBLISH_WORDS, bunch);
        const wanted = model.filter(entry => matches(entry.text, subject));
        const bytes = Buffer.from(`x${subject}.x`);
        const end = bytes.length - 2;
        expect(trie.hasInterest(bytes, 1, end), `${message} interest ${subject}`).toBe(wanted.length > 0);
        const once = random.chance(0.3);
        const { cacheSize } = trie.stats();
        const result = once ? trie.matchOnce(bytes, 1, end) : trie.match(bytes, 1, end);
        if (once) expect(trie.stats().cacheSize, message).toBe(cacheSize);
        expect(idsOf(result), `${message} match ${subject}`).toBe(idsOfModel(wanted));
        if (random.chance(0.05)) kept.push({ result, ids: sorted(result.plain.map(({ id }) => id)) });
      }
      generation = trie.generation;
      expect(trie.count, message).toBe(model.length);
      if (round % 500 === 0) {
        expect(sorted(trie.all().map(entry => entry.id)), message).toEqual(sorted(model.map(entry => entry.id)));
        expect(trie.levels(), message).toBe(Math.max(0, ...model.map(entry => entry.text.split(".").length)));
        expect(trie.stats().cacheSize, message).toBeLessThanOrEqual(1_025);
      }
    }
    for (const { result, ids } of kept) {
      expect(sorted(result.plain.map(({ id }) => id)), `SEED=${seed} the plain list of a result changed after it was handed out`).toEqual(
        ids,
      );
    }
    expect(trie.removeBatch(model), `SEED=${seed}`).toBe(model.length);
    expect([trie.count, trie.levels(), trie.all()], `SEED=${seed}`).toEqual([0, 0, []]);
  });
}

function randomEntry(random: Random, id: number, bunch: number): NamedEntry {
  let text = randomSubject(random, PATTERN_WORDS, bunch);
  if (random.chance(0.15)) text = random.chance(0.1) ? ">" : `${text}.>`;
  const group = random.chance(0.3) ? random.pick(["q1", "q2", "workers"]) : null;
  const origin = random.chance(0.8) ? Origin.Local : random.pick([Origin.Route, Origin.LeafHub, Origin.RouteLeaf]);
  return { id, text, group, origin, subject: Buffer.from(text), queue: group === null ? null : Buffer.from(group), weight: 1 };
}

/** An entry on one of four subjects, mostly in one of many queue groups. */
function crowdedEntry(random: Random, id: number, groups: number): NamedEntry {
  const text = random.pick(["a", "*", ">", "orders"]);
  const group = random.chance(0.1) ? null : random.chance(0.4) ? "crowd" : `q${random.below(groups)}`;
  return {
    id,
    text,
    group,
    origin: Origin.Local,
    subject: Buffer.from(text),
    queue: group === null ? null : Buffer.from(group),
    weight: 1,
  };
}

/** Sorted ids of plain entries, then the name and the sorted ids of each group. */
function idsOf({ plain, groups }: MatchResult<NamedEntry>): string {
  return idsOfLists(plain, groups.map(membersOf));
}

function idsOfLists(plain: readonly NamedEntry[], groups: readonly (readonly NamedEntry[])[]): string {
  const texts = groups.map(group => `${group[0].group}:${sorted(group.map(entry => entry.id))}`).sort();
  return [sorted(plain.map(entry => entry.id)).join(), ...texts].join(" ");
}

function idsOfModel(entries: NamedEntry[]): string {
  const names = [...new Set(entries.map(entry => entry.group))].filter(name => name !== null);
  const plain = entries.filter(entry => entry.group === null);
  return idsOfLists(
    plain,
    names.map(name => entries.filter(entry => entry.group === name)),
  );
}

function sorted(ids: number[]): number[] {
  return ids.sort((a, b) => a - b);
}
