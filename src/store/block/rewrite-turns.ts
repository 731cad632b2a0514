/** Lets one block of the server be rewritten at a time: the memory that this takes is that of one block, and publishing keeps most of the processor. */
export class RewriteTurns {
  private last: Promise<void> = Promise.resolve();

  /** Calls `work` when all that came before is complete, also with an error. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.then(
      () => {},
      () => {},
    );
    return result;
  }
}
