import { expect, test } from "bun:test";
import type { LogOptions } from "./logger.ts";
import { LOG_DEFAULTS, ServerLogger } from "./server-logger.ts";

const style = { debug: true, trace: false, logTime: false, logTimeUtc: false };
const endOfTurn = () => new Promise<void>(resolve => setImmediate(resolve));

function logger(options: Partial<LogOptions> = {}) {
  const writes: string[] = [];
  const write = (bytes: Uint8Array) => {
    writes.push(Buffer.from(bytes).toString());
    return bytes.length;
  };
  const log = new ServerLogger({ ...style, ...options }, { stream: { name: "standard error", write, close: () => {} }, colors: false });
  return { log, writes };
}

test("the lines of one turn are written in one call", async () => {
  const { log, writes } = logger();
  log.notice("one");
  log.debug("two");
  log.trace("not shown");
  expect(writes).toEqual([]);
  await endOfTurn();
  expect(writes).toEqual([`[${process.pid}] [INF] one\n[${process.pid}] [DBG] two\n`]);
});

test("a fatal line is written at once, after the lines before it", () => {
  const { log, writes } = logger();
  log.error("before");
  log.fatal("the end");
  expect(writes).toEqual([`[${process.pid}] [ERR] before\n[${process.pid}] [FTL] the end\n`]);
});

test("waiting text is bounded: above the bound it is written before the turn ends", () => {
  const { log, writes } = logger();
  for (let i = 0; i < 100; i++) log.notice("x".repeat(1_000));
  expect(writes.length).toBe(1);
});

test("a rate-limited warning is written once", () => {
  const { log, writes } = logger();
  for (let i = 0; i < 5; i++) log.warnRateLimited("slow");
  log.flush();
  expect(writes).toEqual([`[${process.pid}] [WRN] slow\n`]);
});

test("while standard error accepts nothing, lines wait; above the bound they are dropped and counted", async () => {
  let open = false;
  let text = "";
  const write = (bytes: Uint8Array) => {
    if (!open) throw Object.assign(new Error("try again"), { code: "EAGAIN" });
    const take = Math.min(bytes.length, 100_000);
    text += Buffer.from(bytes.subarray(0, take)).toString();
    return take;
  };
  const log = new ServerLogger(style, { stream: { name: "standard error", write, close: () => {} }, colors: false });
  log.notice("first");
  log.flush();
  for (let i = 0; i < 12_000; i++) log.notice("x".repeat(1_000));
  open = true;
  log.flush();
  log.notice("last");
  log.flush();
  const lines = text.trimEnd().split("\n");
  expect(lines[0]).toBe(`[${process.pid}] [INF] first`);
  expect(lines.at(-1)).toBe(`[${process.pid}] [INF] last`);
  const dropped = Number(/(\d+) log lines dropped/.exec(text)?.[1]);
  expect(lines.length - 3 + dropped).toBe(12_000);
  expect(text.length).toBeLessThan(8.5 * 1024 * 1024);
});

test("after an error of standard error the log goes on, and counts the lines that were lost", () => {
  let room = 20;
  let text = "";
  const write = (bytes: Uint8Array) => {
    if (room === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const take = Math.min(room, bytes.length);
    room -= take;
    text += Buffer.from(bytes.subarray(0, take)).toString();
    return take;
  };
  const log = new ServerLogger(style, { stream: { name: "standard error", write, close: () => {} }, colors: false });
  for (const line of ["the line that is cut", "lost", "also lost"]) {
    log.notice(line);
    log.flush();
  }
  room = 1_000;
  log.notice("kept");
  log.flush();
  const cut = `[${process.pid}] [INF] the line that is cut`.slice(0, 20);
  const expected = `${cut}\n[${process.pid}] [WRN] 3 log lines dropped: standard error did not accept them\n[${process.pid}] [INF] kept\n`;
  expect(text).toBe(expected);
});

test("a closed standard error causes no exception", () => {
  let attempts = 0;
  const write = () => {
    attempts++;
    throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
  };
  const log = new ServerLogger(style, { stream: { name: "standard error", write, close: () => {} }, colors: false });
  expect(() => log.fatal("not readable")).not.toThrow();
  expect(() => log.fatal("not readable either")).not.toThrow();
  expect(attempts).toBeGreaterThan(0);
});

test("a subsystem with a level of its own uses it, the others use the switches", () => {
  const { log, writes } = logger({ debug: false, logLevelOverrides: { client: "trace", websocket: "error" } });
  for (const part of ["client", "websocket", "monitor"] as const) {
    const own = log.of(part);
    expect([own.debugEnabled, own.traceEnabled]).toEqual([part === "client", part === "client"]);
    for (const level of ["trace", "debug", "notice", "warn", "error"] as const) own[level](`${part} ${level}`);
  }
  log.flush();
  const shown = writes.join("").match(/(?<=\] )(client|websocket|monitor) \w+/g);
  expect(shown).toEqual([
    "client trace",
    "client debug",
    "client notice",
    "client warn",
    "client error",
    "websocket error",
    "monitor notice",
    "monitor warn",
    "monitor error",
  ]);
});

test("a JSON line is one object, also for text with quotes and line breaks", () => {
  const { log, writes } = logger({ logFormat: "json" });
  log.of("client").error('a "quoted"\nline');
  log.flush();
  expect(JSON.parse(writes[0])).toEqual({
    level: "error",
    pid: process.pid,
    subsystem: "client",
    msg: 'a "quoted"\nline',
  });
  const timed = logger({ logFormat: "json", logTime: true });
  timed.log.notice("x");
  timed.log.flush();
  expect(JSON.parse(timed.writes[0]).time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test("prepared options take effect when they are installed", () => {
  const { log, writes } = logger({ debug: false });
  const install = log.prepare({ ...OPTIONS_DEBUG });
  log.debug("not yet");
  install();
  log.debug("now");
  log.flush();
  expect(writes).toEqual([`[${process.pid}] [DBG] now\n`]);
});

const OPTIONS_DEBUG: LogOptions = { ...LOG_DEFAULTS, debug: true, logTime: false };

test("a destination that cannot be opened is refused with the reference's text, and the log is unchanged", () => {
  const { log, writes } = logger();
  const attempt = (options: Partial<LogOptions>) => () => log.prepare({ ...OPTIONS_DEBUG, ...options });
  expect(attempt({ logFile: "/proc/nonexistent/x.log" })).toThrow(
    "error opening file: open /proc/nonexistent/x.log: no such file or directory",
  );
  expect(attempt({ remoteSyslog: "http://127.0.0.1:514" })).toThrow('error invalid network type: "http"');
  log.notice("still here");
  log.flush();
  expect(writes.join("")).toContain("still here");
});
