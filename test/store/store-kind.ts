import type { MessageStore, StoreObserver } from "../../src/store/contract/message-store.ts";
import type { StoreLimits } from "../../src/store/contract/store-limits.ts";

/** A store that the contract suite can run against: how to open it, and in what it differs. */
export interface StoreKind {
  readonly name: string;
  open(limits: StoreLimits, observer: StoreObserver): Promise<MessageStore>;
  /** Opens what a closed store left; null: it leaves nothing. */
  readonly reopen: ((limits: StoreLimits, observer: StoreObserver) => Promise<MessageStore>) | null;
  /** What a message counts, bytes. */
  sizeOf(subject: string, header: string, payload: string): number;
}
