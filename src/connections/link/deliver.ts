/**
 * Writes messages of a batch into a connection's output as MSG or HMSG.
 *
 *   one message     line and payload are written directly into the tail of the output
 *   a run of them   encoded once into the scratch space of the turn, then appended as one block. The next receiver with the same sid and the
 *                   same support of headers gets the same block: a fan-out to a thousand subscribers encodes once.
 *   large messages  lines in the scratch space and payloads in the read buffer are written with one system call; payloads are not copied
 * In a run, a line is built if size, subject or reply differ from the message before, and otherwise copied from it.
 * Small copies are loops: a native call costs as much as 48 bytes one by one, or 64 in words (bench/micro/delivery.ts).
 */
import { CR, decimalSize, LF, SPACE, writeDecimal } from "../../base/bytes/ascii.ts";
import { LARGEST_CHUNK_BYTES } from "../../base/bytes/buffer-pool.ts";
import {
  END,
  HEADER_SIZE,
  type MessageBatch,
  REPLY_END,
  REPLY_START,
  START,
  STRIDE_SHIFT,
  SUBJECT_END,
  SUBJECT_START,
} from "../../messaging/batch/message-batch.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { RANGES_MAX } from "../../wire/transport/byte-vector.ts";
import type { Connection } from "./connection.ts";
import { FLAG_HEADERS } from "./connection-flag.ts";
import { SCRATCH_BYTES } from "./encoded-run.ts";
import type { Turn } from "./turn.ts";

/** Most bytes of a line besides subject, sid and reply: digits of two sizes, blanks, `HMSG`, CRLF. */
const LINE_OVERHEAD = 32;
/** Runs with larger messages on average are not copied to the scratch space: separate ranges for the payloads cost less. */
const RUN_PAYLOAD_BYTES_MAX = 4 * 1024;
/** The same for runs with one receiver: there the encoded run is used only once. */
const RUN_PAYLOAD_BYTES_MAX_ONE = 600;
/** From this size on, bytes: a single message is written with its own system call. */
const VECTOR_BYTES_MIN = 16 * 1024;
/** Short pieces are copied in words. Up to three bytes too many are copied, which the next copy overwrites. */
const WORD_BYTES = 4;
/** Longest pieces that a loop copies, by words and by bytes. */
const WORDS_BYTES_MAX = 64;
const LOOP_BYTES_MAX = 48;

/**
 * Writes messages `from` (inclusive) to `to` (exclusive). The caller has checked that the subscription gets them.
 * @returns payload and header bytes written
 */
export function writeMessages(connection: Connection, subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
  const headers = (connection.flags & FLAG_HEADERS) !== 0;
  const count = to - from;
  if (count === 1) return writeMessage(connection, subscription.sid, batch, from, headers);

  const turn = connection.host.turn;
  const run = turn.run;
  const sid = subscription.sid;
  const encoded =
    run.batch === batch &&
    run.version === batch.version &&
    run.from === from &&
    run.to === to &&
    run.headers === headers &&
    sameBytes(run.sid!, sid);
  if (!encoded) {
    const lineMax = LINE_OVERHEAD + sid.length + batch.namesBytesMax;
    const large = batch.oneReceiver && connection.transport.vectored ? RUN_PAYLOAD_BYTES_MAX_ONE : RUN_PAYLOAD_BYTES_MAX;
    if (batch.bytes > count * large && count * lineMax <= SCRATCH_BYTES) {
      return writeLargeRun(connection, sid, batch, from, to, headers);
    }
    if (batch.bytes + count * lineMax > SCRATCH_BYTES) {
      let bytes = 0;
      for (let index = from; index < to; index++) bytes += writeMessage(connection, sid, batch, index, headers);
      return bytes;
    }
    encodeRun(turn, sid, batch, from, to, headers);
  }
  connection.outbound.append(turn.scratch, 0, run.size);
  return run.payloadBytes;
}

