import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { checkHeader, HeaderFault } from "./header-read.ts";
import { readMimeHeader } from "./mime-header.ts";
import { readableHeader } from "./readable-header.ts";

const made = (block: string): string => Buffer.from(readableHeader(Buffer.from(block, "latin1"))).toString("latin1");

test("a block that all readers take the same way is returned itself", () => {
  for (const text of [
    "NATS/1.0\r\n\r\n",
    "NATS/1.0 503\r\n\r\n",
    "NATS/1.0 100 Idle: Heartbeat\r\nA: b\r\n\r\n",
    "NATS/1.0\r\nA:\r\nA: b:c\t\xe9\r\nB-_.~: \r\n\r\n",
  ]) {
    const block = Buffer.from(text, "latin1");
    expect(readableHeader(block)).toBe(block);
  }
});

test("of other blocks, the fields before the first blank line that all readers accept remain", () => {
  const blocks: Record<string, string> = {
    "": "NATS/1.0\r\n\r\n",
    "NATS/1.0\r\nA: b\r\n\r\nC: d\r\n\r\n": "NATS/1.0\r\nA: b\r\n\r\n", // ends early
    "NATS/1.0\r\n\r\n\r\n": "NATS/1.0\r\n\r\n",
    "NATS/1.0\r\nA: b": "NATS/1.0\r\nA: b\r\n\r\n", // no line end
    "NATS/1.0\r\nA: b\r\n": "NATS/1.0\r\nA: b\r\n\r\n",
    "NATS/1.0\r\nA: b\rC: d\r\n\r\n": "NATS/1.0\r\nA: b\r\nC: d\r\n\r\n", // a bare CR
    "NATS/1.0\r\nA: b\nC: d\r\n\r\n": "NATS/1.0\r\nA: b\r\nC: d\r\n\r\n", // a bare LF
    "NATS/1.0\r\nA: b\n\nC: d\r\n\r\n": "NATS/1.0\r\nA: b\r\n\r\n",
    "A: b\r\nC: d\r\n\r\n": "NATS/1.0\r\nC: d\r\n\r\n", // a field as the first line
    "NATS/1.0 x\r\nC: d\r\n\r\n": "NATS/1.0\r\nC: d\r\n\r\n",
    "NATS/1.0\r\nno field\r\nC: d\r\n\r\n": "NATS/1.0\r\nC: d\r\n\r\n",
    "NATS/1.0\r\nA : b\r\n C: d\r\nE: f\r\n\r\n": "NATS/1.0\r\nE: f\r\n\r\n", // blanks beside the key
    "NATS/1.0\r\nA: b\x01\r\n\xe9: x\r\nC: d\r\n\r\n": "NATS/1.0\r\nC: d\r\n\r\n",
    "NATS/1.0\r\nA: b\x7f\r\nC: d\r\n\r\n": "NATS/1.0\r\nC: d\r\n\r\n",
  };
  expect(Object.keys(blocks).map(made)).toEqual(Object.values(blocks));
});

test("fuzz: Go's reader and ours find the same fields in every result", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const parts = ["NATS/1.0", "A", "Nats-Request-Info", ":", " ", "\t", "\r\n", "\r\n", "\r", "\n", "x", "\xe9", "\x01", "503"];
  for (let round = 0; round < 3_000; round++) {
    const start = random.below(3) === 0 ? "" : "NATS/1.0\r\n";
    const text = start + Array.from({ length: random.below(14) }, () => random.pick(parts)).join("");
    const result = readableHeader(Buffer.from(text, "latin1"));
    const message = `SEED=${seed} round=${round} ${JSON.stringify(text)}`;
    expect(checkHeader(result, 0, result.length), message).toBe(HeaderFault.None);
    const lines = Buffer.from(result).toString("latin1").split("\r\n").slice(1, -2);
    if (lines.length > 0) expect(readMimeHeader(result), message).not.toBeNull();
    expect(made(Buffer.from(result).toString("latin1")), message).toBe(Buffer.from(result).toString("latin1"));
  }
});
