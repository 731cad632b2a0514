import { expect, test } from "bun:test";
import type { Permissions } from "./claims.ts";
import { JwtError } from "./claims.ts";
import { applyTemplate, TEMPLATE_SUBJECTS_MAX, type TemplateValues } from "./permission-template.ts";

const ANA: TemplateValues = {
  name: "ana",
  subject: "UANA",
  accountName: "APP",
  accountSubject: "AAPP",
  userTags: ["region:eu", "region:us", "team:blue", "shift:1", "shift:2", "space:a b", "nothing"],
  accountTags: ["tier:gold"],
};

function permissions(lists: { allow?: string[]; deny?: string[] }): Permissions {
  return { publish: { allow: [], deny: [] }, subscribe: { allow: lists.allow ?? [], deny: lists.deny ?? [] }, responses: null };
}

function allowed(...allow: string[]): readonly string[] {
  return applyTemplate(permissions({ allow }), ANA).subscribe.allow;
}

test("every function is replaced in upper or lower case, with spaces around it, and inside a token", () => {
  expect(
    allowed(
      "a.{{name()}}",
      "b.{{SUBJECT()}}.x",
      "c.{{ Account-Name() }}",
      "d.{{account-subject()}}",
      "e-{{name()}}-{{name()}}.>",
      "f.{{tag(team)}}",
      "g.{{account-tag(tier)}}s",
    ),
  ).toEqual(["a.ana", "b.UANA.x", "c.APP", "d.AAPP", "e-ana-ana.>", "f.blue", "g.golds"]);
});

test("tags with several values give every combination, the last template changing first", () => {
  expect(allowed("{{tag(region)}}.{{account-tag(tier)}}.{{tag(shift)}}", "plain")).toEqual([
    "eu.gold.1",
    "eu.gold.2",
    "us.gold.1",
    "us.gold.2",
    "plain",
  ]);
});

test("a repeated template has one value per entry, but its combinations are counted twice", () => {
  expect(allowed("{{tag(region)}}.x.{{tag(region)}}")).toEqual(["eu.x.eu", "eu.x.eu", "us.x.us", "us.x.us"]);
});

test("the name of a tag is case-insensitive, the word tag before it must be in lower case", () => {
  expect(allowed("a.{{tag(REGION)}}", "b")).toEqual(["a.eu", "a.us", "b"]);
  expect(allowed("a.{{TAG(region)}}", "b")).toEqual(["b"]);
});

test("invalid results are dropped from an allow list, also entries with a queue", () => {
  expect(allowed("a.{{tag(space)}}", "b.{{tag(none)}}", "c queue", "d.{{name()}}")).toEqual(["d.ana"]);
  expect(allowed("c queue", "d")).toEqual(["c queue", "d"]); // without a template entries are not checked
});

test("an allow list that loses its last entry adds one deny of everything", () => {
  const lost = permissions({ allow: ["a.{{tag(none)}}"], deny: ["x"] });
  expect(applyTemplate(lost, ANA).subscribe).toEqual({ allow: [], deny: ["x", ">"] });
  expect(applyTemplate({ ...lost, publish: { allow: ["{{tag(none)}}"], deny: [">"] } }, ANA).publish).toEqual({ allow: [], deny: [">"] });
  expect(applyTemplate(permissions({}), ANA).subscribe).toEqual({ allow: [], deny: [] });
});

test("a missing tag or an invalid subject is an error in a deny list, an unknown operation is an error in any list", () => {
  const errors: [lists: { allow?: string[]; deny?: string[] }, error: string][] = [
    [{ deny: ["a.{{tag(none)}}"] }, 'generated invalid subject "a.{{tag(none)}}": "none" is not defined'],
    [{ deny: ["a.{{tag(space)}}"] }, "generated invalid subject"],
    [{ deny: ["a..{{name()}}"] }, "generated invalid subject"],
    [{ allow: ["a.{{foo()}}"] }, 'template operation in "a.{{foo()}}": "foo()" is not defined'],
    [{ allow: ["a.{{name}}"] }, 'template operation in "a.{{name}}": "name" is not defined'],
    [{ deny: ["{{ tag(x }}"] }, 'template operation in "{{ tag(x }}": "tag(x" is not defined'],
  ];
  for (const [lists, error] of errors) expect(() => applyTemplate(permissions(lists), ANA), error).toThrow(new JwtError(error));
});

test("templates expand to at most 4,096 subjects", () => {
  const many = {
    ...ANA,
    userTags: Array.from({ length: 64 }, (_, index) => `n:${index}`).concat(Array.from({ length: 64 }, (_, index) => `m:${index}`)),
  };
  expect(applyTemplate(permissions({ allow: ["{{tag(n)}}.{{tag(m)}}"] }), many).subscribe.allow).toHaveLength(TEMPLATE_SUBJECTS_MAX);
  const limit = new JwtError("template expansion exceeds limit: 4096");
  expect(() => applyTemplate(permissions({ allow: ["{{name()}}", "{{tag(n)}}.{{tag(m)}}"] }), many)).toThrow(limit);
  expect(() => applyTemplate(permissions({ deny: [Array(100).fill("{{tag(n)}}").join(".")] }), many)).toThrow(limit);
});

test("fields other than permissions are unchanged", () => {
  const limits = { ...permissions({ allow: ["{{name()}}"] }), bearerToken: true, subscriptionsMax: 4 };
  expect(applyTemplate(limits, ANA)).toEqual({ ...permissions({ allow: ["ana"] }), bearerToken: true, subscriptionsMax: 4 });
});
