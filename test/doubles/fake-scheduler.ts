import { Scheduler } from "../../src/base/scheduling/scheduler.ts";
import { FakeClock } from "./fake-clock.ts";

/** A scheduler without connections. `clock.advance(0)` runs all its slices. `defects` has the messages of tasks that threw. */
export function fakeScheduler() {
  const clock = new FakeClock();
  const defects: string[] = [];
  const scheduler = new Scheduler({
    defer: code => clock.afterEvents(code),
    monotonic: () => clock.monotonic(),
    endSlice: () => false,
    onDefect: error => defects.push(error.message),
  });
  return { clock, defects, scheduler };
}
