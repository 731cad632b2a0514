/**
 * Protocol parser: bytes as they come off the network → commands.
 *
 *            ┌────────── whole PUB / HPUB in the chunk: one tight loop, `publishes` ──────────┐
 *   Start ───┤                                                                                ├──▶ Start
 *            └ Word ─▶ Blank ─▶ Blanks ─▶ Line ─▶ [Payload ─▶ PayloadCr ─▶ PayloadLf] ────────┘
 *                        └──▶ Ignored (PING, PONG, +OK)
 * Two ways through, one grammar. The loop takes the commands that make up nearly all traffic and touches nothing unless the command
 * is whole, well-formed and within limits; whatever it does not take, the states below handle, resumable at any byte, with the
 * reference's errors. Not one state per byte of every command: native scans and whole-run steps between the few boundaries.
 *
 * Consecutive messages for the same receivers are gathered into the batch (message-batch.ts) and handed on together: at the end of the
 * chunk, before any other command, before a subject that others want, and every 1,024 messages or 64 KiB.
 *
 * `suspended` stops it after the command under way: `parse` returns the offset reached, and is called again with the same chunk later.
 * Invariant: between calls the batch is empty, and no reference to a chunk is kept: a line or message that goes on is copied.
 * Source: nats-server, server/parser.go (behaviour).
 */
import { CR, LF, parseSize, quote, SPACE, TAB, ZERO } from "../../base/bytes/ascii.ts";
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
import { Refusal } from "./refusal.ts";
import { ARGUMENT_STYLES, ArgumentStyle, ROOT, Verb, type VerbTable, WORD } from "./verb-table.ts";

enum ParserState {
  Start = 0,
  Word,
  /** A blank must follow the verb. */
  Blank,
  /** Blanks before the arguments. */
  Blanks,
  Line,
  /** Everything up to LF is ignored. */
  Ignored,
  Payload,
  PayloadCr,
  PayloadLf,
}

/** Payload bytes in a batch after which it is handed on. The batch may ask for more where messages are not small (`bytesMax`). */
const BATCH_BYTES_MAX = 64 * 1024;
const SMALL_PAYLOAD_BYTES = 600;
/** The shortest PUB, `PUB a 0\r\n\r\n`; with less in the chunk the loop does not look. */
const PUB_BYTES_MIN = 11;
const DIGITS_MAX = 9;
/** Of a line that is too long, in the log. */
const SNIPPET_BYTES_MAX = 128;
/** Reads of this size are worth a view of their words. */
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
const NO_BYTES = Buffer.alloc(0);

export class Parser {
  /** Set by the sink: stop after the command under way (an authentication, a stall). */
  suspended = false;
  /** Only CONNECT may come. */
  awaitingAuth = false;
  /** The loop may be used: nothing is traced, confirmed or checked per message. */
  fast = false;
  /** HPUB may take the loop. */
  headers = false;
  /** Longest argument text, bytes. */
  lineBytesMax: number;
  /** Largest message, header included, bytes; checked in the loop, and by the sink outside of it. */
  payloadBytesMax: number;
  /** What was wrong, for the log, after `parse` returned a refusal. */
  detail = "";

  private readonly sink: CommandSink;
  private readonly batch: MessageBatch;
  private readonly next: Uint16Array;

  private state = ParserState.Start;
  private node = ROOT;
  private verb = Verb.Pub;
  /** Bytes of a line that goes on in the next chunk. */
  private held: Buffer = NO_BYTES;
  private heldSize = 0;

  // The message whose line was read. While its payload is incomplete `message` holds subject, reply and payload back to back.
  private message: Buffer | null = null;
  private messageSize = 0;
  private subjectStart = 0;
  private subjectEnd = 0;
  private replyStart = 0;
  private replyEnd = 0;
  private headerSize = -1;
  private size = 0;
  /** The sizes of the message as they were written, when they have leading zeros. */
  private oddSizes: Buffer | null = null;

  constructor(sink: CommandSink, batch: MessageBatch, verbs: VerbTable, lineBytesMax: number, payloadBytesMax: number) {
    this.sink = sink;
    this.batch = batch;
    this.next = verbs.next;
    this.lineBytesMax = lineBytesMax;
    this.payloadBytesMax = payloadBytesMax;
  }

