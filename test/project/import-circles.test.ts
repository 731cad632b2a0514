/** No file of `src/` imports itself through others, type imports included: every file can be read from the bottom up. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const source = join(import.meta.dir, "../../src");

/** Files of `src/`, and the files that each imports. */
function importGraph(): Map<string, readonly string[]> {
  const graph = new Map<string, readonly string[]>();
  for (const file of new Bun.Glob("**/*.ts").scanSync(source)) {
    if (file.endsWith(".test.ts")) continue;
    const imports = readFileSync(join(source, file), "utf8").matchAll(/(?:from|import|require)\s*\(?\s*"(\.[^"]+)"/g);
    graph.set(
      file,
      [...imports].map(([, target]) => normalize(join(dirname(file), target!))),
    );
  }
  return graph;
}

/** The circle of imports from a file back to itself; null when there is none. */
function circleOf(start: string, graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const from = new Map<string, string>();
  const waiting = [start];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const next of graph.get(file) ?? []) {
      if (from.has(next)) continue;
      from.set(next, file);
      if (next !== start) {
        waiting.push(next);
        continue;
      }
      const way = [start];
      for (let back = file; back !== start; back = from.get(back)!) way.unshift(back);
      return [start, ...way];
    }
  }
  return null;
}

test("imports of src form no circle", () => {
  const graph = importGraph();
  const circles = [...graph.keys()].map(file => circleOf(file, graph)?.join(" → "));
  expect(circles.filter(circle => circle !== undefined)).toEqual([]);
});
