import { expect, test } from "bun:test";
import { StderrLogger } from "./stderr-logger.ts";

const style = { debug: true, trace: false, logTime: false, logTimeUtc: false, colors: false };
const endOfTurn = () => new Promise<void>(resolve => setImmediate(resolve));

function logger(options = {}) {
  const writes: string[] = [];
  const log = new StderrLogger({
    ...style,
    ...options,
    write: bytes => {
      writes.push(Buffer.from(bytes).toString());
      return bytes.length;
    },
  });
  return { log, writes };
}

test("the lines of a turn are one write", async () => {
  const { log, writes } = logger();
  log.notice("one");
  log.debug("two");
  log.trace("not shown");
  expect(writes).toEqual([]);
  await endOfTurn();
  expect(writes).toEqual([`[${process.pid}] [INF] one\n[${process.pid}] [DBG] two\n`]);
});

test("a fatal line is written at once, behind what came before it", () => {
  const { log, writes } = logger();
  log.error("before");
  log.fatal("the end");
  expect(writes).toEqual([`[${process.pid}] [ERR] before\n[${process.pid}] [FTL] the end\n`]);
});

test("what waits is bounded: much text is written before the turn ends", () => {
  const { log, writes } = logger();
  for (let i = 0; i < 100; i++) log.notice("x".repeat(1_000));
  expect(writes.length).toBe(1);
});

test("a rate limited warning comes once", () => {
  const { log, writes } = logger();
  for (let i = 0; i < 5; i++) log.warnRateLimited("slow");
  log.flush();
  expect(writes).toEqual([`[${process.pid}] [WRN] slow\n`]);
});

test("a standard error that takes nothing for a while loses no line, one that takes nothing for long loses them counted", async () => {
  let open = false;
  let text = "";
  const log = new StderrLogger({
    ...style,
    write: bytes => {
      if (!open) throw Object.assign(new Error("try again"), { code: "EAGAIN" });
      const take = Math.min(bytes.length, 100_000);
      text += Buffer.from(bytes.subarray(0, take)).toString();
      return take;
    },
  });
  log.notice("first");
  log.flush();
  for (let i = 0; i < 3_000; i++) log.notice("x".repeat(1_000));
  open = true;
  log.flush();
  log.notice("last");
  log.flush();
  const lines = text.trimEnd().split("\n");
  expect(lines[0]).toBe(`[${process.pid}] [INF] first`);
  expect(lines.at(-1)).toBe(`[${process.pid}] [INF] last`);
  const dropped = Number(/(\d+) log lines dropped/.exec(text)?.[1]);
  expect(lines.length - 3 + dropped).toBe(3_000);
  expect(text.length).toBeLessThan(1_100_000);
});

test("a closed standard error is given up without a word", () => {
  const log = new StderrLogger({
    ...style,
    write: () => {
      throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
    },
  });
  log.fatal("nobody reads this");
  log.fatal("nor this");
});