  /**
   * Parses `chunk` from `at` until it is used up or the sink suspends.
   * @returns the offset reached, or a refusal as a negative number; after a refusal the parser must not be used again
   */
  parse(chunk: Buffer, start: number): number {
    const end = chunk.length;
    let at = start;
    while (at < end) {
      if (this.suspended) return at;
      switch (this.state) {
        // biome-ignore lint/suspicious/noFallthroughSwitchClause: the verb's first byte is looked at in the same step
        case ParserState.Start: {
          if (this.fast) {
            const reached = this.publishes(chunk, at, end);
            if (reached !== at) {
              at = reached;
              break; // once more from the top: suspended, used up, or another command
            }
          }
          if (this.awaitingAuth && (chunk[at] | LOWER) !== 0x63 /* c */) {
            const refusal = this.sink.onUnauthenticated();
            if (refusal !== Refusal.None) return -refusal;
            if (this.suspended) return at;
          }
          this.node = ROOT;
          this.state = ParserState.Word;
        }
        // falls through
        case ParserState.Word: {
          const next = this.next[(this.node << 8) + chunk[at]];
          if (next === 0) return this.refuseByte(chunk, at);
          at++;
          if (next < WORD) {
            this.node = next;
            break;
          }
          this.verb = next - WORD;
          this.heldSize = 0;
          const style = ARGUMENT_STYLES[this.verb];
          if (style === ArgumentStyle.BlankThenLine) this.state = ParserState.Blank;
          else if (style === ArgumentStyle.Line) this.state = ParserState.Blanks;
          else this.state = ParserState.Ignored;
          break;
        }
        case ParserState.Blank: {
          const byte = chunk[at];
          if (byte !== SPACE && byte !== TAB) return this.refuseByte(chunk, at);
          at++;
          this.state = ParserState.Blanks;
          break;
        }
        case ParserState.Blanks: {
          const byte = chunk[at];
          if (byte === SPACE || byte === TAB) {
            at++;
            break;
          }
          const lf = chunk.indexOf(LF, at);
          if (lf === -1) {
            const refusal = this.holdLine(chunk, at, end);
            if (refusal !== Refusal.None) return -refusal;
            this.state = ParserState.Line;
            return end;
          }
          at = this.finishLine(chunk, at, lf);
          if (at < 0) return at;
          break;
        }
        case ParserState.Line: {
          const lf = chunk.indexOf(LF, at);
          const refusal = this.holdLine(chunk, at, lf === -1 ? end : lf);
          if (refusal !== Refusal.None) return -refusal;
          if (lf === -1) return end;
          at = lf + 1;
          const reached = this.finishLine(this.held, 0, this.heldSize);
          if (reached < 0) return reached;
          break;
        }
        case ParserState.Ignored: {
          const lf = chunk.indexOf(LF, at);
          if (lf === -1) return end;
          at = lf + 1;
          this.state = ParserState.Start;
          if (this.verb === Verb.Ping) this.sink.onPing();
          else if (this.verb === Verb.Pong) this.sink.onPong();
          break;
        }
        case ParserState.Payload: {
          at = this.takePayload(chunk, at, end);
          if (at < 0) return at;
          break;
        }
        case ParserState.PayloadCr: {
          if (chunk[at] !== CR) return this.refuseByte(chunk, at);
          this.message![this.messageSize++] = CR;
          at++;
          this.state = ParserState.PayloadLf;
          break;
        }
        case ParserState.PayloadLf: {
          if (chunk[at] !== LF) return this.refuseByte(chunk, at);
          this.message![this.messageSize++] = LF;
          at++;
          const message = this.message!;
          const stop = this.messageSize - 2;
          this.message = null;
          const refusal = this.handMessage(message, stop - this.size, stop);
          if (refusal !== Refusal.None) return -refusal;
          break;
        }
      }
    }
    // A chunk that ends right behind a message's line: what the line said lies in this chunk.
    if (this.state === ParserState.Payload && this.message === null) this.holdMessage(chunk);
    return at;
  }

  /** Bytes held of a line or message that is not whole yet. */
  get heldBytes(): number {
    return this.heldSize + this.messageSize;
  }

  /**
   * The loop: PUB and HPUB commands that are whole in the chunk, as long as they come.
   * @returns the offset of the first command it did not take; everything before it was handed on
   */
  private publishes(chunk: Buffer, start: number, end: number): number {
    const batch = this.batch;
    const fields = batch.fields;
    const sink = this.sink;
    const payloadBytesMax = this.payloadBytesMax;
    const lineBytesMax = this.lineBytesMax;
    let at = start;
    // The batch's fields live in locals while the loop runs.
    let count = 0;
    let bytes = 0;
    let namesMax = 0;
    let hasReplies = false;
    let hasHeaders = false;
    let lastStart = 0;
    let lastSize = 0;
    // The line of the message before, CRLF included, when it is a PUB without reply: the same bytes once more say the same.
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
        if (!this.headers) break;
        headerSize = 0;
        p++;
      }
      if ((chunk[p] | LOWER) !== LETTER_P || (chunk[p + 1] | LOWER) !== LETTER_U || (chunk[p + 2] | LOWER) !== LETTER_B) break;
      if (chunk[p + 3] !== SPACE) break;
      p += 4;

