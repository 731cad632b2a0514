import { expect, test } from "bun:test";
import { serverHash } from "../../base/keys/server-hash.ts";
import {
  checkDestination,
  checkClaimMapping as checkInClaims,
  checkMapping as checkInFile,
  installedRule,
  type MappingRule,
} from "./mapping-rule.ts";

type Destination = string | [subject: string, weight: number, cluster?: string];

function rule(source: string, ...destinations: Destination[]): MappingRule {
  const list = destinations.map(given => (typeof given === "string" ? ([given, 100] as const) : given));
  return { source, destinations: list.map(([subject, weight, cluster = ""]) => ({ subject, weight, cluster })) };
}

const checkMapping = (given: MappingRule) => checkInFile(given, "A");
const checkClaimMapping = (given: MappingRule) => checkInClaims(given, "A");

const DESTINATION = "invalid mapping destination";

/** The answer of nats-server 2.15.3 to each. */
const RULES: [rule: MappingRule, text: string | null][] = [
  [rule("foo", "bar"), null],
  [rule("foo"), null],
  [rule("foo", ["bar", 50], ["baz", 50]), null],
  [rule("foo", ["foo", 30]), null],
  [rule("foo.*", ["bar.$1", 20]), null],
  [rule("foo.>", ">"), null],
  [rule("foo.*", "x.{{ wildcard( 1 ) }}"), null],
  [rule("foo.*", "x.{{left(1,2)}}.{{right(1,2)}}.{{random(3)}}"), null],
  [rule("foo.*", "x.{{wild"), null],
  [rule("foo", ["bar", 60, "A"], ["baz", 60, "B"]), null],
  [rule("foo", ["bar", 60, "A"], ["baz", 60, "A"]), "total weight needs to be <= 100"],
  [rule("foo", ["bar", 60], ["baz", 60]), "total weight needs to be <= 100"],
  [rule("foo", ["bar", 101]), "individual weights need to be <= 100"],
  [rule("foo.*", ["bar.$1", 200], ["bar.$2", 10]), "individual weights need to be <= 100"],
  [rule("foo", ["bar", 50], ["bar", 50]), 'duplicate entry for "bar"'],
  [rule("foo", ["bar", 60, "A"], ["bar", 40, "B"]), 'duplicate entry for "bar"'],
  [rule("foo", ['a"b', 50], ['a"b', 50]), 'duplicate entry for "a\\"b"'],
  [rule("foo", ["bé\u0001", 50], ["bé\u0001", 50]), 'duplicate entry for "bé\\x01"'],
  [rule("foo..bar", "x"), "invalid subject"],
  [rule("", "x"), "invalid subject"],
  [rule("foo bar", "x"), "invalid subject"],
  [rule("foo.*", ["bar.*", 20]), "invalid subject"],
  [rule("foo", "a.>"), "invalid subject"],
  [rule("foo.*", ">"), "invalid subject"],
  [rule("foo.*", ["bar.$2", 20]), `${DESTINATION}: wildcard index out of range in $2: [2]`],
  [rule("foo", "a..b"), `${DESTINATION}: invalid transform`],
  [rule("foo", "a. b"), `${DESTINATION}: invalid transform`],
  [rule("foo.*", "x\ty"), `${DESTINATION}: invalid transform`],
  [rule("foo", "a.>.b"), `${DESTINATION}: invalid transform in b`],
  [rule("foo.*", "{{nope(1)}}"), `${DESTINATION}: unknown function in {{nope(1)}}`],
  [rule("foo.*", "{{wildcard()}}"), `${DESTINATION}: not enough arguments passed to the function in {{wildcard()}}`],
];

test("a rule is refused with the reference's text", () => {
  for (const [given, text] of RULES) expect(checkMapping(given), JSON.stringify(given)).toBe(text);
});

