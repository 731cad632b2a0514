import { expect, test } from "bun:test";
import { fakeScheduler } from "../../../test/doubles/fake-scheduler.ts";
import type { Task } from "./scheduler.ts";
import { TaskQueue } from "./task-queue.ts";

function newQueue(limits: { activeMax: number; waitingMax: number }) {
  const { clock, defects, scheduler } = fakeScheduler();
  const done: string[] = [];
  /** @param parts how often it is called until it is done; an error at the last call if `fails` */
  const task = (name: string, parts: number, fails = false): Task => ({
    work() {
      done.push(name);
      if (--parts > 0) return true;
      if (fails) throw new Error(`${name} is broken`);
      return false;
    },
  });
  return { clock, done, defects, queue: new TaskQueue(scheduler, limits), task };
}

test("as many tasks as allowed share the scheduler; others begin when one is done, in order", () => {
  const { clock, done, queue, task } = newQueue({ activeMax: 2, waitingMax: 8 });
  for (const name of ["a", "b", "c", "d"]) queue.start(task(name, 2));
  clock.advance(0);
  expect(done.join("")).toBe("ababcdcd");
});

test("a task is refused if too many wait; one that continues is never refused", () => {
  const { clock, done, queue, task } = newQueue({ activeMax: 1, waitingMax: 1 });
  expect([queue.start(task("a", 1)), queue.start(task("b", 1)), queue.start(task("c", 1))]).toEqual([true, true, false]);
  queue.resume(task("d", 1));
  clock.advance(0);
  expect(done.join("")).toBe("abd");
});

test("a task that throws gives its place to the next one", () => {
  const { clock, done, defects, queue, task } = newQueue({ activeMax: 1, waitingMax: 8 });
  queue.start(task("a", 2, true));
  queue.start(task("b", 1));
  clock.advance(0);
  expect([done.join(""), defects]).toEqual(["aab", ["a is broken"]]);
});
