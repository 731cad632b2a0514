import { afterEach, expect, test } from "bun:test";
import { ASSERTION_EVENT, ASSERTION_STATUS, AssertionBroken, assert, unreachable } from "./assert.ts";

const listen = (listener: (error: AssertionBroken) => void) => (process as NodeJS.EventEmitter).on(ASSERTION_EVENT, listener);
afterEach(() => {
  process.removeAllListeners(ASSERTION_EVENT);
});

test("a condition that holds does nothing", () => {
  expect(assert(1 + 1 === 2, "arithmetic works")).toBeUndefined();
});

test("a broken assertion prints its text and values, and exits with its own status", async () => {
  const path = JSON.stringify(`${import.meta.dir}/assert.ts`);
  const program = `import { assert } from ${path}; setTimeout(() => console.log("went on"), 0); assert(false, "two are one", 2, "one");`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "pipe" });
  const [out, error, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(status).toBe(ASSERTION_STATUS);
  expect(error).toStartWith('Assertion broken: two are one: 2, "one"\n');
  expect(error).toContain("assert.ts");
  expect(out).toBe("");
});

test("with a listener, the listener is called and the error is thrown instead of an exit", () => {
  const received: AssertionBroken[] = [];
  listen(error => received.push(error));
  expect(() => assert(false, "counts are not negative", -1)).toThrow("Assertion broken: counts are not negative: -1");
  expect(() => unreachable("there are two kinds", "third")).toThrow('Assertion broken: there are two kinds: "third"');
  expect(received.map(({ message }) => message)).toEqual([
    "Assertion broken: counts are not negative: -1",
    'Assertion broken: there are two kinds: "third"',
  ]);
  expect(received[0]).toBeInstanceOf(AssertionBroken);
});
