import { expect, test } from "bun:test";
import { unmask } from "./unmask.ts";

const KEY = [0x37, 0xfa, 0x21, 0x9d];
const KEY_WORD = KEY[0]! | (KEY[1]! << 8) | (KEY[2]! << 16) | (KEY[3]! << 24);

test("every alignment, length and position gives the same result as unmasking byte by byte", () => {
  const space = new Uint8Array(512);
  for (let start = 0; start < 9; start++) {
    for (const size of [0, 1, 2, 3, 4, 5, 31, 63, 64, 191, 192, 193, 194, 195, 196, 300]) {
      for (let position = 0; position < 6; position++) {
        for (let index = 0; index < space.length; index++) space[index] = (index * 7 + size) & 0xff;
        const wanted = Uint8Array.from(space);
        for (let index = 0; index < size; index++) wanted[start + index]! ^= KEY[(position + index) & 3]!;
        unmask(space, start, start + size, KEY_WORD, position);
        if (Buffer.compare(space, wanted) !== 0) throw new Error(`start ${start}, size ${size}, position ${position}`);
      }
    }
  }
  expect(space.length).toBe(512);
});

test("unmasks a view that starts inside its memory", () => {
  const memory = new Uint8Array(300);
  for (const offset of [0, 1, 2, 3]) {
    memory.fill(0);
    unmask(memory.subarray(offset, offset + 200), 0, 200, KEY_WORD, 1);
    expect([...memory.subarray(offset, offset + 5)]).toEqual([0xfa, 0x21, 0x9d, 0x37, 0xfa]);
    expect(memory[offset + 200]).toBe(0);
  }
});
