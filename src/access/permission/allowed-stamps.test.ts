import { expect, test } from "bun:test";
import { allowStamp, forgetStamps, isStampAllowed, NO_STAMPS, type StampHolder } from "./allowed-stamps.ts";

const newHolder = (): StampHolder => ({ allowedStamps: NO_STAMPS, stampEpoch: 0, stampsMissed: 0 });
const sourceOf = (matchedStamp: number, stampEpoch = 0) => ({ matchedStamp, stampEpoch });

/** A holder that was asked so often that it remembers. */
function remembering(): StampHolder {
  const holder = newHolder();
  for (let stamp = 1; stamp <= 1_000; stamp++) allowStamp(holder, sourceOf(stamp));
  return holder;
}

test("a holder that is asked about few subjects remembers none and has no array", () => {
  const holder = newHolder();
  for (let stamp = 1; stamp <= 256; stamp++) allowStamp(holder, sourceOf(stamp));
  expect(holder.allowedStamps).toBe(NO_STAMPS);
  expect([1, 256].map(stamp => isStampAllowed(holder, sourceOf(stamp)))).toEqual([false, false]);
  expect(NO_STAMPS.every(slot => slot === -1)).toBe(true);
});

test("an allowed stamp is known exactly, and a subject without stamp never", () => {
  const holder = remembering();
  allowStamp(holder, sourceOf(2 ** 31 - 1));
  allowStamp(holder, sourceOf(0));
  const known = (stamp: number) => isStampAllowed(holder, sourceOf(stamp));
  expect([known(500), known(2 ** 31 - 1), known(0), known(1_001), known(500 + 2_048), known(2_047)]).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("in another epoch, and after forgetStamps, nothing is known", () => {
  const holder = remembering();
  expect(isStampAllowed(holder, sourceOf(500, 1))).toBe(false);
  allowStamp(holder, sourceOf(500, 1));
  expect([isStampAllowed(holder, sourceOf(500, 1)), isStampAllowed(holder, sourceOf(501, 1))]).toEqual([true, false]);
  expect(isStampAllowed(holder, sourceOf(501))).toBe(false);
  forgetStamps(holder);
  expect(isStampAllowed(holder, sourceOf(500, 1))).toBe(false);
});
