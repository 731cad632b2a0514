import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { FileStoreKind } from "../../../test/store/file-store-kind.ts";
import { fuzzMessageStore } from "../../../test/store/message-store-fuzz.ts";
import { Random } from "../../base/random/random.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 4);

test(
  "fuzz: a file store does what the model does, also when it is opened again",
  async () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    for (let round = 0; round < ROUNDS; round++) {
      const disk = new SimulatedDisk({ seed });
      const kind = FileStoreKind.simulated(disk, random.pick([60, 200, 1_000, 10_000]), random.pick([1, 100_000, 2 ** 28]));
      expect(await fuzzMessageStore(kind, random, 200), `SEED=${seed} round=${round} ${kind.name}`).toBeNull();
    }
  },
  { timeout: 60_000 },
);
