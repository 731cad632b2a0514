import { expect, test } from "bun:test";
import { Lookalikes } from "./lookalikes.ts";

const left = (block: string) => Buffer.from(new Lookalikes("Some-Key").removedFrom(Buffer.from(block))).toString();

test("fields that some parser may read as the field are removed, and the rest does not change", () => {
  const blocks = {
    "NATS/1.0\r\nSome-Key: x\r\n\r\n": "NATS/1.0\r\n\r\n",
    "NATS/1.0\r\nsome-KEY: x\r\nA: b\r\n\r\n": "NATS/1.0\r\nA: b\r\n\r\n",
    "NATS/1.0\r\nA: b\r\nSome-Key \t: x\r\nSome-Key:\r\n\r\n": "NATS/1.0\r\nA: b\r\n\r\n",
    "NATS/1.0\r\nA: b\nSome-Key: x\r\nC: d\r\n\r\n": "NATS/1.0\r\nA: b\r\nC: d\r\n\r\n",
    "NATS/1.0\r\nA: b\nSome-Key: x\nC: d\r\n\r\n": "NATS/1.0\r\nA: b\r\nC: d\r\n\r\n",
  };
  expect(Object.keys(blocks).map(left)).toEqual(Object.values(blocks));
});

test("a block without such fields is returned itself; longer keys, values and non-ASCII bytes do not matter", () => {
  const block = Buffer.from("NATS/1.0\r\nSome-Keys: x\r\nA: Some-Key: y\r\nB: \u00e9\xff\r\n\r\n");
  expect(new Lookalikes("Some-Key").removedFrom(block)).toBe(block);
  expect(left("NATS/1.0\r\nSome-Key: x\r\nB: \u00e9\r\n\r\n")).toBe("NATS/1.0\r\nB: \u00e9\r\n\r\n");
});
