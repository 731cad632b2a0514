import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { checkMapping, type MappingRule } from "./mapping-rule.ts";
import { SubjectMappings } from "./subject-mappings.ts";

type Destination = [subject: string, weight: number, cluster?: string];

function rule(source: string, ...destinations: Destination[]): MappingRule {
  return { source, destinations: destinations.map(([subject, weight, cluster = ""]) => ({ subject, weight, cluster })) };
}

function select(mappings: SubjectMappings, subject: string): string | null {
  const bytes = Buffer.from(`PUB ${subject} 0`);
  return mappings.select(bytes, 4, bytes.length - 2)?.toString() ?? null;
}

function varies(mappings: SubjectMappings, subject: string): boolean {
  const bytes = Buffer.from(subject);
  return mappings.varies(bytes, 0, bytes.length);
}

/** Share of each destination among 20,000 messages, in percent. */
function spread(mappings: SubjectMappings, subject: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let draw = 0; draw < 20_000; draw++) {
    const selected = select(mappings, subject) ?? "null";
    counts[selected] = (counts[selected] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / 200]));
}

/** Asserts that percentages differ by at most six standard deviations. */
function expectSpread(mappings: SubjectMappings, subject: string, expected: Record<string, number>, message: string): void {
  const found = spread(mappings, subject);
  expect(Object.keys(found).sort(), message).toEqual(Object.keys(expected).sort());
  for (const [name, percent] of Object.entries(expected)) {
    expect(Math.abs(found[name] - percent), `${message} ${name}: ${found[name]}`).toBeLessThan(2.2);
  }
}

const seed = seedFromEnv();
const message = `SEED=${seed}`;
const newMappings = (rules: MappingRule[], cluster = "") => {
  for (const each of rules) expect(checkMapping(each, "A")).toBe(null);
  return new SubjectMappings(rules, cluster, new Random(seed));
};

test("without rules nothing is mapped", () => {
  const mappings = newMappings([]);
  expect([mappings.isEmpty, select(mappings, "foo"), varies(mappings, "foo")]).toEqual([true, null, false]);
});

test("a subject without a rule is kept, every other one is mapped by its rule each time", () => {
  const mappings = newMappings([rule("foo.*.*", ["bar.$2.$1", 100]), rule("a", ["b", 100]), rule("x.>", ["y.>", 100])]);
  expect(mappings.isEmpty).toBe(false);
  for (let round = 0; round < 3; round++) {
    expect(["foo.1.2", "foo.1", "a", "x.1.2", "x", "b"].map(subject => select(mappings, subject))).toEqual([
      "bar.2.1",
      null,
      "b",
      "y.1.2",
      null,
      null,
    ]);
  }
  expect(["foo.1.2", "a", "q"].map(subject => varies(mappings, subject))).toEqual([false, false, false]);
});

test("repeated selections for one subject return the same buffer", () => {
  const mappings = newMappings([rule("foo.*", ["bar.$1", 100])]);
  const subject = Buffer.from("foo.a");
  expect(mappings.select(subject, 0, 5)).toBe(mappings.select(Buffer.from("-foo.a-"), 1, 6));
});

test("a literal source wins over a pattern, then the earlier rule; of two rules with the same source the later one counts", () => {
  const mappings = newMappings([
    rule("foo.*", ["pattern", 100]),
    rule("foo.>", ["later.>", 100]),
    rule("foo.bar", ["lost", 100]),
    rule("foo.bar", ["literal", 100]),
  ]);
  expect(["foo.bar", "foo.x", "foo.x.y"].map(subject => select(mappings, subject))).toEqual(["literal", "pattern", "later.x.y"]);
});

test("a published subject with a wildcard is mapped by a pattern that covers it", () => {
  const mappings = newMappings([rule("foo.*", ["bar.$1", 100]), rule("x.>", ["y.>", 100])]);
  expect(["foo.*", "foo.>", "x.>", "x.", "foo."].map(subject => select(mappings, subject))).toEqual(["bar.*", null, "y.>", "y.", null]);
});

test("weights divide the messages; the remaining ones keep their subject", () => {
  const mappings = newMappings([rule("foo", ["bar", 20], ["baz", 30]), rule("a.*.*", ["b.$2", 10])]);
  expectSpread(mappings, "foo", { bar: 20, baz: 30, foo: 50 }, message);
  expectSpread(mappings, "a.x.y", { "b.y": 10, "a.x.y": 90 }, message);
  expect([varies(mappings, "foo"), varies(mappings, "a.x.y")]).toEqual([true, true]);
});

test("a rule that lists its own source drops the remaining messages", () => {
  const mappings = newMappings([rule("foo", ["foo", 50], ["bar", 20]), rule("gone", ["gone", 0]), rule("x.>", ["x.>", 0])]);
  expectSpread(mappings, "foo", { foo: 50, bar: 20, "": 30 }, message);
  expect([select(mappings, "gone"), select(mappings, "x.y"), varies(mappings, "gone"), varies(mappings, "foo")]).toEqual([
    "",
    "",
    false,
    true,
  ]);
});

test("a destination of weight 0 gets nothing", () => {
  const mappings = newMappings([rule("foo", ["bar", 0]), rule("a", ["b", 0], ["c", 100])]);
  expect([spread(mappings, "foo"), spread(mappings, "a")]).toEqual([{ foo: 100 }, { c: 100 }]);
  expect([varies(mappings, "foo"), varies(mappings, "a")]).toEqual([false, false]);
});

test("the destinations of this server's cluster replace the general ones, each list with its own remainder", () => {
  const rules = [
    rule("foo", ["general", 100], ["west", 40, "west"], ["west.too", 20, "west"], ["east", 100, "east"]),
    rule("only", ["there", 100, "west"]),
  ];
  expectSpread(newMappings(rules, "west"), "foo", { west: 40, "west.too": 20, foo: 40 }, message);
  const chosen = ["east", "north", ""].map(cluster => ["foo", "only"].map(subject => select(newMappings(rules, cluster), subject)));
  expect(chosen).toEqual([
    ["east", "only"],
    ["general", "only"],
    ["general", "only"],
  ]);
  expect(select(newMappings(rules, "west"), "only")).toBe("there");
});

test("random() draws for each message", () => {
  const mappings = newMappings([rule("foo.*", ["bar.{{random(2)}}.$1", 100])]);
  expectSpread(mappings, "foo.a", { "bar.0.a": 50, "bar.1.a": 50 }, message);
  expect(varies(mappings, "foo.a")).toBe(true);
});

test("more subjects than the cache holds are all mapped correctly, and those in use stay cached", () => {
  const mappings = newMappings([rule("foo.*", ["bar.$1", 100])]);
  const used = Buffer.from("foo.used");
  const first = mappings.select(used, 0, used.length);
  for (let index = 0; index < 20_000; index++) {
    expect(select(mappings, `foo.${index}`)).toBe(`bar.${index}`);
    expect(mappings.select(used, 0, used.length)).toBe(first);
  }
});
