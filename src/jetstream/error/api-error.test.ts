import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { ApiError, apiError, wrapped } from "./api-error.ts";
import { API_ERRORS } from "./api-error-table.ts";

test("the table holds exactly the rows of the reference, in their order", () => {
  const [, ...lines] = readFileSync(join(import.meta.dir, "../../../docs/reference/js-errors.tsv"), "utf8")
    .trimEnd()
    .split("\n");
  const rows = lines.map(line => {
    const [code, http, constant, text] = line.split("\t");
    return { name: constant.replace(/^JS/, "").replace(/(ErrorF|ErrF|Err|F)$/, ""), code: Number(code), http: Number(http), text };
  });
  expect(rows).toHaveLength(227);
  expect(Object.entries(API_ERRORS).map(([name, { code, http, text }]) => ({ name, code, http, text: text as string }))).toEqual(rows);
});

test("an error is written as in an answer, without an empty description", () => {
  expect(compactGoJson(apiError("StreamNotFound"))).toBe('{"code":404,"err_code":10059,"description":"stream not found"}');
  expect(compactGoJson({ error: apiError("InvalidJSON", { err: "a<b" }) })).toBe(
    '{"error":{"code":400,"err_code":10025,"description":"invalid JSON: a\\u003cb"}}',
  );
  expect(compactGoJson(new ApiError(500, 10051, ""))).toBe('{"code":500,"err_code":10051}');
});

test("open parts of a text are filled in, also with a text that looks like an open part", () => {
  expect(apiError("SequenceNotFound", { seq: 2n ** 64n - 1n }).description).toBe("sequence 18446744073709551615 not found");
  expect(apiError("StreamExternalApiOverlap", { prefix: "{subject}", subject: "$&" }).description).toBe(
    "stream external api prefix {subject} must not overlap with $&",
  );
});

test("a wrapper passes an API error on and gives a text its own code", () => {
  const inner = apiError("StreamSubjectOverlap");
  expect(wrapped("StreamCreate", inner)).toBe(inner);
  expect(String(wrapped("StreamRestore", "no space"))).toBe("restore failed: no space (10062)");
  expect(inner.is("StreamSubjectOverlap")).toBe(true);
  expect(inner.is("StreamNotFound")).toBe(false);
});
