import { latin1 } from "../../base/bytes/ascii.ts";

/** Why a watch is refused; the texts are the reference's. */
export enum WatchError {
  InvalidSubject = "sublist: invalid subject",
  AlreadyRegistered = "sublist: notification already registered",
}

/** Called with whether a subscription to exactly the watched subject (and queue) exists. */
export type InterestListener = (interested: boolean) => void;

interface Watch {
  interested: boolean;
  readonly listeners: Set<InterestListener>;
}

/**
 * Notifies listeners when interest in an exact subject begins and ends. Internal services use it to work only while there are subscribers.
 *
 * Keys are strings, because watched subjects rarely change. A listener may subscribe, unsubscribe and end its watch while it is called.
 */
export class InterestWatch {
  private readonly watches = new Map<string, Watch>();

  get isEmpty(): boolean {
    return this.watches.size === 0;
  }

  /**
   * Calls the listener with the current state, then at each change.
   * @returns a function that ends the watch
   * @throws Error with `WatchError.AlreadyRegistered` if the listener already watches the same subject and queue
   */
  add(subject: Uint8Array, queue: Uint8Array | null, interested: boolean, listener: InterestListener): () => void {
    const key = keyOf(subject, queue);
    let watch = this.watches.get(key);
    if (watch === undefined) {
      watch = { interested, listeners: new Set() };
      this.watches.set(key, watch);
    }
    if (watch.listeners.has(listener)) throw new Error(WatchError.AlreadyRegistered);
    watch.listeners.add(listener);
    listener(interested);
    return () => this.drop(key, watch, listener);
  }

  /** Called after the first entry was added or the last one was removed. */
  changed(subject: Uint8Array, queue: Uint8Array | null, interested: boolean): void {
    const watch = this.watches.get(keyOf(subject, queue));
    if (watch === undefined || watch.interested === interested) return;
    watch.interested = interested;
    for (const listener of [...watch.listeners]) listener(interested);
  }

  private drop(key: string, watch: Watch, listener: InterestListener): void {
    watch.listeners.delete(listener);
    if (watch.listeners.size === 0 && this.watches.get(key) === watch) this.watches.delete(key);
  }
}

/** Subject and queue, separated by a space, which no subject contains. One character per byte, so that different bytes give different keys. */
function keyOf(subject: Uint8Array, queue: Uint8Array | null): string {
  const text = (bytes: Uint8Array) => latin1(bytes, 0, bytes.length);
  return queue === null ? text(subject) : `${text(subject)} ${text(queue)}`;
}
