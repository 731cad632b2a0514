import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey } from "./byte-hash.ts";
import { BytesMap } from "./bytes-map.ts";

test("fuzz: a map with keys of bytes works like a Map with texts, also if all hashes are equal", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (const collides of [false, true]) {
    const map = new BytesMap<number>(new HashKey(1, 2));
    // A Map of the engine that has one number for all keys.
    if (collides) Object.assign(map, { nodes: new SameKeyMap() });
    const model = new Map<string, number>();
    for (let round = 0; round < 5_000; round++) {
      const message = `SEED=${seed} collides=${collides} round=${round}`;
      const text = `${random.below(60)}`;
      const source = Buffer.from(`x${text}x`);
      expect(map.get(source, 1, source.length - 1), message).toBe(model.get(text)!);
      if (random.chance(0.5)) {
        map.set(Buffer.from(text), round);
        model.set(text, round);
      } else {
        expect(map.delete(Buffer.from(text)), message).toBe(model.delete(text));
      }
      if (random.chance(0.001)) {
        map.clear();
        model.clear();
      }
      expect(map.size, message).toBe(model.size);
      if (round % 100 === 0) expect([...map.values()].sort(), message).toEqual([...model.values()].sort());
    }
  }
});

class SameKeyMap<V> extends Map<number, V> {
  override get(_key: number): V | undefined {
    return super.get(0);
  }
  override set(_key: number, value: V): this {
    return super.set(0, value);
  }
  override delete(_key: number): boolean {
    return super.delete(0);
  }
}

test("values come in the order in which their keys were added, without those that are deleted meanwhile", () => {
  const map = new BytesMap<string>(HashKey.secret());
  for (const text of ["a", "b", "c", "d"]) map.set(Buffer.from(text), text);
  const seen: string[] = [];
  for (const value of map.values()) {
    seen.push(value);
    if (value === "a") map.delete(Buffer.from("b"));
  }
  expect(seen).toEqual(["a", "c", "d"]);
});
