/** Why a watch is refused; the texts are the reference's. */
export enum WatchError {
  InvalidSubject = "sublist: invalid subject",
  AlreadyRegistered = "sublist: notification already registered",
}

/** Told whether there is a subscription to exactly the watched subject (and queue). */
export type InterestListener = (interested: boolean) => void;

interface Watch {
  interested: boolean;
  readonly listeners: Set<InterestListener>;
}

/**
 * Tells listeners when interest in an exact subject begins and ends: for internal services that work only while there are subscribers.
 *
 * Keyed by text, as changes of watched subjects are rare. A listener may subscribe, unsubscribe and stop watching while it is called.
 */
export class InterestWatch {
  private readonly watches = new Map<string, Watch>();

  get isEmpty(): boolean {
    return this.watches.size === 0;
  }

  /**
   * Calls the listener with the present state, then at each change.
   * @returns call it to stop
   * @throws Error with `WatchError.AlreadyRegistered` when the same listener watches the same already
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

  /** The first entry was added, or the last one removed. */
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

/** Separated by a space, which no subject contains. One character per byte, so that different bytes give different keys. */
function keyOf(subject: Uint8Array, queue: Uint8Array | null): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  return queue === null ? text(subject) : `${text(subject)} ${text(queue)}`;
}
