import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { headerFields, mightBeTraced, TraceWish, traceWish } from "./trace-headers.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

function wishOf(block: string): TraceWish {
  const bytes = Buffer.from(`..${block}..`);
  return traceWish(bytes, 2, bytes.length - 2);
}

function mightBe(block: string): boolean {
  const bytes = Buffer.from(`..${block}..`);
  return mightBeTraced(bytes, 2, bytes.length - 2);
}

test("a destination asks for a trace, unless it is the word that disables tracing", () => {
  expect(wishOf("NATS/1.0\r\nNats-Trace-Dest: a\r\n\r\n")).toBe(TraceWish.Destination);
  expect(wishOf("NATS/1.0\r\nNats-Trace-Dest: trace disabled\r\n\r\n")).toBe(TraceWish.None);
  expect(wishOf("NATS/1.0\r\nnats-trace-dest: a\r\n\r\n")).toBe(TraceWish.None);
  expect(wishOf("NATS/1.0 503\r\nNats-Trace-Dest: a\r\n\r\n")).toBe(TraceWish.None);
});

test("traceparent asks for a trace by its last bit, and a destination takes precedence", () => {
  expect(wishOf(`NATS/1.0\r\nTraceParent:${PARENT}\r\n\r\n`)).toBe(TraceWish.External);
  expect(wishOf(`NATS/1.0\r\ntraceparent: ${PARENT.replace(/1$/, "0")}\r\n\r\n`)).toBe(TraceWish.None);
  expect(wishOf(`NATS/1.0\r\ntraceparent: ${PARENT}\r\nNats-Trace-Dest: a\r\n\r\n`)).toBe(TraceWish.Destination);
  expect(wishOf(`NATS/1.0\r\ntraceparent: ${PARENT}\r\nNats-Trace-Dest: trace disabled\r\n\r\n`)).toBe(TraceWish.None);
});

test("bytes after the header block are ignored", () => {
  const bytes = Buffer.from("NATS/1.0\r\nA: b\r\n\r\nNats-Trace-Dest: a\r\n\r\n");
  const end = bytes.indexOf("Nats");
  expect([mightBeTraced(bytes, 0, end), traceWish(bytes, 0, end)]).toEqual([false, TraceWish.None]);
  for (let cut = 0; cut < bytes.length; cut++) expect(() => traceWish(bytes, 0, cut)).not.toThrow();
});

/** The expected fields, by splitting text. */
function modelFields(block: string): [string, string][] {
  if (!block.startsWith("NATS/1.0\r\n")) return [];
  const fields: [string, string][] = [];
  let rest = block.slice("NATS/1.0\r\n".length);
  for (;;) {
    const colon = rest.indexOf(":");
    if (colon === -1) return fields;
    const key = rest.slice(0, colon);
    rest = rest.slice(colon + 1).replace(/^[ \t]+/, "");
    const end = rest.indexOf("\r\n");
    if (end === -1) return fields;
    const value = rest.slice(0, end).replace(/[ \t]+$/, "");
    rest = rest.slice(end + 2);
    if (key !== "" && value !== "") fields.push([key, value]);
  }
}

/** Whether a traceparent has four fields and its flags are `01`, the only value in PIECES that asks for a trace. */
function isParent(value: string): boolean {
  const parts = value.split("-");
  return parts.length === 4 && parts[3] === "01";
}

function modelWish(block: string): TraceWish {
  let wish = TraceWish.None;
  for (const [key, value] of modelFields(block)) {
    if (key === "Nats-Trace-Dest" && wish !== TraceWish.Destination) {
      if (value === "trace disabled") return TraceWish.None;
      wish = TraceWish.Destination;
    } else if (key.toLowerCase() === "traceparent" && wish === TraceWish.None && isParent(value)) wish = TraceWish.External;
  }
  return wish;
}

const PIECES = [
  ...["NATS/1.0\r\n", "Nats-Trace-Dest", "Nats-Trace-", "Nats-Trace-Only", "traceparent", "TRACEPARENT", "Key", ":", ": ", " ", "\t"],
  ...["\r\n", "\r", "\n", "a.b", "trace disabled", PARENT, "-", "Nats-", "\r\nNats-Trace-Dest: x\r\n", "é"],
];

test("fuzz: fields and wishes agree with a text search, and the quick check never misses one", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 20_000; round++) {
    const pieces = Array.from({ length: random.below(14) }, () => random.pick(PIECES));
    const block = (random.chance(0.9) ? "NATS/1.0\r\n" : "") + pieces.join("");
    const where = `SEED=${seed} round=${round} ${JSON.stringify(block)}`;
    const wish = wishOf(block);
    expect(wish, where).toBe(modelWish(block));
    if (wish === TraceWish.Destination) expect(mightBe(block), where).toBe(true);
    expect(mightBe(block), where).toBe(block.includes("\r\nNats-Trace-"));
    const bytes = Buffer.from(block);
    const fields = [...headerFields(bytes, 0, bytes.length)].flatMap(([key, values]) => values.map(value => `${key}=${value}`));
    expect(fields.sort(), where).toEqual(
      modelFields(block)
        .map(([key, value]) => `${key}=${value}`)
        .sort(),
    );
  }
});
