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

test("steps without a promise complete synchronously", () => {
  expect(runSteps(sum(1, 2, 3))).toBe(6);
});

test("steps with a promise return a promise and continue where they stopped", async () => {
  const later = runSteps(sum(1, Promise.resolve(2), 3, Promise.resolve(4)));
  expect(later).toBeInstanceOf(Promise);
  expect(await later).toBe(10);
});

test("a rejection is thrown at the waiting step", async () => {
  expect(await runSteps(caught(Promise.reject(new Error("no"))))).toBe("caught no");
  await expect(runSteps(sum(1, Promise.reject(new Error("no")))) as Promise<number>).rejects.toThrow("no");
});
