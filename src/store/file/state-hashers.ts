/** Hashers for files that are hashed in parts: each is lent to one file at a time. One pool per server; as many are kept as were needed at once. */
import { RecordHasher } from "../block/record-hasher.ts";

export class StateHashers {
  private readonly free: RecordHasher[] = [];

  lend(): RecordHasher {
    return this.free.pop() ?? new RecordHasher(0);
  }

  giveBack(hasher: RecordHasher): void {
    this.free.push(hasher);
  }
}
