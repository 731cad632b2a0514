import { expect, test } from "bun:test";
import { readSub, readUnsub } from "./subscription-line.ts";

const bounds = new Int32Array(18);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

test("SUB has a subject, an optional queue and a sid, which are copied", () => {
  const source = Buffer.from("SUB foo.*\t7\r\n");
  const line = readSub(source, 4, 11, bounds);
  source.fill(0xaa);
  expect(line).toEqual({ subject: bytes("foo.*"), queue: null, sid: bytes("7") });
  expect(readSub(Buffer.from("foo q 7"), 0, 7, bounds)).toEqual({ subject: bytes("foo"), queue: bytes("q"), sid: bytes("7") });
  for (const text of ["", "foo", "foo q 7 8"])
    expect(readSub(Buffer.from(text), 0, text.length, bounds)).toBe(`processSub Parse Error: "${text}"`);
});

test("UNSUB has a sid and an optional number of messages; without a valid number the subscription ends at once", () => {
  expect(readUnsub(Buffer.from("7"), 0, 1, bounds)).toEqual({ sid: Buffer.from("7"), messagesMax: -1 });
  expect(readUnsub(Buffer.from("7 20"), 0, 4, bounds)).toEqual({ sid: Buffer.from("7"), messagesMax: 20 });
  expect(readUnsub(Buffer.from("7 x"), 0, 3, bounds)).toEqual({ sid: Buffer.from("7"), messagesMax: -1 });
  for (const text of ["", "1 2 3"])
    expect(readUnsub(Buffer.from(text), 0, text.length, bounds)).toBe(`processUnsub Parse Error: "${text}"`);
});
