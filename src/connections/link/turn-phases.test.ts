import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { Turn } from "./turn.ts";
import { TurnPhase, TurnPhases } from "./turn-phases.ts";

/** Phases whose work records its name when it runs, and may then call a function. */
function newPhases() {
  const meter = new WorkMeter();
  const phases = new TurnPhases(meter);
  const done: string[] = [];
  const add = (phase: TurnPhase, name: string, then: () => void = () => {}) =>
    phases.add(phase, {
      runPhase: run => {
        done.push(`${TurnPhase[run]} ${name}`);
        then();
      },
    });
  return { phases, meter, done, add };
}

test("phases run in order: store writes, deliveries, socket writes, closing", () => {
  const { phases, done, add } = newPhases();
  add(TurnPhase.Close, "a");
  add(TurnPhase.Write, "a");
  add(TurnPhase.Write, "b");
  add(TurnPhase.Deliver, "a");
  add(TurnPhase.Store, "a");
  phases.run();
  expect(done).toEqual(["Store a", "Deliver a", "Write a", "Write b", "Close a"]);
  phases.run();
  expect(done).toHaveLength(5);
});

test("work added while phases run is done in the same run, before any later phase begins", () => {
  const { phases, done, add } = newPhases();
  add(TurnPhase.Write, "a", () => {
    add(TurnPhase.Close, "a");
    add(TurnPhase.Write, "c");
    add(TurnPhase.Store, "a", () => add(TurnPhase.Deliver, "a", () => add(TurnPhase.Write, "d")));
  });
  add(TurnPhase.Write, "b");
  phases.run();
  expect(done).toEqual(["Write a", "Write b", "Write c", "Store a", "Deliver a", "Write d", "Close a"]);
});

test("a nested run does the remaining work once", () => {
  const { phases, done, add } = newPhases();
  add(TurnPhase.Write, "a", () => phases.run());
  add(TurnPhase.Write, "b");
  add(TurnPhase.Close, "a");
  phases.run();
  expect(done).toEqual(["Write a", "Write b", "Close a"]);
});

test("work that throws is not repeated, and the next run does the remaining work", () => {
  const { phases, done, add } = newPhases();
  add(TurnPhase.Write, "a", () => {
    throw new Error("broken");
  });
  add(TurnPhase.Write, "b");
  expect(() => phases.run()).toThrow("broken");
  phases.run();
  expect(done).toEqual(["Write a", "Write b"]);
});

test("writes that exceed the share are carried over; other phases are not divided", () => {
  const { phases, meter, done, add } = newPhases();
  const costs = (units: number) => () => {
    meter.done += units;
  };
  for (const name of "abcd") add(TurnPhase.Write, name, costs(1));
  add(TurnPhase.Deliver, "x", costs(2));
  add(TurnPhase.Deliver, "y", costs(2));
  add(TurnPhase.Close, "z");
  meter.begin(5);
  phases.run();
  expect(done.splice(0)).toEqual(["Deliver x", "Deliver y", "Write a", "Close z"]);
  expect(phases.hasCarried).toBe(true);
  meter.begin(2);
  phases.runCarried();
  expect([done.splice(0), phases.hasCarried]).toEqual([["Write b", "Write c"], true]);
  meter.begin(2);
  phases.runCarried();
  expect([done.splice(0), phases.hasCarried]).toEqual([["Write d"], false]);
});

test("writes of later turns come before those that are carried over, which keep their order", () => {
  const { phases, meter, done, add } = newPhases();
  for (const name of "abc") add(TurnPhase.Write, name, () => meter.done++);
  meter.begin(1);
  phases.run();
  for (const name of "de") add(TurnPhase.Write, name, () => meter.done++);
  meter.begin(1);
  phases.run();
  meter.begin(10);
  phases.runCarried();
  expect(done).toEqual(["Write a", "Write d", "Write b", "Write c", "Write e"]);
});

test("work that a carried write adds runs with the next phases; a closing connection is closed after its carried write", () => {
  const { phases, meter, done, add } = newPhases();
  add(TurnPhase.Write, "a", () => meter.done++);
  add(TurnPhase.Write, "b", () => add(TurnPhase.Close, "b"));
  meter.begin(1);
  phases.run();
  meter.begin(10);
  phases.runCarried();
  phases.run();
  expect(done).toEqual(["Write a", "Write b", "Close b"]);
});

test("thousands of carried writes are all done, in order, a share at a time", () => {
  const { phases, meter, done, add } = newPhases();
  for (let index = 0; index < 5_000; index++) add(TurnPhase.Write, String(index), () => meter.done++);
  meter.begin(1);
  phases.run();
  while (phases.hasCarried) {
    meter.begin(700);
    phases.runCarried();
  }
  expect(done).toEqual(Array.from({ length: 5_000 }, (_, index) => `Write ${index}`));
});

test("suspended readers continue one by one, in the order of their requests, each after the phases have no more work", () => {
  const clock = new FakeClock();
  const turn = new Turn(clock, new TimingWheel(clock), new Random(1));
  const done: string[] = [];
  const reader = (name: string) => ({
    work: () => {
      done.push(`read ${name}`);
      turn.add(TurnPhase.Write, { runPhase: () => done.push(`write ${name}`) });
      return false;
    },
  });
  turn.resumeLater(reader("a"));
  turn.resumeLater(reader("b"));
  turn.add(TurnPhase.Close, { runPhase: () => done.push("close") });
  turn.end();
  expect(done).toEqual(["close", "read a", "write a", "read b", "write b"]);
});

test("a turn that is ended during a delivery ends after it", async () => {
  const clock = new FakeClock();
  const turn = new Turn(clock, new TimingWheel(clock), new Random(1));
  let read = false;
  turn.resumeLater({
    work: () => {
      read = true;
      return false;
    },
  });
  const delivery = turn.fanOuts as unknown as { depth: number };
  delivery.depth = 1;
  turn.end();
  expect(read).toBe(false);
  delivery.depth = 0;
  await Promise.resolve();
  expect(read).toBe(true);
});

test("assertion: a viewed batch is given back once", () => {
  const clock = new FakeClock();
  const turn = new Turn(clock, new TimingWheel(clock), new Random(1));
  const viewed = turn.takeViewed();
  turn.giveViewed(viewed);
  expect(brokenAssertion(() => turn.giveViewed(viewed))).toBe("Assertion broken: a viewed batch is given back once");
});
