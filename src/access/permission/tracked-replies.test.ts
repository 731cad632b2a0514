import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { REPLIES_MAX, TrackedReplies } from "./tracked-replies.ts";

const bytes = (text: string) => Buffer.from(text);

function use(replies: TrackedReplies, subject: string): boolean {
  return replies.use(bytes(subject), 0, subject.length);
}

function add(replies: TrackedReplies, subject: string): void {
  replies.add(bytes(subject), 0, subject.length);
}

test("answered and expired replies are removed, so that their number stays bounded", () => {
  const clock = new FakeClock();
  const replies = new TrackedReplies({ messagesMax: 1, expiresMs: 5_000 }, clock);
  for (let number = 0; number < 100_000; number++) {
    add(replies, `_INBOX.${number}`);
    if (number % 10 !== 0) expect(use(replies, `_INBOX.${number}`)).toBe(true);
    clock.advance(1);
  }
  // One in ten replies stays unanswered: for 5 s, and until the next sweep, at most a second later.
  expect(replies.count).toBeGreaterThanOrEqual(500);
  expect(replies.count).toBeLessThanOrEqual(601);
  clock.advance(10_000);
  add(replies, "last");
  expect(replies.count).toBe(1);
});

test("beyond the maximum the oldest quarter is dropped", () => {
  const replies = new TrackedReplies({ messagesMax: -1, expiresMs: -1 }, new FakeClock());
  let most = 0;
  for (let number = 0; number < REPLIES_MAX * 2 + 1; number++) {
    add(replies, `r${number}`);
    most = Math.max(most, replies.count);
  }
  expect(most).toBe(REPLIES_MAX);
  const last = REPLIES_MAX * 2;
  expect([use(replies, "r0"), use(replies, `r${last - REPLIES_MAX / 2}`), use(replies, `r${last}`)]).toEqual([false, true, true]);
});

test("long subjects are limited by their total bytes", () => {
  const replies = new TrackedReplies({ messagesMax: -1, expiresMs: -1 }, new FakeClock());
  const long = "x".repeat(4_000);
  for (let number = 0; number < 12_000; number++) add(replies, `${number}${long}`);
  expect(replies.count * 4_000).toBeLessThanOrEqual(16 * 1024 * 1024);
  expect(use(replies, `11999${long}`)).toBe(true);
});

test("fuzz: tracked replies equal those of a map, after any additions, answers and expiries", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let run = 0; run < 20; run++) {
    const clock = new FakeClock();
    const messagesMax = random.pick([-1, 1, 2, 3]);
    const expiresMs = random.pick([-1, 50, 2_000]);
    const replies = new TrackedReplies({ messagesMax, expiresMs }, clock);
    const model = new Map<string, { time: number; left: number }>();
    const distinct = random.pick([10, 1_000, 100_000]);
    for (let round = 0; round < 3_000; round++) {
      const number = random.below(distinct);
      const subject = `${"_INBOX.".repeat((number % 3) + 1)}${number}`;
      const known = model.get(subject);
      const open = known !== undefined && known.left > 0 && (expiresMs < 0 || clock.monotonic() - known.time <= expiresMs);
      expect(use(replies, subject), `SEED=${seed} run=${run} round=${round}`).toBe(open);
      if (open) known.left--;
      else if (random.chance(0.7)) {
        add(replies, subject);
        model.set(subject, { time: clock.monotonic(), left: messagesMax < 0 ? Number.POSITIVE_INFINITY : messagesMax });
      }
      if (random.chance(0.02)) clock.advance(random.pick([1, 30, 1_500]));
    }
  }
});
