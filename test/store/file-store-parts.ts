/** What file stores of a test share, without a server: jobs run to their end at once, nothing is logged but kept. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../src/base/clock/clock.ts";
import type { Disk } from "../../src/base/disk/disk.ts";
import { WorkMeter } from "../../src/base/scheduling/work-meter.ts";
import { HashKey } from "../../src/messaging/subject/byte-hash.ts";
import { BlockCache } from "../../src/store/block/block-cache.ts";
import { BlockCodec } from "../../src/store/block/block-codec.ts";
import { type StoreCipher, StoreEncryption } from "../../src/store/block/encryption.ts";
import { OpenFiles } from "../../src/store/block/open-files.ts";
import { RecordHasher } from "../../src/store/block/record-hasher.ts";
import { RewriteTurns } from "../../src/store/block/rewrite-turns.ts";
import { StagingArena, stagingBytes } from "../../src/store/block/staging-arena.ts";
import { StoreSecret } from "../../src/store/block/store-secret.ts";
import { CommitService } from "../../src/store/commit/commit-service.ts";
import { SpaceReserve } from "../../src/store/file/space-reserve.ts";
import { StateHashers } from "../../src/store/file/state-hashers.ts";
import type { StoreParts } from "../../src/store/file/store-parts.ts";
import { FakeClock } from "../doubles/fake-clock.ts";
import { finish } from "./driven-store.ts";

export interface TestParts extends StoreParts {
  /** Warnings and errors. */
  readonly lines: string[];
}

/**
 * A few kernels for all tests of a process, used in turn: making the memory of one lets the runtime collect garbage, which takes a second in a
 * large process. The staging space of a store that was killed is not used again before this many other stores were opened.
 */
const KERNELS = 16;
const hashers: RecordHasher[] = [];
let opened = 0;

function nextHasher(): RecordHasher {
  const index = opened++ % KERNELS;
  hashers[index] ??= new RecordHasher(stagingBytes(2));
  return hashers[index];
}

/** The same for files that are hashed in parts. */
const STATE_KERNELS = 8;
const stateHashers: RecordHasher[] = [];
let lent = 0;

function nextStateHasher(): RecordHasher {
  const index = lent++ % STATE_KERNELS;
  stateHashers[index] ??= new RecordHasher(0);
  return stateHashers[index];
}

/** It keeps nothing between two calls. */
const codec = new BlockCodec(nextHasher());

/** @param cacheBytesMax bytes of blocks in memory @param clock without one, time stands still: a store that a test leaves open does nothing later */
export function testParts(disk: Disk, cacheBytesMax = 64 * 1024 * 1024, clock: Clock = new FakeClock()): TestParts {
  const hasher = nextHasher();
  const lines: string[] = [];
  const line = (text: string) => void lines.push(text);
  return {
    disk,
    hasher,
    staging: new StagingArena(hasher),
    cache: new BlockCache(clock, cacheBytesMax),
    codec,
    rewriteTurns: new RewriteTurns(),
    files: new OpenFiles(disk, 16),
    commits: new CommitService(clock, 2),
    reserve: new SpaceReserve(disk, "/"),
    stateHashers: new StateHashers(nextStateHasher),
    meter: new WorkMeter(),
    subjectKey: new HashKey(1, 2),
    fillRandom: target => void target.set(randomBytes(target.length)),
    run: finish,
    log: { notice: () => {}, warn: line, error: line },
    lines,
  };
}

const encryptions = new Map<string, StoreEncryption>();

export function testEncryption(cipher: StoreCipher, secret: string, previous: string | null = null): StoreEncryption {
  const name = JSON.stringify([cipher, secret, previous]);
  const made = encryptions.get(name);
  if (made !== undefined) return made;
  const encryption = new StoreEncryption(
    cipher,
    new StoreSecret(secret),
    previous === null ? null : new StoreSecret(previous),
    randomBytes,
  );
  encryptions.set(name, encryption);
  return encryption;
}