function encodeRun(turn: Turn, sid: Uint8Array, batch: MessageBatch, from: number, to: number, headers: boolean): void {
  const { run, scratch: target, scratchView } = turn;
  const source = batch.source;
  const sourceView = turn.viewOf(source);
  // The last offset at which a word can be read.
  const wordsEnd = source.length - WORD_BYTES;
  const fields = batch.fields;
  let at = 0;
  let payloadBytes = 0;
  // The last line, with its size and subject: the next message with the same subject and size and without reply has the same line.
  let lineStart = 0;
  let lineSize = 0;
  let lineFor = -1;
  let lineSubject = -1;
  for (let index = from; index < to; index++) {
    const field = index << STRIDE_SHIFT;
    const hasReply = fields[field + REPLY_START] !== fields[field + REPLY_END];
    const headerSize = fields[field + HEADER_SIZE];
    let start = fields[field + START];
    const end = fields[field + END];
    if (headerSize > 0 || hasReply) {
      if (headerSize > 0 && !headers) start += headerSize;
      at = writeLine(target, at, sid, batch, index, headers);
      lineFor = -1;
    } else if (end - start === lineFor && fields[field + SUBJECT_START] === lineSubject) {
      const stop = lineStart + lineSize;
      let i = lineStart;
      for (; i < stop; i += WORD_BYTES, at += WORD_BYTES) scratchView.setInt32(at, scratchView.getInt32(i, true), true);
      at -= i - stop;
    } else {
      lineStart = at;
      at = writeLine(target, at, sid, batch, index, headers);
      lineSize = at - lineStart;
      lineFor = end - start;
      lineSubject = fields[field + SUBJECT_START];
    }
    payloadBytes += end - start;
    const stop = end + 2; // with its CRLF
    if (stop - start > WORDS_BYTES_MAX) {
      source.copy(target, at, start, stop);
      at += stop - start;
    } else if (stop <= wordsEnd) {
      let i = start;
      for (; i < stop; i += WORD_BYTES, at += WORD_BYTES) scratchView.setInt32(at, sourceView.getInt32(i, true), true);
      at -= i - stop;
    } else for (let i = start; i < stop; i++) target[at++] = source[i];
  }
  run.batch = batch;
  run.version = batch.version;
  run.from = from;
  run.to = to;
  run.headers = headers;
  run.sid = sid;
  run.size = at;
  run.payloadBytes = payloadBytes;
}

/** Writes one message directly into the output. @returns payload and header bytes written */
function writeMessage(connection: Connection, sid: Uint8Array, batch: MessageBatch, index: number, headers: boolean): number {
  const outbound = connection.outbound;
  const fields = batch.fields;
  const field = index << STRIDE_SHIFT;
  let start = fields[field + START];
  const end = fields[field + END];
  const headerSize = fields[field + HEADER_SIZE];
  const lineMax = LINE_OVERHEAD + sid.length + batch.namesBytesMax;
  const stop = end + 2;
  if (stop - start >= VECTOR_BYTES_MIN && connection.transport.vectored && lineMax <= SCRATCH_BYTES) {
    return writeLargeRun(connection, sid, batch, index, index + 1, headers);
  }
  if (lineMax + RUN_PAYLOAD_BYTES_MAX > LARGEST_CHUNK_BYTES) return writeLongLine(connection, sid, batch, index, headers, lineMax);
  const whole = stop - start <= RUN_PAYLOAD_BYTES_MAX;
  outbound.reserve(whole ? lineMax + stop - start : lineMax);
  if (outbound.closed) return 0;
  const target = outbound.tail;
  let at = writeLine(target, outbound.tailSize, sid, batch, index, headers);
  if (headerSize > 0 && !headers) start += headerSize;
  if (stop - start <= LOOP_BYTES_MAX) {
    const source = batch.source;
    for (let i = start; i < stop; i++) target[at++] = source[i];
    outbound.tailSize = at;
  } else if (whole) {
    batch.source.copy(target, at, start, stop);
    outbound.tailSize = at + stop - start;
  } else {
    outbound.tailSize = at;
    outbound.append(batch.source, start, stop);
  }
  return end - start;
}

/** Writes large messages: the kernel gets the ranges of the read buffer. @returns payload and header bytes written */
function writeLargeRun(connection: Connection, sid: Uint8Array, batch: MessageBatch, from: number, to: number, headers: boolean): number {
  const { vector, scratch, run } = connection.host.turn;
  run.version = -1; // the scratch space is overwritten
  const { outbound } = connection;
  const fields = batch.fields;
  let payloadBytes = 0;
  let at = 0;
  // As in `encodeRun`: a message with the same line as the one before sends that range again.
  let lineStart = 0;
  let lineFor = -1;
  let lineSubject = -1;
  outbound.startVector(vector);
  for (let index = from; index < to; index++) {
    if (vector.count > RANGES_MAX - 2) {
      outbound.appendVector(vector);
      outbound.startVector(vector);
      at = 0;
      lineFor = -1;
    }
    const field = index << STRIDE_SHIFT;
    const headerSize = fields[field + HEADER_SIZE];
    const start = fields[field + START] + (headerSize > 0 && !headers ? headerSize : 0);
    const end = fields[field + END];
    const plain = headerSize <= 0 && fields[field + REPLY_START] === fields[field + REPLY_END];
    if (!plain || lineFor !== end - start || lineSubject !== fields[field + SUBJECT_START]) {
      lineStart = at;
      at = writeLine(scratch, at, sid, batch, index, headers);
      lineFor = plain ? end - start : -1;
      lineSubject = fields[field + SUBJECT_START];
    }
    vector.add(scratch, lineStart, at);
    vector.add(batch.source, start, end + 2);
    payloadBytes += end - start;
  }
  outbound.appendVector(vector);
  vector.clear();
  return payloadBytes;
}

