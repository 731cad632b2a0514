import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey } from "./byte-hash.ts";
import { BytesMap } from "./bytes-map.ts";

test("fuzz: with few keys and with many, it holds what a Map with texts as keys holds", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const map = new BytesMap<number>(HashKey.secret());
  const model = new Map<string, number>();
  for (let step = 0; step < 60_000; step++) {
    const text = `key.${random.below(12_000)}`;
    const bytes = Buffer.from(text);
    if (random.below(3) > 0) {
      map.set(bytes, step);
      model.set(text, step);
    } else expect(map.delete(bytes), `SEED=${seed}`).toBe(model.delete(text));
    const other = `key.${random.below(12_000)}`;
    const source = Buffer.from(`<${other}>`);
    expect(map.get(source, 1, source.length - 1), `SEED=${seed}`).toBe(model.get(other));
  }
  expect(map.size, `SEED=${seed}`).toBe(model.size);
  expect(map.size).toBeGreaterThan(4_096); // it has become large
  const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
  expect(sorted(map.values()), `SEED=${seed}`).toEqual(sorted(model.values()));
  map.clear();
  expect([map.size, [...map.values()]]).toEqual([0, []]);
});
