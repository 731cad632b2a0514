/** The copy of a stored message that a stream publishes again. Source: reference, jetstream §5.3. */
import type { Random } from "../../base/random/random.ts";
import { isReservedDestination } from "../../messaging/subject/jetstream-subject.ts";
import { isValidLiteral } from "../../messaging/subject/subject.ts";
import type { Message } from "../../store/contract/message.ts";
import { LAST_SEQUENCE, MESSAGE_SIZE, type PlaceHeader } from "./place-header.ts";
import type { RepublishRule } from "./publish-rules.ts";

/** Subject of the copy; null: the rule does not cover the message. */
export function republishedSubject({ transform }: RepublishRule, message: Message, random: Random): Uint8Array | null {
  const { subject, subjectEnd, subjectStart } = message;
  if (!isValidLiteral(subject, subjectStart, subjectEnd)) return null;
  const target = new Uint8Array(transform.resultBytesMax(subjectEnd - subjectStart));
  const end = transform.transform(subject, subjectStart, subjectEnd, target, 0, random);
  return end === -1 ? null : target.subarray(0, end);
}

/** Whether a copy may be published on a subject. */
export function mayRepublish(subject: Uint8Array): boolean {
  return isValidLiteral(subject, 0, subject.length) && !isReservedDestination(subject, 0, subject.length);
}

/** @param lastSequence of the same subject before this message; 0: none */
export function republishedHeader(place: PlaceHeader, message: Message, lastSequence: number, headersOnly: boolean): Uint8Array {
  const block = Buffer.allocUnsafe(place.bytesMax(message, [LAST_SEQUENCE, MESSAGE_SIZE]));
  let at = place.writeNumber(block, place.write(block, 0, message), LAST_SEQUENCE, lastSequence);
  if (headersOnly) at = place.writeNumber(block, at, MESSAGE_SIZE, message.payloadSize);
  return block.subarray(0, place.end(block, at));
}
