/**
 * The file `thw.db`: when the messages of a store end that have a time to live. Format of nats-server.
 *
 *   u8 1 · u64 number of entries · u64 stamp · entries: varint nanoseconds since 1970, uvarint sequence          the stamp: last sequence + 1
 * The file is complete for messages below its stamp; those from there on are found by reading them. Entries are in any order, some of messages that
 * are gone. The file has no checksum, so whoever removes a message compares the time with the message's own header before.
 * Source: formats.md §10.7.
 */
import { BinaryReader } from "../../base/bytes/binary-reader.ts";
import { BinaryWriter } from "../../base/bytes/binary-writer.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import type { DeadlineCopy, DeadlineOwner, Deadlines } from "./deadlines.ts";

const VERSION = 1;
const PIECE_BYTES = 64 * 1024;
/** Most bytes of an entry. */
const ENTRY_BYTES_MAX = 18;

/**
 * Encodes the file in pieces.
 * @param stamp the last sequence + 1 when the entries were copied
 * @param emit takes the next bytes of the file; borrowed for the call
 */
export function* encodeTtlFile(
  entries: DeadlineCopy,
  stamp: number,
  emit: (bytes: Uint8Array, start: number, end: number) => void,
): Sliced<void> {
  const writer = new BinaryWriter(Math.min(PIECE_BYTES, 32 + entries.count * ENTRY_BYTES_MAX));
  const pace = new Pace();
  writer.u8(VERSION);
  writer.u64(entries.count);
  writer.u64(stamp);
  for (let index = 0; index < entries.count; index++) {
    if (writer.size > PIECE_BYTES - ENTRY_BYTES_MAX) {
      emit(writer.bytes, 0, writer.size);
      writer.size = 0;
    }
    entries.read(index);
    writer.varint64(entries.timeHigh, entries.timeLow);
    writer.uvarint(entries.sequence);
    if (pace.due()) yield PAUSE;
  }
  emit(writer.bytes, 0, writer.size);
}

/**
 * Adds the entries of the file whose messages exist.
 * @param bytes untrusted; not modified until the end
 * @param deadlines empty; it stays empty if the file is damaged
 * @returns the stamp; null: the file is damaged, and all messages must be read
 */
export function* decodeTtlFile(bytes: Uint8Array, deadlines: Deadlines, owner: DeadlineOwner): Sliced<number | null> {
  const reader = new BinaryReader(bytes);
  const pace = new Pace();
  const version = reader.u8();
  const count = reader.u64();
  const stamp = reader.u64();
  for (let index = 0; index < count && !reader.damaged; index++) {
    reader.varint64();
    const { high, low } = reader;
    const sequence = reader.uvarint();
    if (!reader.damaged && owner.has(sequence)) deadlines.add(sequence, high, low);
    if (pace.due()) yield PAUSE;
  }
  if (version === VERSION && !reader.damaged) return stamp;
  deadlines.clear();
  return null;
}
