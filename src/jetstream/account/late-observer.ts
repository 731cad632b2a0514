/** Observes a store while it is opened, before its stream exists. What it hears in that time is told to the stream when there is one. */
import type { MessageStore, RemovalReason, StoreObserver } from "../../store/contract/message-store.ts";

export class LateObserver implements StoreObserver {
  private observer: StoreObserver | null = null;
  private failure: { readonly error: Error; readonly canRecover: boolean } | null = null;

  /** Tells the stream what the store uses, and whether it failed meanwhile. */
  attach(store: MessageStore, observer: StoreObserver): MessageStore {
    const { failure } = this;
    const { bytes, messages } = store.state;
    this.observer = observer;
    if (messages > 0) observer.onUsage(messages, bytes);
    if (failure !== null) observer.onFailure(failure.error, failure.canRecover);
    return store;
  }

  onUsage(messages: number, bytes: number): void {
    this.observer?.onUsage(messages, bytes);
  }

  onRemoved(sequence: number, subject: Uint8Array, start: number, end: number, reason: RemovalReason): void {
    this.observer?.onRemoved(sequence, subject, start, end, reason);
  }

  onRemovedBelow(sequence: number): void {
    this.observer?.onRemovedBelow(sequence);
  }

  onDurable(): void {
    this.observer?.onDurable();
  }

  onFailure(error: Error, canRecover: boolean): void {
    if (this.observer === null) this.failure = { error, canRecover };
    else this.observer.onFailure(error, canRecover);
  }

  onResumed(): void {
    this.failure = null;
    this.observer?.onResumed();
  }
}
