import { expect, test } from "bun:test";
import { guardedLog } from "./guarded-log.ts";
import { SILENT } from "./silent-logger.ts";

test("lines reach the program's log, and its levels are asked each time", () => {
  const lines: string[] = [];
  const own = { ...SILENT, debugEnabled: false, notice: (text: string) => void lines.push(text) };
  const log = guardedLog(own);
  log.notice("one");
  own.debugEnabled = true;
  expect([lines, log.debugEnabled, log.traceEnabled]).toEqual([["one"], true, false]);
});

test("an error of the program's log does not reach the caller, but the program as an uncaught error", () => {
  const program = `
    import { guardedLog } from "${import.meta.dir}/guarded-log.ts";
    import { SILENT } from "${import.meta.dir}/silent-logger.ts";
    process.on("uncaughtException", error => console.log("uncaught", error.message));
    guardedLog({ ...SILENT, error() { throw new Error("full disk"); } }).error("line");
    console.log("went on");`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", program]);
  expect(stdout.toString()).toBe("went on\nuncaught full disk\n");
});
