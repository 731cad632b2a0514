import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { EntryList } from "./entry-list.ts";

test("fuzz: a list keeps its order while it grows and shrinks between array and Set, and snapshots do not change", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const list = new EntryList<number>();
  const model: number[] = [];
  let kept: { snapshot: readonly number[]; copy: number[] } = { snapshot: [], copy: [] };
  for (let round = 0; round < 12_000; round++) {
    const message = `SEED=${seed} round=${round}`;
    const growing = Math.floor(round / 1_500) % 2 === 0;
    if (random.chance(growing ? 0.7 : 0.3)) {
      list.add(round);
      model.push(round);
    } else if (model.length > 0) {
      const [gone] = model.splice(random.below(model.length), 1);
      expect(list.remove(gone), message).toBe(true);
      expect(list.remove(gone), message).toBe(false);
    }
    expect(list.size, message).toBe(model.length);
    if (random.chance(0.1)) {
      expect(kept.snapshot, message).toEqual(kept.copy);
      kept = { snapshot: list.snapshot(), copy: [...model] };
      expect(kept.snapshot, message).toEqual(model);
    }
  }
});
