/**
 * The publish loop reads PUB and HPUB commands that are whole in the chunk, well-formed and within limits: nearly all traffic.
 *
 *   PUB foo 2␍␊hi␍␊PUB foo 2␍␊ho␍␊PUB bar 2␍␊ha␍␊SUB …
 *   └───────── batch ─────────────┘└─── batch ───┘└ left to the parser's states
 * Consecutive messages for the same receivers go into one batch (message-batch.ts). The batch is delivered at the end of the run, before a
 * subject with other receivers, and after 1,024 messages or 64 KiB. The loop stops before the first command that it cannot take. The
 * parser's states then read that command from its first byte and give the reference's errors.
 * It is one function with its state in local variables, for speed: see bench/micro/parser.ts.
 */
import { assert } from "../../base/assert/assert.ts";
import { CR, LF, parseSize, SPACE, ZERO } from "../../base/bytes/ascii.ts";
import {
  END,
  HEADER_SIZE,
  MESSAGES_MAX,
  type MessageBatch,
  REPLY_END,
  REPLY_START,
  START,
  STRIDE_SHIFT,
  SUBJECT_END,
  SUBJECT_START,
} from "../../messaging/batch/message-batch.ts";
import type { CommandSink } from "./command-sink.ts";

/** Payload bytes after which a batch is delivered. `MessageBatch.bytesMax` raises it for messages that are not small. */
const BATCH_BYTES_MAX = 64 * 1024;
const SMALL_PAYLOAD_BYTES = 600;
/** Bytes of the shortest PUB, `PUB a 0\r\n\r\n`. The loop ends if fewer are left. */
const PUB_BYTES_MIN = 11;
const DIGITS_MAX = 9;
/** From this chunk size on, bytes: creating a DataView pays off, which compares four bytes at once. */
const VIEW_BYTES_MIN = 2 * 1024;
/** CR LF, read as a little-endian word. */
const CRLF_WORD = 0x0a0d;

const LETTER_P = 0x70;
const LETTER_U = 0x75;
const LETTER_B = 0x62;
const LETTER_H = 0x68;
const LOWER = 0x20;
const UNDERSCORE = 0x5f;
const DOLLAR = 0x24;
const LETTER_UPPER_R = 0x52;
const LETTER_UPPER_G = 0x47;

/** The state of the parser that the loop reads. */
export interface PublishGate {
  /** Set by the sink during a call: the loop stops before the next command. */
  readonly suspended: boolean;
  /** HPUB is allowed. */
  readonly headers: boolean;
  /** Longest argument text, bytes. */
  readonly lineBytesMax: number;
  /** Largest message, header block included, bytes. */
  readonly payloadBytesMax: number;
}

/**
 * Takes commands from `chunk`, beginning at `start`.
 * @returns the offset of the first command that it did not take; the sink has all messages before it
 */
