/**
 * Reads the ids of the messages that a stream stored within its window, when the stream starts: they keep their deadlines over a restart. Ids of
 * messages that were deleted since, or that took a sequence without being stored, are not known any more, as in the reference.
 * Source: reference, jetstream §4.2.
 */
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import { HeaderKey, headerText, headerValue, headerValueEnd } from "../../messaging/header/header-read.ts";
import { Message } from "../../store/contract/message.ts";
import { COLD, type MessageStore, Read } from "../../store/contract/message-store.ts";
import type { MessageIds } from "./message-ids.ts";

const MESSAGE_ID = new HeaderKey("Nats-Msg-Id");

/**
 * Remembers the ids of messages up to a sequence, ascending. No other id may be remembered until it ends.
 * @param windowNs nanoseconds before `now` where it begins; 0: nothing is remembered
 * @param last the store's last sequence
 */
export function* recallIds(store: MessageStore, ids: MessageIds, windowNs: bigint, now: bigint, last: number): Job<void> {
  if (windowNs === 0n) return;
  const since = new Nanoseconds().setBigInt(now - windowNs);
  const time = new Nanoseconds();
  const message = new Message();
  const pace = new Pace();
  let first = store.sequenceAt(since.high, since.low);
  while (first === COLD) {
    yield store.warm();
    first = store.sequenceAt(since.high, since.low);
  }
  const scan = store.scan(null, first);
  while (scan.position <= last) {
    const read = scan.step(message);
    if (read === Read.Missing) return;
    if (read === Read.Cold) yield store.warm();
    else if (read === Read.Found && message.sequence <= last) {
      const { header, headerEnd, headerStart, sequence, timeHigh, timeLow } = message;
      const start = headerStart === headerEnd ? -1 : headerValue(header, headerStart, headerEnd, MESSAGE_ID);
      if (start !== -1) {
        const end = headerValueEnd(header, start, headerEnd);
        if (end > start) ids.remember(header, start, end, sequence, time.set(timeHigh, timeLow));
      }
    }
    if (read === Read.Paused || pace.due()) yield PAUSE;
  }
}

/** The id of one message; empty: it has none, or is not there. */
export function* messageIdAt(store: MessageStore, sequence: number): Job<string> {
  const message = new Message();
  let read = store.load(sequence, message);
  while (read === Read.Cold) {
    yield store.warm();
    read = store.load(sequence, message);
  }
  if (read !== Read.Found || message.headerSize === 0) return "";
  return headerText(message.header, message.headerStart, message.headerEnd, MESSAGE_ID) ?? "";
}
