/** What all file stores of a server share. */
import type { Disk } from "../../base/disk/disk.ts";
import type { Job } from "../../base/scheduling/job.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { HashKey as SubjectKey } from "../../messaging/subject/byte-hash.ts";
import type { BlockCache } from "../block/block-cache.ts";
import type { BlockCodec } from "../block/block-codec.ts";
import type { OpenFiles } from "../block/open-files.ts";
import type { RecordHasher } from "../block/record-hasher.ts";
import type { RewriteTurns } from "../block/rewrite-turns.ts";
import type { StagingArena } from "../block/staging-arena.ts";
import type { StreamKeys } from "../block/stream-keys.ts";
import type { RelaxedSync } from "../commit/commit-line.ts";
import type { CommitService } from "../commit/commit-service.ts";
import type { SpaceReserve } from "./space-reserve.ts";
import type { StateHashers } from "./state-hashers.ts";

export interface StoreParts {
  readonly disk: Disk;
  readonly hasher: RecordHasher;
  readonly staging: StagingArena;
  readonly cache: BlockCache;
  readonly codec: BlockCodec;
  readonly rewriteTurns: RewriteTurns;
  readonly files: OpenFiles;
  readonly commits: CommitService;
  readonly reserve: SpaceReserve;
  readonly stateHashers: StateHashers;
  readonly meter: WorkMeter;
  /** Of subject tables; secret because clients choose subjects. */
  readonly subjectKey: SubjectKey;
  /** Fills bytes with random ones, for messages that are erased. */
  fillRandom(target: Uint8Array): void;
  /** Runs a job under the scheduler. */
  run<T>(job: Job<T>): Promise<T>;
  readonly log: { notice(text: string): void; warn(text: string): void; error(text: string): void };
}

/** How a store is opened. */
export interface StoreOptions {
  /** Name of the stream; part of the keys of checksums. */
  readonly name: string;
  /** The stream's directory; blocks are in `msgs/` below it. */
  readonly directory: string;
  /** Most bytes of a block; a single larger record has a block of its own. */
  readonly blockBytesMax: number;
  /** Complete blocks are compressed with S2. Other blocks are read too, and may be changed later. */
  readonly compressed: boolean;
  /** null: files are not encrypted. */
  readonly keys: StreamKeys | null;
  /** null: every change is durable before it is answered. */
  readonly relaxed: RelaxedSync | null;
}