export function takePublishes(
  gate: PublishGate,
  sink: CommandSink,
  batch: MessageBatch,
  chunk: Buffer,
  start: number,
  end: number,
): number {
  const { fields } = batch;
  const { payloadBytesMax, lineBytesMax } = gate;
  let at = start;
  // Local copies of the batch's fields while the loop runs.
  let count = 0;
  let bytes = 0;
  let namesMax = 0;
  let hasReplies = false;
  let hasHeaders = false;
  let lastStart = 0;
  let lastSize = 0;
  // The line of the previous message with its CRLF, if it was a PUB without reply. If the same bytes follow, they need no parsing.
  let lineStart = 0;
  let lineSize = 0;
  let linePayload = 0;
  const view = end - start >= VIEW_BYTES_MIN ? new DataView(chunk.buffer, chunk.byteOffset, end) : null;

  while (end - at >= PUB_BYTES_MIN) {
    if (lineSize !== 0 && count < MESSAGES_MAX && bytes < BATCH_BYTES_MAX && view !== null) {
      const payload = at + lineSize;
      const stop = payload + linePayload;
      if (stop + 2 > end) break;
      const lastWord = lineSize - 4;
      let i = 0;
      while (i < lastWord && view.getInt32(at + i, true) === view.getInt32(lineStart + i, true)) i += 4;
      if (i >= lastWord && view.getInt32(at + lastWord, true) === view.getInt32(lineStart + lastWord, true)) {
        if (view.getUint16(stop, true) !== CRLF_WORD) break;
        const field = count << STRIDE_SHIFT;
        fields[field + SUBJECT_START] = lastStart;
        fields[field + SUBJECT_END] = lastStart + lastSize;
        fields[field + REPLY_START] = 0;
        fields[field + REPLY_END] = 0;
        fields[field + HEADER_SIZE] = -1;
        fields[field + START] = payload;
        fields[field + END] = stop;
        count++;
        bytes += linePayload;
        at = stop + 2;
        continue;
      }
    }
    let p = at;
    let headerSize = -1;
    if ((chunk[p] | LOWER) === LETTER_H) {
      if (!gate.headers) break;
      headerSize = 0;
      p++;
    }
    if ((chunk[p] | LOWER) !== LETTER_P || (chunk[p + 1] | LOWER) !== LETTER_U || (chunk[p + 2] | LOWER) !== LETTER_B) break;
    if (chunk[p + 3] !== SPACE) break;
    p += 4;

    // The subject; usually the same as in the previous message.
    const subjectStart = p;
    let same = false;
    if (count !== 0 && p + lastSize < end) {
      let i = 0;
      while (i < lastSize && chunk[p + i] === chunk[lastStart + i]) i++;
      same = i === lastSize && chunk[p + i] === SPACE;
      if (same) p += i;
    }
    if (!same) while (p < end && chunk[p] > SPACE) p++;
    const subjectEnd = p;
    if (subjectEnd === subjectStart || p >= end || chunk[p] !== SPACE) break;
    p++;

    // `<size>`, or `<reply> <size>`; for HPUB the header's size comes first.
    let replyStart = 0;
    let replyEnd = 0;
    const tokenStart = p;
    let size = 0;
    while (p < end) {
      const digit = chunk[p] - ZERO;
      if (digit < 0 || digit > 9) break;
      size = size * 10 + digit;
      p++;
    }
    if (p >= end) break;
    const numbers = headerSize === -1 ? 1 : 2;
    if (chunk[p] !== CR || numbers === 2) {
      // Not the end of a PUB line. Finds the blanks in the rest. If there is one token more than sizes, the first token is the reply.
      let firstBlank = 0;
      let lastBlank = 0;
      let blanks = 0;
      let line = tokenStart;
      for (; line < end; line++) {
        const byte = chunk[line];
        if (byte > SPACE) continue;
        if (byte !== SPACE) break;
        if (blanks++ === 0) firstBlank = line;
        lastBlank = line;
      }
      if (line >= end || chunk[line] !== CR || (blanks !== numbers && blanks !== numbers - 1) || blanks === 0) break;
      if (blanks === numbers) {
        replyStart = tokenStart;
        replyEnd = firstBlank;
        if (replyEnd === replyStart) break;
        // Replies that begin with `_R_.`, `_GR_.`, `$GR.` or `$JS.` are refused: the states do that. `_INBOX.` is allowed.
        const first = chunk[replyStart];
        const second = chunk[replyStart + 1];
        if (first === DOLLAR || (first === UNDERSCORE && (second === LETTER_UPPER_R || second === LETTER_UPPER_G))) break;
      }
      if (numbers === 2) {
        const headerStart = blanks === 2 ? firstBlank + 1 : tokenStart;
        headerSize = canonicalSize(chunk, headerStart, lastBlank);
        if (headerSize < 0) break;
      }
      size = canonicalSize(chunk, lastBlank + 1, line);
      if (size < 0 || headerSize > size) break;
      p = line;
    } else if (p === tokenStart || p - tokenStart > DIGITS_MAX || (chunk[tokenStart] === ZERO && p - tokenStart > 1)) break;
    if (p - subjectStart > lineBytesMax || size > payloadBytesMax || chunk[p + 1] !== LF) break;

    // Payload
    const payload = p + 2;
    const stop = payload + size;
    if (stop + 2 > end || chunk[stop] !== CR || chunk[stop + 1] !== LF) break;

    const hasRoom = count < MESSAGES_MAX && bytes < (size < SMALL_PAYLOAD_BYTES ? BATCH_BYTES_MAX : batch.bytesMax);
    if (!same || !hasRoom) {
      // A message on another subject is added to the batch if it has the same receivers.
      const joins = !same && sink.nextSubject(chunk, subjectStart, subjectEnd) && hasRoom;
      if (!joins) {
        if (count !== 0) {
          batch.count = count;
          batch.bytes = bytes;
          batch.namesBytesMax = namesMax;
          batch.hasReplies = hasReplies;
          batch.hasHeaders = hasHeaders;
          count = 0;
          bytes = 0;
          namesMax = 0;
          hasReplies = false;
          hasHeaders = false;
          sink.flushMessages();
          if (gate.suspended) return at;
        }
        if (same) sink.nextSubject(chunk, subjectStart, subjectEnd);
        sink.openBatch(chunk);
      }
      lastStart = subjectStart;
      lastSize = subjectEnd - subjectStart;
    }
    const names = lastSize + replyEnd - replyStart;
    if (names > namesMax) namesMax = names;
    if (replyEnd !== 0) hasReplies = true;
    if (headerSize > 0) hasHeaders = true;
    const field = count << STRIDE_SHIFT;
    fields[field + SUBJECT_START] = lastStart;
    fields[field + SUBJECT_END] = lastStart + lastSize;
    fields[field + REPLY_START] = replyStart;
    fields[field + REPLY_END] = replyEnd;
    fields[field + HEADER_SIZE] = headerSize;
    fields[field + START] = payload;
    fields[field + END] = stop;
    count++;
    bytes += size;
    lineStart = at;
    lineSize = replyEnd === 0 && headerSize === -1 ? payload - at : 0;
    linePayload = size;
    at = stop + 2;
  }
  if (count !== 0) {
    assert(count <= MESSAGES_MAX, "a batch has at most as many messages as it has room for", count);
    batch.count = count;
    batch.bytes = bytes;
    batch.namesBytesMax = namesMax;
    batch.hasReplies = hasReplies;
    batch.hasHeaders = hasHeaders;
    sink.flushMessages();
  }
  return at;
}

/** A size without leading zeros; -1 for anything else. */
function canonicalSize(chunk: Buffer, start: number, end: number): number {
  return chunk[start] === ZERO && end - start > 1 ? -1 : parseSize(chunk, start, end);
}
