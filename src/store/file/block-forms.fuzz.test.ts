import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { DrivenStore, finish } from "../../../test/store/driven-store.ts";
import { type TestParts, testEncryption, testParts } from "../../../test/store/file-store-parts.ts";
import type { StoreKind, StorePlace } from "../../../test/store/store-kind.ts";
import { Random } from "../../base/random/random.ts";
import type { StoreCipher, StoreEncryption } from "../block/encryption.ts";
import { StreamKeys } from "../block/stream-keys.ts";
import { NO_STORE_LIMITS } from "../contract/store-limits.ts";
import type { FileStore } from "./file-store.ts";
import { openFileStore } from "./open-file-store.ts";

const START = 1_700_000_000_000_000_000n;
const BLOCK_BYTES = 2_000;
const CIPHERS: readonly (StoreCipher | null)[] = [null, "chacha", "aes"];

/** The form that a store is opened with; it may change while the store is closed. */
interface Form {
  encryption: StoreEncryption | null;
  compressed: boolean;
}

function kindOf(disk: SimulatedDisk, parts: TestParts, form: Form): StoreKind {
  const open: StorePlace["open"] = async (limits, observer) => {
    const keys = form.encryption === null ? null : new StreamKeys(form.encryption, "$G", "S");
    const options = { name: "S", directory: "/S", blockBytesMax: BLOCK_BYTES, compressed: form.compressed, keys, relaxed: null };
    return (await finish(openFileStore(parts, options, limits, observer))).store;
  };
  disk.makeDirectory("/S");
  disk.makeDirectory("/S/msgs");
  return { name: "file store", isPersistent: true, newPlace: () => ({ open, kill() {} }), sizeOf: () => 0 };
}

for (const cipher of CIPHERS) {
  for (const compressed of [false, true]) {
    test(`fuzz: a file store keeps what it was given: ${cipher ?? "plain"}${compressed ? ", compressed" : ""}`, async () => {
      const seed = seedFromEnv();
      const random = new Random(seed);
      for (let round = 0; round < 6; round++) {
        const disk = new SimulatedDisk({ seed: random.below(2 ** 31) });
        const parts = testParts(disk, random.pick([5_000, 1_000_000]));
        const form: Form = { encryption: cipher === null ? null : testEncryption(cipher, "secret"), compressed };
        const store = await DrivenStore.open(kindOf(disk, parts, form), NO_STORE_LIMITS);
        const model = new Map<number, string>();
        let last = 0;
        for (let step = 0; step < 120; step++) {
          const where = `SEED=${seed} round=${round} step=${step}`;
          const roll = random.below(100);
          const any = random.below(last + 2);
          if (roll < 70) {
            const payload = `${random.below(10)}`.repeat(random.below(random.pick([10, 200, 3_000])));
            last = await store.append(`s.${random.below(5)}`, "", payload, START + BigInt(last), 0);
            model.set(last, payload);
          } else if (roll < 80) {
            expect(await store.remove(any), where).toBe(model.delete(any));
          } else if (roll < 90) {
            expect(await store.erase(any), where).toBe(model.delete(any));
          } else if (roll < 92) {
            await store.truncate(any);
            for (const sequence of model.keys()) if (sequence > any) model.delete(sequence);
            last = Math.min(last, any);
          } else if (roll < 94) {
            await store.compact(any);
            for (const sequence of model.keys()) if (sequence < any) model.delete(sequence);
          } else if (roll < 97) await (store.store as FileStore).tidy();
          else await store.reopen();
          store.store.flush();
          expect([step, store.state.messages, store.state.lastSequence], where).toEqual([step, model.size, last]);
        }
        for (const [sequence, payload] of model) expect((await store.load(sequence))?.payload, `SEED=${seed}`).toBe(payload);
        await store.reopen();
        for (const [sequence, payload] of model) expect((await store.load(sequence))?.payload, `SEED=${seed}`).toBe(payload);
        await store.store.close();
        expect(parts.lines, `SEED=${seed} round=${round}`).toEqual([]);
      }
    });
  }
}
