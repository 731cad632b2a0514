/**
 * Chunks from the pool compared with chunks from the allocator: the cost of returning chunks while a connection is idle.
 *
 *   bun run bench/micro/buffer-pool.ts              BENCH_SHORT=1: a run of seconds
 */
import { do_not_optimize } from "mitata";
import { BufferPool, TIER_BYTES } from "../../src/base/bytes/buffer-pool.ts";
import { Measurement } from "./measurement/measurement.ts";

const TIMES = 1_000;
const measurement = new Measurement();

for (const [tier, bytes] of TIER_BYTES.entries()) {
  const pool = new BufferPool(() => {});
  measurement.add(`${bytes} B: take and give`, TIMES, () => {
    for (let time = 0; time < TIMES; time++) pool.give(pool.take(tier));
    return do_not_optimize(pool.taken);
  });
  const held: Buffer[] = [];
  measurement.add(`${bytes} B: 100 taken, then given`, TIMES, () => {
    for (let time = 0; time < TIMES; time += 100) {
      for (let chunk = 0; chunk < 100; chunk++) held.push(pool.take(tier));
      while (held.length > 0) pool.give(held.pop()!);
    }
    return do_not_optimize(pool.taken);
  });
  measurement.add(`${bytes} B: allocUnsafeSlow`, TIMES, () => {
    let size = 0;
    for (let time = 0; time < TIMES; time++) size += Buffer.allocUnsafeSlow(bytes).length;
    return do_not_optimize(size);
  });
  measurement.add(`${bytes} B: alloc, zeroed`, TIMES, () => {
    let size = 0;
    for (let time = 0; time < TIMES; time++) size += Buffer.alloc(bytes).length;
    return do_not_optimize(size);
  });
}

await measurement.run();
