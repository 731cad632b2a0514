/**
 * The layers of `src/`: sixteen parts, each with its folders. Imports point downwards only, from part to part and, within a part, from
 * folder to folder. Tests may import anything.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const source = join(import.meta.dir, "../../src");

/** Parts from the bottom up, and the folders of each from the bottom up. A part without folders holds files only. */
const PARTS: Record<string, string[]> = {
  base: ["assert", "runtime", "bytes", "clock", "random", "scheduling", "compression", "crypto", "go", "disk", "keys", "log"],
  messaging: ["subject", "header", "mapping", "trace", "batch", "fanout"],
  wire: ["protocol", "transport"],
  raft: ["wire", "log", "core"],
  store: ["contract", "sequences", "expiry", "subjects", "block", "commit", "memory", "file"],
  access: ["jwt", "permission"],
  accounts: ["trade", "account"],
  services: [],
  auth: ["users", "operator", "callout"],
  jetstream: ["error", "config", "stream", "consumer", "mirror", "account", "api"],
  connections: ["link", "client", "route", "gateway", "leaf", "mqtt"],
  cluster: ["interest", "metagroup"],
  config: ["language", "schema"],
  operations: ["http", "monitor", "system"],
  server: ["shard", "process"],
  cli: [],
};

/** Folders of one part that must not import each other, although `PARTS` lists one above the other. */
const SIBLINGS: Record<string, string[]> = { connections: ["client", "route", "gateway", "leaf", "mqtt"] };

interface Place {
  part: string;
  folder: string;
}

/** Part and folder of a file; null for the two entry points, which may import anything. */
function placeOf(file: string): Place | null {
  const [part, folder, ...rest] = file.split("/");
  if (folder === undefined) return null;
  return { part: part!, folder: rest.length === 0 ? "" : folder };
}

function isDownward(from: Place, to: Place): boolean {
  const parts = Object.keys(PARTS);
  if (from.part !== to.part) return parts.indexOf(from.part) > parts.indexOf(to.part);
  if (from.folder === to.folder) return true;
  const siblings = SIBLINGS[from.part] ?? [];
  if (siblings.includes(from.folder) && siblings.includes(to.folder)) return false;
  const folders = PARTS[from.part]!;
  return folders.indexOf(from.folder) > folders.indexOf(to.folder);
}

const filesIn = (folder: string) => [...new Bun.Glob("**/*.ts").scanSync(folder)].filter(file => !file.endsWith(".test.ts"));

test("every file of src stands in a folder that the layout names", () => {
  const elsewhere = filesIn(source).filter(file => {
    const place = placeOf(file);
    return place !== null && !(place.folder === "" ? place.part in PARTS : PARTS[place.part]?.includes(place.folder));
  });
  expect(elsewhere).toEqual([]);
});

test("imports point downwards only, part by part and folder by folder", () => {
  const upward: string[] = [];
  for (const file of filesIn(source)) {
    const from = placeOf(file);
    if (from === null) continue;
    for (const [, target] of readFileSync(join(source, file), "utf8").matchAll(/(?:from|import|require)\s*\(?\s*"(\.[^"]+)"/g)) {
      const path = normalize(join(dirname(file), target!));
      const to = placeOf(path);
      if (to !== null && isDownward(from, to)) continue;
      upward.push(`${file} → ${path}`);
    }
  }
  expect(upward).toEqual([]);
});
