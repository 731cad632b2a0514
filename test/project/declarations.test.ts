/** types/index.d.ts, the types that the package ships. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { DECLARATIONS, declarationsText } from "../../scripts/declarations.ts";

test("types/index.d.ts is current; `bun run types` writes it", () => {
  expect(readFileSync(DECLARATIONS, "utf8") === declarationsText(), "run `bun run types`").toBe(true); // a diff would be long
}, 120_000);

test("the types refer to nothing of Bun, Node or the sources", () => {
  const text = readFileSync(DECLARATIONS, "utf8").replace(/\/\*\*.*?\*\//gs, "");
  expect(text.match(/\b(?:Buffer|Bun|NodeJS|node:|bun-types|import)\b.*/g)).toBeNull();
});
