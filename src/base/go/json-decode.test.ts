import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeInto, decodeJson, decodeJsonStrictly } from "./json-decode.ts";
import { JsonSyntaxError } from "./json-error.ts";
import { bytes, timestamp } from "./json-scalars.ts";
import {
  type Decoded,
  duration,
  embedded,
  field,
  flag,
  float64,
  int,
  int32,
  int64,
  list,
  map,
  optional,
  structure,
  text,
  uint8,
  uint64,
} from "./json-shape.ts";
import { compactGoJson } from "./json-writer.ts";

// The shapes of test/vectors/go-json/main.go

const placement = structure("main.Placement", { cluster: field("cluster", text, "always"), tags: list(text) });

const source = structure("main.Source", {
  name: field("name", text, "always"),
  opt_start_seq: uint64,
  opt_start_time: optional(timestamp),
  external: field("external", optional(placement), "always"),
  weights: map(int),
});

const limits = embedded("Limits", {
  max_age: field("max_age", duration, "always"),
  max_msgs: field("max_msgs", int64, "always"),
});

const config = structure("main.Config", {
  name: field("name", text, "always"),
  subjects: list(text),
  first_seq: uint64,
  num_replicas: field("num_replicas", int, "always"),
  max_msg_size: int32,
  kind: field("kind", uint8, "always"),
  sealed: flag,
  ratio: field("ratio", float64, "always"),
  placement: optional(placement),
  sources: list(optional(source)),
  plain: field("plain", list(placement), "always"),
  metadata: map(text),
  places: map(placement),
  created: field("created", timestamp, "always"),
  data: bytes,
  ...limits,
});

/** Go's loop over a decoder adds the offset to the text of a syntax error. */
function readStrictly(json: Uint8Array): Decoded<typeof config> {
  try {
    return decodeJsonStrictly(config, json);
  } catch (error) {
    if (error instanceof JsonSyntaxError && error.offset !== null) throw new Error(`${error.message} at offset ${error.offset}`);
    throw error;
  }
}

function outcome(mode: string, json: Uint8Array): { value?: string; error?: string } {
  try {
    const value = mode === "strict" ? readStrictly(json) : decodeJson(config, json);
    return { value: compactGoJson(config.write(value)) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

interface Vector {
  readonly mode: string;
  readonly text?: string;
  readonly base64?: string;
  readonly value?: string;
  readonly error?: string;
}

test("values and errors are those of Go's decoder, and values are encoded as by Go", () => {
  const lines = readFileSync(join(import.meta.dir, "../../../test/vectors/go-json.jsonl"), "utf8")
    .trim()
    .split("\n");
  expect(lines.length).toBeGreaterThan(1_000);
  for (const { mode, text: json = "", base64, ...expected } of lines.map(line => JSON.parse(line) as Vector)) {
    const given = base64 === undefined ? Buffer.from(json) : Buffer.from(base64, "base64");
    expect(outcome(mode, given), `${mode} ${given.toString().slice(0, 2_000)}`).toEqual(expected);
  }
});

test("64-bit integers are exact: numbers up to 2^53, bigints beyond", () => {
  const read = (json: string) => decodeJson(config, json).max_msgs;
  expect(read('{"max_msgs":9007199254740991}')).toBe(9_007_199_254_740_991);
  expect(read('{"max_msgs":9007199254740993}')).toBe(9_007_199_254_740_993n);
  expect(read('{"max_msgs":-9223372036854775808}')).toBe(-(2n ** 63n));
});

test("the field types are derived from the table", () => {
  const value: Decoded<typeof source> = decodeJson(source, '{"name":"a","weights":{"x":1}}');
  const name: string = value.name;
  const sequence: number | bigint = value.opt_start_seq;
  const weights: ReadonlyMap<string, number | bigint> = value.weights;
  expect([name, sequence, weights.get("x"), value.external]).toEqual(["a", 0, 1, null]);
});

test("fields that are missing in the JSON or have a wrong type keep their values", () => {
  const target = { cluster: "a", tags: ["x"] as readonly string[] };
  expect(decodeInto(placement, '{"cluster":"b"}', target)).toBeNull();
  expect(target).toEqual({ cluster: "b", tags: ["x"] });
  expect(decodeInto(placement, '{"tags":1,"cluster":"c"}', target)).toBe(
    "json: cannot unmarshal number into Go struct field Placement.tags of type []string",
  );
  expect(target).toEqual({ cluster: "c", tags: ["x"] });
  expect(decodeInto(placement, "{", target)).toBe("unexpected end of JSON input");
});
