/**
 * Argument lines of messages: one reader per verb, named by the verb's row in the verb table.
 *
 *   PUB  <subject> [reply] <size>
 *   HPUB <subject> [reply] <header size> <total size>
 * A reader only fills in a `MessageLine`. The parser's states know nothing about verbs: they call the reader of the row, let the sink check
 * the message, and read `size` bytes of payload. A further message verb (of routes or leaf nodes) needs a row and a reader. Its additional
 * arguments (account, queue names) stay in the argument text, which is kept next to the payload until the sink has the message.
 */
import { parseSize, quote, ZERO } from "../../base/bytes/ascii.ts";
import { splitArguments } from "./arguments.ts";

/** The arguments of one message, as offsets into the bytes of its line. One object serves all messages of a connection. */
export class MessageLine {
  /** Bounds of the argument text, without the verb and the line end. */
  start = 0;
  end = 0;
  subjectStart = 0;
  subjectEnd = 0;
  /** Equal bounds: no reply subject. */
  replyStart = 0;
  replyEnd = 0;
  /** Bytes of the message that are the header block; -1 when the verb carries none. */
  headerSize = -1;
  /** Bytes of header block and payload, without the closing CRLF. */
  size = 0;
  /** The sizes as the peer wrote them, if they have leading zeros: receivers see them unchanged. Else null. */
  sizesText: Buffer | null = null;

  /** Resets all fields for a line whose arguments lie from `start` to `end`. */
  reset(start: number, end: number): void {
    this.start = this.subjectStart = this.subjectEnd = this.replyStart = this.replyEnd = start;
    this.end = end;
    this.headerSize = -1;
    this.size = 0;
    this.sizesText = null;
  }

  /** Adjusts the offsets after the argument text was copied to offset 0 of another buffer. */
  moveToZero(): void {
    const { start } = this;
    this.end -= start;
    this.subjectStart -= start;
    this.subjectEnd -= start;
    this.replyStart -= start;
    this.replyEnd -= start;
    this.start = 0;
  }
}

/**
 * Reads the arguments of a message verb into `line`, which the parser has reset. If a reader leaves the subject empty, the message has no
 * receivers, and the sink does not check it.
 * @param bounds scratch space for splitting
 * @param headers whether headers were negotiated
 * @returns the error for the log; null if the line is well-formed
 */
export type MessageReader = (line: MessageLine, source: Buffer, bounds: Int32Array, headers: boolean) => string | null;

export function readPub(line: MessageLine, source: Buffer, bounds: Int32Array): string | null {
  const count = splitArguments(source, line.start, line.end, bounds);
  if (count !== 2 && count !== 3) return faultText("processPub Parse Error", line, source);
  takeNames(line, bounds, count === 3);
  const last = (count - 1) * 2;
  line.size = parseSize(source, bounds[last], bounds[last + 1]);
  if (line.size < 0) return faultText("processPub Bad or Missing Size", line, source);
  if (hasLeadingZeros(source, bounds, last)) line.sizesText = Buffer.from(textOf(source, bounds, last));
  return null;
}

export function readHpub(line: MessageLine, source: Buffer, bounds: Int32Array, headers: boolean): string | null {
  if (!headers) return "message headers not supported";
  const count = splitArguments(source, line.start, line.end, bounds);
  if (count !== 3 && count !== 4) return faultText("processHeaderPub Parse Error", line, source);
  takeNames(line, bounds, count === 4);
  const last = (count - 1) * 2;
  line.headerSize = parseSize(source, bounds[last - 2], bounds[last - 1]);
  if (line.headerSize < 0) return faultText("processHeaderPub Bad or Missing Header Size", line, source);
  line.size = parseSize(source, bounds[last], bounds[last + 1]);
  if (line.size < 0) return faultText("processHeaderPub Bad or Missing Total Size", line, source);
  if (line.headerSize > line.size) return faultText("processHeaderPub Header Size larger then TotalSize", line, source);
  // Receivers see the size of a header only when there is one.
  const first = line.headerSize > 0 ? last - 2 : last;
  if (hasLeadingZeros(source, bounds, first) || hasLeadingZeros(source, bounds, last)) {
    const total = textOf(source, bounds, last);
    line.sizesText = Buffer.from(first === last ? total : `${textOf(source, bounds, first)} ${total}`);
  }
  return null;
}

/** HMSG from a client: a message of size 0 without receivers, as in the reference. */
export function readClientHmsg(): null {
  return null;
}

function takeNames(line: MessageLine, bounds: Int32Array, hasReply: boolean): void {
  line.subjectStart = bounds[0];
  line.subjectEnd = bounds[1];
  if (!hasReply) return;
  line.replyStart = bounds[2];
  line.replyEnd = bounds[3];
}

function hasLeadingZeros(source: Buffer, bounds: Int32Array, at: number): boolean {
  return source[bounds[at]] === ZERO && bounds[at + 1] - bounds[at] > 1;
}

function textOf(source: Buffer, bounds: Int32Array, at: number): string {
  return source.toString("latin1", bounds[at], bounds[at + 1]);
}

function faultText(what: string, line: MessageLine, source: Buffer): string {
  return `${what}: ${quote(source, line.start, line.end)}`;
}
