import { expect, test } from "bun:test";
import { putBytes } from "./put-bytes.ts";

test("bytes of any range are copied behind the offset, and none beside them", () => {
  const source = Uint8Array.from({ length: 300 }, (_, index) => index % 251);
  for (const from of [source, Buffer.from(source), source.subarray(0, 280)]) {
    for (let size = 0; size <= 200; size++) {
      const target = new Uint8Array(400).fill(255);
      expect(putBytes(from, 50, 50 + size, target, 7)).toBe(7 + size);
      const expected = new Uint8Array(400).fill(255);
      for (let index = 0; index < size; index++) expected[7 + index] = source[50 + index];
      expect(target).toEqual(expected);
    }
  }
});
