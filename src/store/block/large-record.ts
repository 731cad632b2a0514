/**
 * A message whose record does not fit into the staging space: parts that are written one behind the other. The payload is not copied.
 *
 *   length words, subject, header │ payload (the message's own bytes) │ checksum
 */
import type { Message } from "../contract/message.ts";
import type { HashKey } from "./hash-key.ts";
import type { LengthsChecksum } from "./lengths-checksum.ts";
import { CHECKSUM_BYTES, HEADER_BIT, HEADER_LENGTH_BYTES, RECORD_HEADER_BYTES } from "./record-format.ts";
import type { RecordHasher } from "./record-hasher.ts";
import { RecordWriter, sizeOf } from "./record-writer.ts";

/**
 * Encodes a message with its sequence and time.
 * @param lengths is continued over the record; null: not wanted
 * @returns the record's bytes in their order; the second part borrows the message's payload
 */
export function largeRecord(
  hasher: RecordHasher,
  message: Message,
  key: HashKey,
  lengths: LengthsChecksum | null,
): [begin: Buffer, payload: Uint8Array, checksum: Buffer] {
  const { subjectSize, headerSize, payloadSize } = message;
  const size = sizeOf(message);
  const begin = Buffer.alloc(size - payloadSize - CHECKSUM_BYTES);
  const view = new DataView(begin.buffer, begin.byteOffset, begin.length);
  new RecordWriter(begin, view).begin(0, message);
  const payload = message.payload.subarray(message.payloadStart, message.payloadEnd);
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  const body = RECORD_HEADER_BYTES + subjectSize;
  hasher.start(key);
  hasher.update(begin, 4, 20);
  hasher.update(begin, RECORD_HEADER_BYTES, body);
  if (headerSize > 0) hasher.update(begin, body + HEADER_LENGTH_BYTES, begin.length);
  hasher.update(payload, 0, payload.length);
  hasher.finish(checksum, 0);
  if (lengths !== null) hasher.addLengths(lengths, headerSize > 0 ? size + HEADER_BIT : size, subjectSize, headerSize);
  return [begin, payload, checksum];
}
