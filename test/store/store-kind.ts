import type { MessageStore, StoreObserver } from "../../src/store/contract/message-store.ts";
import type { StoreLimits } from "../../src/store/contract/store-limits.ts";

/** A kind of store that the contract suite can run against: where its stores are, and in what it differs. */
export interface StoreKind {
  readonly name: string;
  /** A closed store can be opened again at its place. */
  readonly isPersistent: boolean;
  /** A place for a new store. */
  newPlace(): StorePlace;
  /** What a message counts, bytes. */
  sizeOf(subject: string, header: string, payload: string): number;
}

/** Where one store is. */
export interface StorePlace {
  /** Opens a new store, or what the last one left. */
  open(limits: StoreLimits, observer: StoreObserver): Promise<MessageStore>;
  /** Kills the process that has opened the store: it does nothing any more. */
  kill(): void;
}