/** Writes a line that is so long that its chunk may have no room for a payload. Only a raised `max_control_line` allows it. */
function writeLongLine(
  connection: Connection,
  sid: Uint8Array,
  batch: MessageBatch,
  index: number,
  headers: boolean,
  lineMax: number,
): number {
  const line = Buffer.allocUnsafe(lineMax);
  const size = writeLine(line, 0, sid, batch, index, headers);
  connection.outbound.append(line, 0, size);
  const headerSize = batch.headerSize(index);
  const start = batch.start(index) + (headerSize > 0 && !headers ? headerSize : 0);
  connection.outbound.append(batch.source, start, batch.end(index) + 2);
  return batch.end(index) - start;
}

/** `MSG <subject> <sid> [reply] <size>` or `HMSG <subject> <sid> [reply] <header size> <size>`. @returns the offset after its CRLF */
function writeLine(target: Buffer, start: number, sid: Uint8Array, batch: MessageBatch, index: number, headers: boolean): number {
  const fields = batch.fields;
  const field = index << STRIDE_SHIFT;
  const headerSize = fields[field + HEADER_SIZE];
  const withHeader = headerSize > 0 && headers;
  let size = fields[field + END] - fields[field + START];
  if (headerSize > 0 && !headers) size -= headerSize;
  let at = start;
  if (withHeader) target[at++] = 0x48; // H
  target[at++] = 0x4d;
  target[at++] = 0x53;
  target[at++] = 0x47;
  target[at++] = SPACE;
  const subject = batch.subjectSource;
  const subjectEnd = fields[field + SUBJECT_END];
  for (let i = fields[field + SUBJECT_START]; i < subjectEnd; i++) target[at++] = subject[i];
  target[at++] = SPACE;
  for (let i = 0; i < sid.length; i++) target[at++] = sid[i];
  target[at++] = SPACE;
  const replyEnd = fields[field + REPLY_END];
  const replyStart = fields[field + REPLY_START];
  if (replyStart !== replyEnd) {
    const source = batch.source;
    for (let i = replyStart; i < replyEnd; i++) target[at++] = source[i];
    target[at++] = SPACE;
  }
  const odd = batch.sizesText;
  if (odd !== null && (headerSize <= 0 || headers)) {
    at += odd.copy(target, at);
  } else {
    if (withHeader) {
      at = writeDecimal(target, at, headerSize);
      target[at++] = SPACE;
    }
    at = writeDecimal(target, at, size);
  }
  target[at++] = CR;
  target[at++] = LF;
  return at;
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** Most bytes of the 503 of "no responders" besides its subjects. */
const NO_RESPONDERS_OVERHEAD = 96;
const NO_RESPONDERS_STATUS = Buffer.from("NATS/1.0 503\r\nNats-Subject: ");
/** Bytes of that header block without the subject. */
const NO_RESPONDERS_HEADER_BYTES = 32;

/** Tells a publisher that message `index` had no receiver: `HMSG <reply> <sid> …` with status 503. */
export function writeNoResponders(connection: Connection, sid: Uint8Array, batch: MessageBatch, index: number): void {
  const replyStart = batch.replyStart(index);
  const replyEnd = batch.replyEnd(index);
  const subjectStart = batch.subjectStart(index);
  const subjectEnd = batch.subjectEnd(index);
  const subjectSize = subjectEnd - subjectStart;
  const headerSize = NO_RESPONDERS_HEADER_BYTES + subjectSize;
  const line = Buffer.allocUnsafe(NO_RESPONDERS_OVERHEAD + replyEnd - replyStart + sid.length + subjectSize + 2 * decimalSize(headerSize));
  let at = line.write("HMSG ", 0);
  at += batch.source.copy(line, at, replyStart, replyEnd);
  line[at++] = SPACE;
  line.set(sid, at);
  at += sid.length;
  line[at++] = SPACE;
  at = writeDecimal(line, at, headerSize);
  line[at++] = SPACE;
  at = writeDecimal(line, at, headerSize);
  at += line.write("\r\n", at);
  at += NO_RESPONDERS_STATUS.copy(line, at);
  at += batch.subjectSource.copy(line, at, subjectStart, subjectEnd);
  at += line.write("\r\n\r\n\r\n", at);
  connection.outbound.append(line, 0, at);
}
