import { expect, test } from "bun:test";
import { apiError } from "../error/api-error.ts";
import { PubAck } from "./pub-ack.ts";

const target = Buffer.alloc(100);
const written = (write: (at: number) => number) => target.toString("utf8", 3, write(3));

test("an answer has the stream, the domain if there is one, and the sequence", () => {
  const plain = new PubAck("ORDERS", "");
  expect(written(at => plain.write(target, at, 1))).toBe('{"stream":"ORDERS","seq":1}');
  expect(written(at => plain.write(target, at, 2 ** 53 - 1))).toBe('{"stream":"ORDERS","seq":9007199254740991}');
  expect(written(at => plain.writeDuplicate(target, at, 1_000_000_007))).toBe('{"stream":"ORDERS","seq":1000000007,"duplicate": true}');
  const inDomain = new PubAck("é<", "hub");
  expect(written(at => inDomain.write(target, at, 42))).toBe('{"stream":"é<","domain":"hub","seq":42}');
});

test("no answer is longer than the stated size", () => {
  const ack = new PubAck("é", "hub");
  expect(ack.writeDuplicate(target, 0, 2 ** 53 - 1)).toBe(ack.bytesMax);
});

test("a refusal has the error, the stream and no sequence", () => {
  expect(new PubAck("a<b", "hub").error(apiError("StreamWrongLastSequence", { seq: 5 })).toString()).toBe(
    '{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"stream":"a\\u003cb","seq":0}',
  );
});
