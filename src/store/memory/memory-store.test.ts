import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { fuzzMessageStore } from "../../../test/store/message-store-fuzz.ts";
import { describeMessageStore } from "../../../test/store/message-store-rules.ts";
import type { StoreKind } from "../../../test/store/store-kind.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey } from "../../messaging/subject/byte-hash.ts";
import { ChunkPool } from "./chunk-pool.ts";
import { MemoryStore } from "./memory-store.ts";

const pool = new ChunkPool();

const MEMORY: StoreKind = {
  name: "memory store",
  isPersistent: false,
  newPlace: () => ({ open: async (limits, observer) => new MemoryStore(limits, observer, new HashKey(1, 2), pool), kill() {} }),
  sizeOf: (subject, header, payload) => Buffer.byteLength(subject) + header.length + payload.length + 16,
};

describeMessageStore(MEMORY);

test("fuzz: a memory store does what the model does", async () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 4; round++) expect(await fuzzMessageStore(MEMORY, random, 300), `SEED=${seed} round=${round}`).toBeNull();
}, 60_000);
