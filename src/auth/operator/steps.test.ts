import { expect, test } from "bun:test";
import { runSteps, type Steps, waitFor } from "./steps.ts";

function* sum(...values: (number | Promise<number>)[]): Steps<number> {
  let total = 0;
  for (const value of values) total += yield* waitFor(value);
  return total;
}

function* caught(value: Promise<number>): Steps<string> {
  try {
    return String(yield* waitFor(value));
  } catch (error) {
    return `caught ${(error as Error).message}`;
  }
}

test("what has nothing to wait for is done at once", () => {
  expect(runSteps(sum(1, 2, 3))).toBe(6);
});

test("what has to wait is a promise, and goes on where it was", async () => {
  const later = runSteps(sum(1, Promise.resolve(2), 3, Promise.resolve(4)));
  expect(later).toBeInstanceOf(Promise);
  expect(await later).toBe(10);
});

test("a rejection is thrown where it was waited for", async () => {
  expect(await runSteps(caught(Promise.reject(new Error("no"))))).toBe("caught no");
  await expect(runSteps(sum(1, Promise.reject(new Error("no")))) as Promise<number>).rejects.toThrow("no");
});
