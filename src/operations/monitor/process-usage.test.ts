import { expect, test } from "bun:test";
import { SYSTEM_CLOCK } from "../../base/clock/clock.ts";
import { ProcessUsage } from "./process-usage.ts";

test("reports the usage of this process", () => {
  const usage = new ProcessUsage(SYSTEM_CLOCK);
  expect(usage.residentBytes()).toBeGreaterThan(1024 * 1024);
  expect(usage.cores()).toBeGreaterThan(0);
});

test("a busy process shows about one core in use; a second call at once returns the same value", () => {
  const usage = new ProcessUsage(SYSTEM_CLOCK);
  expect(usage.cpuPercent()).toBe(0); // the first window has not passed
  const until = performance.now() + 1_050;
  while (performance.now() < until);
  const percent = usage.cpuPercent();
  expect(percent).toBeGreaterThan(5); // a busy machine gives less than a core
  expect(usage.cpuPercent()).toBe(percent);
});