      // Subject: most often the one of the message before.
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
        // Not the end of a PUB line. Where are the blanks of the rest? One more token than numbers: that is the reply.
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
          // `_R_.`, `_GR_.`, `$GR.` and `$JS.ACK.` are refused as replies; `_INBOX.` is not one of them.
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
        // Another subject may have the same receivers: then the batch goes on.
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
            if (this.suspended) return at;
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
      batch.count = count;
      batch.bytes = bytes;
      batch.namesBytesMax = namesMax;
      batch.hasReplies = hasReplies;
      batch.hasHeaders = hasHeaders;
      sink.flushMessages();
    }
    return at;
  }

  /** Keeps a piece of a line for the next chunk. Bounded by the line limit, checked before anything is copied. */
  private holdLine(chunk: Buffer, start: number, end: number): Refusal {
    const size = this.heldSize + end - start;
    const last = end > start ? chunk[end - 1] : this.heldSize > 0 ? this.held[this.heldSize - 1] : 0;
    if (size - (last === CR ? 1 : 0) > this.lineBytesMax) {
      this.detail = this.lineTooLong(chunk, start, end);
      return Refusal.MaxControlLineExceeded;
    }
    if (this.held.length < size) {
      const grown = Buffer.allocUnsafeSlow(Math.max(256, size, Math.min(this.held.length * 2, this.lineBytesMax + 1)));
      grown.set(this.held.subarray(0, this.heldSize));
      this.held = grown;
    }
    this.held.set(chunk.subarray(start, end), this.heldSize);
    this.heldSize = size;
    return Refusal.None;
  }

  /** A line is whole: `source` from `start` to `end`, where an LF stood. Returns the offset behind it, or a negative refusal. */
  private finishLine(source: Buffer, start: number, lf: number): number {
    const end = lf > start && source[lf - 1] === CR ? lf - 1 : lf;
    if (end - start > this.lineBytesMax) {
      this.detail = this.lineTooLong(source, start, end);
      return -Refusal.MaxControlLineExceeded;
    }
    let refusal: Refusal;
    if (this.verb === Verb.Pub || this.verb === Verb.Hpub || this.verb === Verb.Hmsg) {
      refusal = this.readMessageLine(source, start, end);
      this.state = ParserState.Payload;
      this.message = null;
      if (refusal === Refusal.None && source === this.held) this.holdMessage(source);
    } else {
      this.state = ParserState.Start;
      refusal = this.sink.onLine(this.verb, source, start, end);
    }
    if (source === this.held) this.releaseLine();
    return refusal === Refusal.None ? lf + 1 : -refusal;
  }

  /** Arguments of PUB, HPUB. HMSG from a client is read as a message to nowhere of size 0, as the reference does. */
  private readMessageLine(source: Buffer, start: number, end: number): Refusal {
    this.headerSize = -1;
    this.size = 0;
    this.oddSizes = null;
    this.subjectStart = this.subjectEnd = this.replyStart = this.replyEnd = start;
    this.sink.onMessageLine?.(this.verb, source, start, end);
    if (this.verb === Verb.Hmsg) return Refusal.None;

    const withHeader = this.verb === Verb.Hpub;
    if (withHeader && !this.headers) return this.malformed("message headers not supported", source, 0, -1);
    const sizes = withHeader ? 2 : 1;
    const name = withHeader ? "processHeaderPub" : "processPub";
    const bounds = this.batch.argumentBounds;
    const count = splitArguments(source, start, end, bounds);
    if (count !== sizes + 1 && count !== sizes + 2) return this.malformed(`${name} Parse Error`, source, start, end);
    this.subjectStart = bounds[0];
    this.subjectEnd = bounds[1];
    if (count === sizes + 2) {
      this.replyStart = bounds[2];
      this.replyEnd = bounds[3];
    }
    const last = (count - 1) * 2;
    if (withHeader) {
      this.headerSize = parseSize(source, bounds[last - 2], bounds[last - 1]);
      if (this.headerSize < 0) return this.malformed(`${name} Bad or Missing Header Size`, source, start, end);
    }
    this.size = parseSize(source, bounds[last], bounds[last + 1]);
    if (this.size < 0) return this.malformed(`${name} Bad or Missing ${withHeader ? "Total " : ""}Size`, source, start, end);
    // Receivers are told of a header only when there is one.
    const first = this.headerSize > 0 ? last - 2 : last;
    const zeros = (at: number) => source[bounds[at]] === ZERO && bounds[at + 1] - bounds[at] > 1;
    if (zeros(first) || zeros(last)) {
      const text = (at: number) => source.toString("latin1", bounds[at], bounds[at + 1]);
      this.oddSizes = Buffer.from(first === last ? text(last) : `${text(first)} ${text(last)}`);
    }
    if (this.headerSize > this.size) return this.malformed(`${name} Header Size larger then TotalSize`, source, start, end);
    return this.sink.checkMessage(source, this.subjectStart, this.subjectEnd, this.headerSize, this.size);
  }

  /** The payload of a message whose line was read: all of it in this chunk, or a part that must be kept. */
  private takePayload(chunk: Buffer, start: number, end: number): number {
    if (this.message === null) {
      const stop = start + this.size;
      if (stop + 2 <= end) {
        if (chunk[stop] !== CR) return this.refuseByte(chunk, stop);
        if (chunk[stop + 1] !== LF) return this.refuseByte(chunk, stop + 1);
        const refusal = this.handMessage(chunk, start, stop);
        return refusal === Refusal.None ? stop + 2 : -refusal;
      }
      this.holdMessage(chunk);
    }
    const message = this.message!;
    const missing = message.length - 2 - this.messageSize;
    const take = Math.min(missing, end - start);
    message.set(chunk.subarray(start, start + take), this.messageSize);
    this.messageSize += take;
    if (take === missing) this.state = ParserState.PayloadCr;
    return start + take;
  }

  /** Moves subject and reply into a buffer of their own, with room for the payload and its CRLF behind them. */
  private holdMessage(source: Buffer): void {
    const subjectSize = this.subjectEnd - this.subjectStart;
    const replySize = this.replyEnd - this.replyStart;
    const namesSize = subjectSize + replySize;
    const message = Buffer.allocUnsafeSlow(namesSize + this.size + 2);
    message.set(source.subarray(this.subjectStart, this.subjectEnd), 0);
    message.set(source.subarray(this.replyStart, this.replyEnd), subjectSize);
    this.subjectStart = 0;
    this.subjectEnd = subjectSize;
    this.replyStart = subjectSize;
    this.replyEnd = namesSize;
    this.messageSize = namesSize;
    this.message = message;
    if (this.size === 0) this.state = ParserState.PayloadCr;
  }

  private handMessage(source: Buffer, start: number, end: number): Refusal {
    this.state = ParserState.Start;
    this.messageSize = 0;
    this.batch.add(this.subjectStart, this.subjectEnd, this.replyStart, this.replyEnd, this.headerSize, start, end);
    this.batch.sizesText = this.oddSizes;
    return this.sink.onMessage(source);
  }

  /** A line buffer that grew for one long line is not kept for ever. */
  private releaseLine(): void {
    this.heldSize = 0;
    if (this.held.length > 1024) this.held = NO_BYTES;
  }

  private malformed(text: string, source: Buffer, start: number, end: number): Refusal {
    this.detail = end < 0 ? text : `${text}: ${quote(source, start, end)}`;
    return Refusal.MalformedArguments;
  }

  /** A CONNECT is not shown: it is full of secrets, anywhere in it. */
  private lineTooLong(source: Buffer, start: number, end: number): string {
    const shown = this.verb === Verb.Connect ? "[REDACTED]" : snippet(source.subarray(0, end), start, SNIPPET_BYTES_MAX);
    return `maximum control line exceeded (snip: ${shown}...)`;
  }

  private refuseByte(chunk: Buffer, at: number): number {
    this.detail = `parser ERROR, state=${this.state}, i=${at}: proto='${snippet(chunk, at, 32)}...'`;
    return -Refusal.UnknownOperation;
  }
}

/** Splits at blanks. Writes start and end of up to nine arguments, returns how many there are (at most 9). */
export function splitArguments(source: Buffer, start: number, end: number, bounds: Int32Array): number {
  let count = 0;
  let at = start;
  while (at < end) {
    while (at < end && (source[at] === SPACE || source[at] === TAB)) at++;
    if (at >= end) break;
    if (count === 9) return count;
    bounds[count * 2] = at;
    while (at < end && source[at] !== SPACE && source[at] !== TAB) at++;
    bounds[count * 2 + 1] = at;
    count++;
  }
  return count;
}

/** A size without leading zeros; -1 for anything else. */
function canonicalSize(chunk: Buffer, start: number, end: number): number {
  return chunk[start] === ZERO && end - start > 1 ? -1 : parseSize(chunk, start, end);
}

/** A piece of what was read; like the reference's it leaves out the last byte. */
function snippet(source: Buffer, start: number, bytesMax: number): string {
  return quote(source, start, Math.max(start, Math.min(source.length - 1, start + bytesMax)));
}
