import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { FakeTransport } from "../../../test/doubles/fake-transport.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { LARGEST_CHUNK_BYTES } from "../../base/bytes/buffer-pool.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { Random } from "../../base/random/random.ts";
import { RANGES_MAX } from "../../wire/transport/byte-vector.ts";
import { Outbound } from "./outbound.ts";
import { Turn } from "./turn.ts";

/** Bytes that depend on their position, so that the test finds a wrong order or a gap. */
class Numbered {
  private at = 0;

  next(size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size);
    for (let i = 0; i < size; i++, this.at++) bytes[i] = (this.at * 31 + (this.at >> 8) * 17) & 0xff;
    return bytes;
  }
}

function randomSize(random: Random): number {
  switch (random.below(12)) {
    case 0:
      return random.pick([511, 512, 513, 4_095, 4_096, 4_097, 16_383, 16_384, 16_385]);
    case 1:
      return random.pick([LARGEST_CHUNK_BYTES - 1, LARGEST_CHUNK_BYTES, LARGEST_CHUNK_BYTES + 1, 3 * LARGEST_CHUNK_BYTES]);
    case 2:
    case 3:
      return random.between(1, 20_000);
    default:
      return random.between(1, 300);
  }
}

test("fuzz: the kernel gets the appended bytes in order, in parts of any size; in the end nothing is kept", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let run = 0; run < 120; run++) {
    const clock = new FakeClock();
    const turn = new Turn(clock, new TimingWheel(clock), random);
    const transport = new FakeTransport({ vectored: random.chance(0.5) });
    /** Number of timers, without the timer that trims the pool. */
    const timers = () => turn.timers.size - (turn.pool.trimWanted ? 1 : 0);
    const numbered = new Numbered();
    const appended: Buffer[] = [];
    let appendedBytes = 0;
    let flushed = 0;
    let failed = 0;
    let dead = false;
    const limits = { pendingBytesMax: 2 ** 30, writeDeadlineMs: 2 ** 30 };
    const outbound: Outbound = new Outbound(
      turn,
      transport,
      {
        onPendingBytesExceeded: () => expect.unreachable(),
        onWriteDeadline: () => expect.unreachable(),
        onSlowRecovered: () => expect.unreachable(),
        onStallReleased: () => expect.unreachable(),
        onWriteError: () => {
          failed++;
          outbound.abandon();
        },
        onFlushedForClose: () => {
          flushed++;
          outbound.abandon();
        },
      },
      limits,
    );
    const take = (size: number): Buffer => {
      const bytes = numbered.next(size);
      appended.push(Buffer.from(bytes));
      appendedBytes += size;
      return bytes;
    };
    const actions: Record<string, () => void> = {
      append: () => {
        const bytes = take(randomSize(random));
        outbound.append(bytes, 0, bytes.length);
        bytes.fill(0);
      },
      appendInside: () => {
        const size = randomSize(random);
        const bytes = Buffer.concat([Buffer.alloc(7), take(size), Buffer.alloc(5)]);
        outbound.append(bytes, 7, 7 + size);
        bytes.fill(0);
      },
      reserve: () => {
        const bytes = take(random.between(1, 5_000));
        outbound.reserve(bytes.length);
        if (outbound.closed) return;
        bytes.copy(outbound.tail, outbound.tailSize);
        outbound.tailSize += bytes.length;
      },
      vector: () => {
        outbound.startVector(turn.vector);
        const sources: Buffer[] = [];
        for (let count = random.between(1, random.pick([2, 10, RANGES_MAX - 1])); count > 0; count--) {
          const bytes = take(random.chance(0.05) ? randomSize(random) : random.between(1, 200));
          sources.push(bytes);
          turn.vector.add(bytes, 0, bytes.length);
        }
        outbound.appendVector(turn.vector);
        for (const source of sources) source.fill(0);
      },
      endTurn: () => {
        turn.end();
        if (failed === 0) {
          expect(outbound.pendingBytes, message).toBe(appendedBytes - transport.takenBytes);
          if (!outbound.hasBacklog) expect(turn.pool.taken, message).toBe(0);
          // All chunks are at least half full, except the first, which is partly written, and the last.
          expect(turn.pool.taken, message).toBeLessThanOrEqual(2 + (2 * outbound.pendingBytes) / 512);
        }
      },
      drain: () => {
        transport.room = random.pick([0, 1, 100, 5_000, 100_000, Number.POSITIVE_INFINITY]);
        outbound.onDrain();
      },
      fill: () => {
        transport.room = random.pick([0, 0, 10, 1_000, 60_000]);
      },
    };
    const names = ["append", "append", "append", "appendInside", "reserve", "vector", "endTurn", "endTurn", "drain", "fill"];
    let message = "";
    const breaks = random.chance(0.3);
    for (let round = 0; round < 150 && !dead; round++) {
      message = `SEED=${seed} run=${run} round=${round}`;
      actions[random.pick(names)]();
      expect(turn.timers.size, message).toBe((outbound.hasBacklog ? 1 : 0) + (turn.pool.trimWanted ? 1 : 0));
      if (breaks && random.chance(0.02)) transport.broken = true;
      if (failed > 0) dead = true;
    }
    message = `SEED=${seed} run=${run}`;
    if (!dead && !breaks) {
      if (random.chance(0.5)) outbound.closeAfterFlush();
      const closing = outbound.closing;
      transport.room = Number.POSITIVE_INFINITY;
      turn.end();
      outbound.onDrain();
      turn.end();
      expect(flushed, message).toBe(closing ? 1 : 0);
      expect(transport.takenBytes, message).toBe(appendedBytes);
    } else outbound.abandon();
    turn.end();
    const everything = Buffer.concat(appended);
    expect(transport.taken.equals(everything.subarray(0, transport.takenBytes)), message).toBe(true);
    expect([turn.pool.taken, timers(), outbound.pendingBytes], message).toEqual([0, 0, 0]);
    expect(failed, message).toBeLessThanOrEqual(1);
  }
});
