/**
 * Hashers for files that are hashed in parts. Each is lent to one file at a time, and few exist, however many files are written at once: the others
 * wait. One pool per server.
 */
import type { Job } from "../../base/scheduling/job.ts";
import { RecordHasher } from "../block/record-hasher.ts";

const HASHERS_MAX = 4;

export class StateHashers {
  private readonly free: RecordHasher[] = [];
  private lent = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly make: () => RecordHasher = () => new RecordHasher(0)) {}

  /** Waits until one is free. The caller gives it back. */
  *lend(): Job<RecordHasher> {
    while (this.lent === HASHERS_MAX) yield new Promise<void>(resolve => this.waiting.push(resolve));
    this.lent++;
    return this.free.pop() ?? this.make();
  }

  giveBack(hasher: RecordHasher): void {
    this.free.push(hasher);
    this.lent--;
    this.waiting.shift()?.();
  }
}
