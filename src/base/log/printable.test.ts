import { expect, test } from "bun:test";
import { guardedLog } from "./guarded-log.ts";
import { printable } from "./printable.ts";
import { ServerLogger } from "./server-logger.ts";

test("control characters are escaped; other text, tabs, stacks and a line feed at the end stay", () => {
  expect(printable("a\x00\x1b[2J\x7f\r\nb\u009bc\u2028d")).toBe("a\\x00\\x1b[2J\\x7f\\r\\nb\\u009bc\\u2028d");
  for (const text of ["", "a\tb ü 漢 😀 \\x1b", "Error: a\n    at b\n    at c", "list\n"]) expect(printable(text)).toBe(text);
  expect(printable("Error: a\nb\n    at c")).toBe("Error: a\\nb\n    at c");
});

test("no line of a log has control characters, except the list of a fatal error", () => {
  const written: string[] = [];
  const write = (bytes: Uint8Array) => {
    written.push(Buffer.from(bytes).toString());
    return bytes.length;
  };
  const log = new ServerLogger(
    { debug: true, trace: true, logTime: false },
    { stream: { name: "standard error", write, close() {} }, colors: false },
  );
  for (const level of ["notice", "warn", "error", "debug", "trace", "warnRateLimited"] as const) log[level]("x\x1b\ny");
  log.fatal("one\ntwo\x1b\n");
  log.flush();
  const lines = written.join("").split("\n");
  expect(lines.slice(0, 6).every(line => line.endsWith("x\\x1b\\ny"))).toBe(true);
  expect(lines.slice(6)).toEqual([expect.stringMatching(/one$/), "two\\x1b", ""]);
});

test("the log of an embedding program gets no control characters either", () => {
  const seen: string[] = [];
  const keep = (text: string) => void seen.push(text);
  const log = guardedLog({
    debugEnabled: true,
    traceEnabled: true,
    notice: keep,
    warn: keep,
    error: keep,
    fatal: keep,
    debug: keep,
    trace: keep,
    warnRateLimited: keep,
  });
  log.error("x\x1b");
  log.trace("y\n");
  expect(seen).toEqual(["x\\x1b", "y\n"]);
});
