import { expect, test } from "bun:test";
import { jsonText } from "./json-text.ts";
import { parseJsonTree } from "./json-tree.ts";

test("a parsed value is written again without spaces, with the digits of its numbers", () => {
  for (const json of ['""', "null", "true", "1.50e+2", "[]", "{}", '[1,[],{"a":[2,"é\\n"],"a":null},-0]', '{"b":{"c":{}},"d":[[]]}']) {
    expect(jsonText(parseJsonTree(json.replaceAll(",", " , ")))).toBe(json);
  }
});

test("long and deep values are written", () => {
  const long = `[${"1,".repeat(200_000)}1]`;
  expect(jsonText(parseJsonTree(long)) === long).toBe(true);
  const deep = `${"[".repeat(9_999)}${"]".repeat(9_999)}`;
  expect(jsonText(parseJsonTree(deep)) === deep).toBe(true);
});
