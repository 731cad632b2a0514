/** What all file stores of a server share. */
import type { Disk } from "../../base/disk/disk.ts";
import type { Job } from "../../base/scheduling/job.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { HashKey as SubjectKey } from "../../messaging/subject/byte-hash.ts";
import type { BlockCache } from "../block/block-cache.ts";
import type { OpenFiles } from "../block/open-files.ts";
import type { RecordHasher } from "../block/record-hasher.ts";
import type { StagingArena } from "../block/staging-arena.ts";
import type { RelaxedSync } from "../commit/commit-line.ts";
import type { CommitService } from "../commit/commit-service.ts";

export interface StoreParts {
  readonly disk: Disk;
  readonly hasher: RecordHasher;
  readonly staging: StagingArena;
  readonly cache: BlockCache;
  readonly files: OpenFiles;
  readonly commits: CommitService;
  readonly meter: WorkMeter;
  /** Of subject tables; secret because clients choose subjects. */
  readonly subjectKey: SubjectKey;
  /** Fills bytes with random ones, for messages that are erased. */
  fillRandom(target: Uint8Array): void;
  /** Runs a job under the scheduler. */
  run<T>(job: Job<T>): Promise<T>;
  readonly log: { warn(text: string): void; error(text: string): void };
}

/** How a store is opened. */
export interface StoreOptions {
  /** Name of the stream; part of the keys of checksums. */
  readonly name: string;
  /** The stream's directory; blocks are in `msgs/` below it. */
  readonly directory: string;
  /** Most bytes of a block; a single larger record has a block of its own. */
  readonly blockBytesMax: number;
  readonly compressed: boolean;
  /** null: every change is durable before it is answered. */
  readonly relaxed: RelaxedSync | null;
}
