import { Scheduler } from "../../src/base/scheduling/scheduler.ts";
import { FakeClock } from "./fake-clock.ts";

/**
 * A scheduler without connections. `clock.advance(0)` runs all its slices. `defects` has the messages of tasks that threw.
 * @param shareUnits size of a share; absent: as in the server
 */
export function fakeScheduler(shareUnits?: number) {
  const clock = new FakeClock();
  const defects: string[] = [];
  const loop = {
    defer: (code: () => void) => clock.afterEvents(code),
    monotonic: () => clock.monotonic(),
    endSlice: () => false,
    onDefect: (error: Error) => defects.push(error.message),
  };
  const scheduler = new Scheduler(loop, shareUnits);
  return { clock, defects, scheduler };
}
