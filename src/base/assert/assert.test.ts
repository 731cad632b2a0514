import { afterEach, expect, test } from "bun:test";
import { ASSERTION_EVENT, ASSERTION_STATUS, AssertionBroken, assert, unreachable } from "./assert.ts";

const listen = (listener: (error: AssertionBroken) => void) => (process as NodeJS.EventEmitter).on(ASSERTION_EVENT, listener);
afterEach(() => {
  process.removeAllListeners(ASSERTION_EVENT);
});

test("a condition that holds does nothing", () => {
  assert(1 + 1 === 2, "arithmetic works");
});

test("a broken assertion names itself and its values, stops the process, and leaves a status of its own", async () => {
  const path = JSON.stringify(`${import.meta.dir}/assert.ts`);
  const program = `import { assert } from ${path}; setTimeout(() => console.log("went on"), 0); assert(false, "two are one", 2, "one");`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "pipe" });
  const [out, error, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(status).toBe(ASSERTION_STATUS);
  expect(error).toStartWith('Assertion broken: two are one: 2, "one"\n');
  expect(error).toContain("assert.ts");
  expect(out).toBe("");
});

test("a program that listens is told instead, and the error is thrown", () => {
  const told: AssertionBroken[] = [];
  listen(error => told.push(error));
  expect(() => assert(false, "counts are not negative", -1)).toThrow("Assertion broken: counts are not negative: -1");
  expect(() => unreachable("there are two kinds", "third")).toThrow('Assertion broken: there are two kinds: "third"');
  expect(told.map(({ message }) => message)).toEqual([
    "Assertion broken: counts are not negative: -1",
    'Assertion broken: there are two kinds: "third"',
  ]);
  expect(told[0]).toBeInstanceOf(AssertionBroken);
});
