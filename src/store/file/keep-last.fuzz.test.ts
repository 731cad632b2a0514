import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { DrivenStore, finish } from "../../../test/store/driven-store.ts";
import { testParts } from "../../../test/store/file-store-parts.ts";
import type { StorePlace } from "../../../test/store/store-kind.ts";
import { Random } from "../../base/random/random.ts";
import { NO_STORE_LIMITS } from "../contract/store-limits.ts";
import { openFileStore } from "./open-file-store.ts";

const START = 1_700_000_000_000_000_000n;
const SUBJECTS = 12;

test("fuzz: a store that keeps the last messages of each subject knows the first and last of each", async () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 12; round++) {
    const disk = new SimulatedDisk({ seed: random.below(2 ** 31) });
    disk.makeDirectory("/S");
    disk.makeDirectory("/S/msgs");
    const parts = testParts(disk);
    const options = { name: "S", directory: "/S", blockBytesMax: 1_000, compressed: false, keys: null, relaxed: null };
    const open: StorePlace["open"] = async (limits, observer) => (await finish(openFileStore(parts, options, limits, observer))).store;
    const most = random.pick([1, 1, 2, 5]);
    const limits = { ...NO_STORE_LIMITS, messagesPerSubjectMax: most };
    const store = await DrivenStore.openAt({ open, kill() {} }, limits);
    const model = new Map<string, number[]>();
    for (let step = 0; step < 400; step++) {
      const where = `SEED=${seed} round=${round} step=${step}`;
      const subject = `s.${random.below(SUBJECTS)}`;
      const kept = model.get(subject) ?? [];
      const roll = random.below(100);
      if (roll < 85) {
        kept.push(await store.append(subject, "", "x".repeat(random.below(60)), START + BigInt(step), 0));
        if (kept.length > most) kept.shift();
        model.set(subject, kept);
      } else if (roll < 95 && kept.length > 0) {
        const [sequence] = kept.splice(random.below(kept.length), 1);
        expect(await store.remove(sequence), where).toBe(true);
        if (kept.length === 0) model.delete(subject);
      }
      if (random.below(3) === 0) store.store.flush();
      const known = [await store.lastOf(subject), store.totalOf(subject), store.state.subjects];
      expect(known, where).toEqual([kept.at(-1) ?? 0, kept.length, model.size]);
    }
    const left = [...model.values()].flat().sort((a, b) => a - b);
    expect(
      (await store.scan(null, 1, 1)).map(({ sequence }) => sequence),
      `SEED=${seed} round=${round}`,
    ).toEqual(left);
    await store.store.close();
    expect(parts.lines, `SEED=${seed} round=${round}`).toEqual([]);
  }
});
