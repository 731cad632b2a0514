/** Clocks are passed in: only base/clock reads the runtime's, so that tests and simulations can replace it. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const source = join(import.meta.dir, "../../src");
const DIRECT = /\bDate\.now\b|\bperformance\.|\bnew Date\(\)|\bDate\(\)|\bBun\.(nanoseconds|sleep)\b|\bhrtime\b|\bset(Timeout|Interval)\(/;

/** Without comments. Texts in quotes stay: none of them may look like these calls. */
function codeIn(text: string): string[] {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, comment => "\n".repeat(comment.split("\n").length - 1))
    .split("\n")
    .map(line => line.replace(/(^|\s)\/\/.*/, ""));
}

test("only base/clock reads clocks and sets timers of the runtime", () => {
  const direct: string[] = [];
  for (const file of new Bun.Glob("**/*.ts").scanSync(source)) {
    if (file.startsWith("base/clock/") || file.endsWith(".test.ts")) continue;
    for (const [index, line] of codeIn(readFileSync(join(source, file), "utf8")).entries()) {
      if (DIRECT.test(line)) direct.push(`${file}:${index + 1}: ${line.trim()}`);
    }
  }
  expect(direct).toEqual([]);
});

test("the search finds every way to read the time", () => {
  const ways = [
    "Date.now()",
    "performance.now()",
    "new Date()",
    "Bun.nanoseconds()",
    "process.hrtime()",
    "setTimeout(f, 1)",
    "setInterval(f)",
  ];
  for (const way of ways) expect(DIRECT.test(codeIn(`const x = ${way};`)[0]!), way).toBe(true);
  for (const other of ["new Date(now)", "clock.now()", "/* Date.now() */", "x(); // setTimeout()", "clearTimeout(timer)"])
    expect(DIRECT.test(codeIn(other)[0]!), other).toBe(false);
});
