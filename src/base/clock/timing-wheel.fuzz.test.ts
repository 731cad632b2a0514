import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { TimingWheel, WheelTimer } from "./timing-wheel.ts";

/** Delays from the next tick to days, some around the ends of both wheels. */
function randomDelay(random: Random): number {
  switch (random.below(6)) {
    case 0:
      return random.below(5);
    case 1:
      return random.nextFloat() * 300;
    case 2:
      return random.pick([254, 255, 256, 257, 511, 512, 65_279, 65_280, 65_535, 65_536, 65_537]);
    case 3:
      return random.below(70_000);
    case 4:
      return random.below(600_000);
    default:
      return random.below(2 * 24 * 60 * 60 * 1_000);
  }
}

test("fuzz: timers fire at the deadlines of a model, when set, moved and cancelled inside and outside of tasks", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let run = 0; run < 25; run++) {
    const clock = new FakeClock();
    const wheel = new TimingWheel(clock);
    /** Deadline of each active timer. */
    const deadlines = new Map<WheelTimer, number>();
    let heldUpMs = 0;
    let message = "";
    const set = (timer: WheelTimer) => {
      const delay = randomDelay(random);
      wheel.set(timer, delay);
      deadlines.set(timer, clock.monotonic() + delay);
    };
    const timers = Array.from({ length: random.pick([1, 3, 40]) }, () => {
      const timer: WheelTimer = new WheelTimer(() => {
        const late = clock.monotonic() - deadlines.get(timer)!;
        expect(late, `${message} early`).toBeGreaterThanOrEqual(0);
        expect(late, `${message} late`).toBeLessThanOrEqual(3 + heldUpMs);
        deadlines.delete(timer);
        if (random.chance(0.5)) set(timer);
        if (random.chance(0.2)) set(random.pick(timers));
        if (random.chance(0.2)) cancel(random.pick(timers));
      });
      return timer;
    });
    const cancel = (timer: WheelTimer) => {
      wheel.cancel(timer);
      deadlines.delete(timer);
    };
    for (let round = 0; round < 300; round++) {
      message = `SEED=${seed} run=${run} round=${round}`;
      const action = random.below(10);
      if (action < 3) set(random.pick(timers));
      else if (action < 4) cancel(random.pick(timers));
      else if (action < 9) clock.advance(Math.min(randomDelay(random), 200_000) * random.nextFloat());
      else {
        heldUpMs = random.nextFloat() * random.pick([3, 300, 100_000]);
        clock.jump(heldUpMs);
        heldUpMs = 0;
      }
      expect(wheel.size, message).toBe(deadlines.size);
      for (const [timer, at] of deadlines) {
        expect(timer.active, message).toBe(true);
        expect(at + 3, `${message} forgotten`).toBeGreaterThanOrEqual(clock.monotonic());
      }
      expect(clock.waiting, message).toBe(deadlines.size === 0 ? 0 : 1);
    }
  }
});
