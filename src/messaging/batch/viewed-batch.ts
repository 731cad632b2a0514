/**
 * A batch whose messages have other subjects: a subscriber of a stream import sees the subjects of its own account.
 *
 * Payloads, headers and replies are not copied; only the new subjects are in a buffer of this object.
 */
import { MESSAGES_MAX, MessageBatch } from "./message-batch.ts";
import type { SubjectView } from "./subscription.ts";

const SUBJECT_BYTES_MIN = 1024;

export class ViewedBatch {
  readonly batch = new MessageBatch(MESSAGES_MAX);
  private subjects = Buffer.allocUnsafe(SUBJECT_BYTES_MIN);

  /**
   * Fills `batch` with messages `from` (inclusive) to `to` (exclusive) of `outer`. Consecutive messages on one subject share its bytes
   * here too. The result borrows the bytes of `outer`.
   */
  fill(outer: MessageBatch, from: number, to: number, view: SubjectView): MessageBatch {
    const { batch } = this;
    batch.clear();
    let size = 0;
    let lastStart = -1;
    let start = 0;
    for (let index = from; index < to; index++) {
      const subjectStart = outer.subjectStart(index);
      const subjectEnd = outer.subjectEnd(index);
      if (subjectStart !== lastStart) {
        lastStart = subjectStart;
        start = size;
        size = this.write(outer, subjectStart, subjectEnd, view, start);
      }
      batch.add(start, size, outer.replyStart(index), outer.replyEnd(index), outer.headerSize(index), outer.start(index), outer.end(index));
    }
    batch.source = outer.source;
    batch.subjectSource = this.subjects;
    batch.sizesText = outer.sizesText;
    batch.originator = outer.originator;
    batch.originCluster = outer.originCluster;
    batch.imported = outer.imported;
    batch.fromClient = outer.fromClient;
    batch.oneReceiver = true;
    return batch;
  }

  /** Writes one subject at `at`, and enlarges the buffer as needed. @returns the offset after it */
  private write(outer: MessageBatch, start: number, end: number, view: SubjectView, at: number): number {
    for (;;) {
      const size = view.write(outer.subjectSource, start, end, this.subjects, at);
      if (size !== -1) return size;
      const grown = Buffer.allocUnsafe(this.subjects.length * 2);
      this.subjects.copy(grown, 0, 0, at);
      this.subjects = grown;
    }
  }
}
