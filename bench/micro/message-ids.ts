/**
 * Message ids that a stream remembers: finding, remembering and forgetting them, and their memory.
 *
 *   bun run bench/micro/message-ids.ts        BENCH_SHORT=1: a run of seconds, only to see that it works
 */
import { Nanoseconds } from "../../src/base/clock/nanoseconds.ts";
import { Random } from "../../src/base/random/random.ts";
import { MessageIds } from "../../src/jetstream/stream/message-ids.ts";

const many = process.env.BENCH_SHORT === "1" ? 20_000 : 1_000_000;
const WINDOW_NS = 120_000_000_000n;
const START = 1_700_000_000_000_000_000n;
const ids = new MessageIds(new Random(1), WINDOW_NS, () => {});
const time = new Nanoseconds().setBigInt(START);
/** 22 bytes, as those that clients make. */
const bytes = Buffer.from("J5GcQX0Wt8m1pYb7kR0000");

function setId(number: number): void {
  for (let at = 21, rest = number; at >= 12; at--, rest = Math.floor(rest / 10)) bytes[at] = 0x30 + (rest % 10);
}

function measured(name: string, run: (number: number) => void): void {
  let longest = 0;
  const started = Bun.nanoseconds();
  for (let number = 0; number < many; number += 1_000) {
    const before = Bun.nanoseconds();
    for (let at = number; at < number + 1_000; at++) run(at);
    longest = Math.max(longest, Bun.nanoseconds() - before);
  }
  const each = (Bun.nanoseconds() - started) / many;
  console.log(`${name.padEnd(40)} ${each.toFixed(0)} ns each, longest thousand ${(longest / 1e6).toFixed(2)} ms`);
}

measured("find one that is new, and remember it", number => {
  setId(number);
  ids.find(bytes, 0, bytes.length, time);
  ids.remember(bytes, 0, bytes.length, number + 1, time);
});
console.log(`${"memory".padEnd(40)} ${(ids.memory / many).toFixed(1)} bytes each`);
measured("find one that is known", number => {
  setId((number * 7_919) % many);
  ids.find(bytes, 0, bytes.length, time);
});
time.setBigInt(START + WINDOW_NS);
measured("replace one whose window is over", number => {
  setId(many + number);
  ids.find(bytes, 0, bytes.length, time);
  ids.remember(bytes, 0, bytes.length, number + 1, time);
});
