import { expect, test } from "bun:test";
import { fakeScheduler } from "../../../test/doubles/fake-scheduler.ts";
import { type Job, runJob } from "./job.ts";
import { PAUSE } from "./sliced.ts";
import { SHARE_UNITS } from "./work-meter.ts";

test("a job that only pauses gives way to other tasks after a share of five pauses", async () => {
  const { clock, scheduler } = fakeScheduler();
  const order: string[] = [];
  function* job(name: string): Job<string> {
    for (let step = 0; step < 10; step++) {
      order.push(name);
      yield PAUSE;
    }
    return name;
  }
  const results = [runJob(scheduler, job("a")), runJob(scheduler, job("b"))];
  clock.advance(0);
  expect(await Promise.all(results)).toEqual(["a", "b"]);
  expect(order.join("")).toBe("aaaaabbbbbaaaaabbbbb");
});

test("a job that counts its own work pauses when it has used up its share", async () => {
  const { clock, scheduler } = fakeScheduler();
  const order: string[] = [];
  function* job(name: string): Job<void> {
    for (let step = 0; step < 4; step++) {
      order.push(name);
      scheduler.meter.add(SHARE_UNITS / 2);
      if (scheduler.meter.exhausted) yield PAUSE;
    }
  }
  const results = [runJob(scheduler, job("a")), runJob(scheduler, job("b"))];
  clock.advance(0);
  await Promise.all(results);
  expect(order.join("")).toBe("aabbaabb");
});

test("a job waits for a promise; a rejection is thrown into it, and what it throws rejects the result", async () => {
  const { clock, scheduler } = fakeScheduler();
  const seen: string[] = [];
  function* job(): Job<void> {
    yield Promise.resolve();
    seen.push("resolved");
    try {
      yield Promise.reject(new Error("EIO"));
    } catch (error) {
      seen.push((error as Error).message);
    }
    yield Promise.reject(new Error("ENOSPC"));
  }
  let outcome = "";
  const done = runJob(scheduler, job()).catch(error => {
    outcome = error.message;
  });
  for (let turn = 0; turn < 20; turn++) {
    clock.advance(0);
    await Promise.resolve();
  }
  await done;
  expect([seen, outcome]).toEqual([["resolved", "EIO"], "ENOSPC"]);
});
