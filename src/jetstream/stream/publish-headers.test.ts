import { expect, test } from "bun:test";
import { PublishHeader, PublishHeaders } from "./publish-headers.ts";

function read(block: string): PublishHeaders {
  const headers = new PublishHeaders();
  const bytes = Buffer.from(block, "latin1");
  headers.read(bytes, 0, bytes.length);
  return headers;
}

test("a line without a colon hides no other line", () => {
  expect(read("NATS/1.0\r\nno colon\r\nNats-Msg-Id: 1\r\n\r\n").text(PublishHeader.MsgId)).toBe("1");
  expect(read("NATS/1.0\r\n\r\nNats-Msg-Id: 1\r\n\r\n").text(PublishHeader.MsgId)).toBe("1");
});

test("the first value of a key counts, without blanks before it", () => {
  expect(read("NATS/1.0\r\nNats-Msg-Id:  1 \r\nNats-Msg-Id: 2\r\n\r\n").text(PublishHeader.MsgId)).toBe("1 ");
});

test("a key is a whole name at the beginning of a line, in its exact spelling, before a colon", () => {
  for (const line of ["nats-msg-id: 1", "X: Nats-Msg-Id: 1", "Nats-Msg-Id : 1", "A: b\nNats-Msg-Id: 1", "XNats-Msg-Id: 1"]) {
    expect(read(`NATS/1.0\r\n${line}\r\n\r\n`).any, line).toBe(false);
  }
});

test("a value ends with the block if no line break does", () => {
  expect(read("NATS/1.0\r\nNats-Msg-Id: 1").text(PublishHeader.MsgId)).toBe("1");
});

test("a key with an empty value is there, and has no value", () => {
  const headers = read("NATS/1.0\r\nNats-Msg-Id: \r\n\r\n");
  expect([headers.hasKey(PublishHeader.MsgId), headers.has(PublishHeader.MsgId)]).toEqual([true, false]);
});
