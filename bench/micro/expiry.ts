/**
 * Times to live of many messages: adding and taking entries, the file `thw.db`, memory.
 *
 *   bun run bench/micro/expiry.ts        BENCH_SHORT=1: a run of seconds, only to see that it works
 */
import { Random } from "../../src/base/random/random.ts";
import type { Sliced } from "../../src/base/scheduling/sliced.ts";
import { Deadlines } from "../../src/store/expiry/deadlines.ts";
import { decodeTtlFile, encodeTtlFile } from "../../src/store/expiry/ttl-file.ts";

const many = process.env.BENCH_SHORT === "1" ? 20_000 : 1_000_000;
const owner = { has: () => true };
const random = new Random(1);
const NOW_HIGH = 400_000_000;

function measured(name: string, run: () => void): void {
  const started = Bun.nanoseconds();
  run();
  console.log(`${name.padEnd(50)} ${((Bun.nanoseconds() - started) / many).toFixed(0)} ns each`);
}

/** Runs all parts, and prints the time of each entry and the longest part. */
function measuredParts(name: string, sliced: Sliced<unknown>): void {
  let longest = 0;
  const started = Bun.nanoseconds();
  for (let done = false; !done; ) {
    const before = Bun.nanoseconds();
    done = sliced.next().done === true;
    longest = Math.max(longest, Bun.nanoseconds() - before);
  }
  const each = (Bun.nanoseconds() - started) / many;
  console.log(`${name.padEnd(50)} ${each.toFixed(0)} ns each, longest part ${(longest / 1e6).toFixed(2)} ms`);
}

function takeAll(deadlines: Deadlines): void {
  let taken = 0;
  while (deadlines.takeFirst(0x7fff_ffff, 0)) taken++;
  if (taken === 0) throw new Error("there were entries");
}

const ascending = new Deadlines(owner);
measured(`add ${many}, the same time to live for all`, () => {
  for (let sequence = 1; sequence <= many; sequence++) ascending.add(sequence, NOW_HIGH, sequence);
});
measured("take them", () => takeAll(ascending));

const shuffled = new Deadlines(owner);
measured(`add ${many}, random times to live`, () => {
  for (let sequence = 1; sequence <= many; sequence++) shuffled.add(sequence, NOW_HIGH + random.below(1_000), random.nextUint32());
});
console.log(`${"memory".padEnd(50)} ${(shuffled.memory / many).toFixed(1)} bytes each`);

const pieces: Uint8Array[] = [];
measuredParts(
  "write the file",
  encodeTtlFile(shuffled.copy(), many + 1, (bytes, start, end) => pieces.push(bytes.slice(start, end))),
);
measuredParts("read the file", decodeTtlFile(Buffer.concat(pieces), new Deadlines(owner), owner));
measured("take them", () => takeAll(shuffled));