test("in claims the text names the mapping, and the destination if its transform is wrong", () => {
  expect(checkClaimMapping(rule("foo", "bar"))).toBe(null);
  expect(checkClaimMapping(rule("foo..bar", "x"))).toBe('mapping "foo..bar": invalid subject');
  expect(checkClaimMapping(rule("foo", "bar", ["bar", 0]))).toBe('mapping "foo": duplicate entry for "bar"');
  expect(checkClaimMapping(rule("foo", ["bar", 101]))).toBe('mapping "foo": individual weights need to be <= 100');
  expect(checkClaimMapping(rule("foo", ["bar", 60], ["baz", 60]))).toBe('mapping "foo": total weight needs to be <= 100');
  expect(checkClaimMapping(rule("foo.*", "bar.$2"))).toBe(
    `mapping "foo.*" -> "bar.$2": ${DESTINATION}: wildcard index out of range in $2: [2]`,
  );
});

test("a rule is refused if its remaining messages cannot keep their subject", () => {
  const unknown = `${DESTINATION}: unknown function in {{nope(1)}}`;
  expect(checkMapping(rule("foo.{{nope(1)}}", ["x", 50]))).toBe(unknown);
  expect(checkMapping(rule("foo.{{nope(1)}}", ["x", 100]))).toBe(null);
  expect(checkMapping(rule("foo.{{nope(1)}}", ["x", 100, "A"]))).toBe(unknown);
  expect(checkMapping(rule("foo.$1", ["x", 50]))).toBe(`${DESTINATION}: wildcard index out of range in $1`);
  expect(checkClaimMapping(rule("foo.{{nope(1)}}", ["x", 50]))).toBe(null);
});

test("a destination without a subject is refused; the reference accepts it and crashes at the first message", () => {
  expect(checkMapping(rule("foo", ""))).toBe("invalid subject");
  expect(checkDestination("foo", "")).toBe("invalid subject");
});

test("account functions are replaced before a rule is checked", () => {
  const hash = serverHash("A");
  expect(installedRule(rule("in.{{account-hash()}}", ["out.{{ Account-Hash( ) }}.{{account-hash}}", 100]), "A")).toEqual(
    rule(`in.${hash}`, [`out.${hash}.{{account-hash}}`, 100]),
  );
  const unavailable = `${DESTINATION}: function is not available in this context in`;
  expect(checkMapping(rule("in.{{account-hash()}}", ["x", 100]))).toBe(null);
  expect(checkMapping(rule("in", ["x.{{account-hash()}}", 50], [`x.${hash}`, 10]))).toBe(`duplicate entry for "x.${hash}"`);
  expect(checkMapping(rule("in", ["x.{{account-hash-import()}}", 100]))).toBe(`${unavailable} {{account-hash-import()}}`);
  expect(checkMapping(rule("{{account-hash-leaf-remote()}}", ["x", 100]))).toBe(`${unavailable} {{account-hash-leaf-remote()}}`);
  expect(checkMapping(rule("in", ["x.{{account-hash(1)}}", 100]))).toBe(
    `${DESTINATION}: too many arguments passed to the function in {{account-hash(1)}}`,
  );
  expect(checkMapping(rule("in", ["x.{{accountHash()}}", 100]))).toBe(`${DESTINATION}: unknown function in {{accountHash()}}`);
  expect(checkClaimMapping(rule("in.{{account-hash()}}", ["x", 60], ["{{account-hash(,)}}", 100]))).toBe(
    `mapping "in.${hash}" -> "{{account-hash(,)}}": ${DESTINATION}: too many arguments passed to the function in {{account-hash(,)}}`,
  );
  expect(checkClaimMapping(rule("in.{{account-hash-import()}}", ["x", 60]))).toBe(
    `mapping "in.{{account-hash-import()}}": ${unavailable} {{account-hash-import()}}`,
  );
  expect(checkDestination("in", "x.{{account-hash()}}")).toBe(`${unavailable} {{account-hash()}}`);
});
