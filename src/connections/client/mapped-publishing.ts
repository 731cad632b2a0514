/** Messages that the account's mappings send to another subject. */
import { type MessageBatch, STRIDE_SHIFT, SUBJECT_END, SUBJECT_START } from "../../messaging/batch/message-batch.ts";
import { isJetStreamSubject } from "../../messaging/subject/jetstream-subject.ts";
import type { Client } from "./client.ts";

/** All messages of the batch go to that subject. */
export function moveSubjects(batch: MessageBatch, mapped: Buffer): void {
  const { fields } = batch;
  for (let index = 0; index < batch.count; index++) {
    const field = index << STRIDE_SHIFT;
    fields[field + SUBJECT_START] = 0;
    fields[field + SUBJECT_END] = mapped.length;
  }
  batch.subjectSource = mapped;
  batch.namesBytesMax += mapped.length;
}

/** Adds message `index` to an empty batch, under its mapped subject. @returns the mapped subject; null: it is not mapped */
export function takeMapped(client: Client, batch: MessageBatch, index: number, single: MessageBatch): Buffer | null {
  const start = batch.subjectStart(index);
  const end = batch.subjectEnd(index);
  const mapped = client.account.mappings?.select(batch.subjectSource, start, end) ?? null;
  single.source = batch.source;
  single.subjectSource = mapped ?? batch.subjectSource;
  single.sizesText = batch.sizesText;
  single.originator = batch.originator;
  single.fromClient = batch.fromClient;
  single.wasForJetStream = isJetStreamSubject(batch.subjectSource, start, end);
  single.add(
    mapped === null ? start : 0,
    mapped === null ? end : mapped.length,
    batch.replyStart(index),
    batch.replyEnd(index),
    batch.headerSize(index),
    batch.start(index),
    batch.end(index),
  );
  return mapped;
}

/** Empties `single`. The wait for its slow receivers is moved to `batch`, so that they stall the publisher. */
export function giveBack(single: MessageBatch, batch: MessageBatch): void {
  batch.takeStall(single);
  single.clear();
}
