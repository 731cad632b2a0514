import { expect, test } from "bun:test";
import { ReadingTurns } from "./reading-turns.ts";

test("tasks run in their order, one in each iteration of the event loop, also when they ask for another turn", async () => {
  const turns = new ReadingTurns();
  const events: string[] = [];
  const reader = (name: string, times: number): (() => void) => {
    return () => {
      events.push(name);
      if (times > 1) turns.add(reader(name, times - 1));
    };
  };
  turns.add(reader("a", 3));
  turns.add(reader("b", 2));
  turns.add(reader("c", 1));
  for (let iteration = 0; iteration < 7; iteration++) {
    await new Promise<void>(resolve => setImmediate(resolve));
    events.push("|");
  }
  expect(events.join("")).toBe("a|b|c|a|b|a||");
});
