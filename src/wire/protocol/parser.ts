/**
 * Protocol parser: turns the bytes of a connection into commands.
 *
 *            ┌──────── whole PUB / HPUB in the chunk: one tight loop, publish-loop.ts ────────┐
 *   Start ───┤                                                                                ├──▶ Start
 *            └ Word ─▶ Blank ─▶ Blanks ─▶ Line ─▶ [Payload ─▶ PayloadCr ─▶ PayloadLf] ────────┘
 *                        └──▶ Ignored (PING, PONG, +OK)
 * There are two implementations of one grammar. The loop takes nearly all traffic: commands that are whole in the chunk, well-formed and
 * within limits. It leaves everything else untouched for the states below, which can resume at any byte and give the reference's errors.
 * There is not one state per byte: between a few boundaries the parser uses native scans and skips whole runs of bytes.
 * The rows of the verb table say which verbs exist and how their arguments are read. A verb with a reader (message-line.ts) has a payload
 * after its line. All other lines are handed to the sink as they are.
 *
 * `suspended` stops the parser after the current command: `parse` returns the offset that it reached, and is called again later with the
 * same chunk. Invariant: between calls the batch is empty, and the parser references no chunk: it copies an incomplete line or message.
 * Source: nats-server, server/parser.go (behaviour).
 */
import { assert, unreachable } from "../../base/assert/assert.ts";
import { CR, LF, quote, SPACE, TAB } from "../../base/bytes/ascii.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { CommandSink } from "./command-sink.ts";
import { MessageLine, type MessageReader } from "./message-line.ts";
import { takePublishes } from "./publish-loop.ts";
import { Refusal } from "./refusal.ts";
import { ArgumentStyle, ROOT, Verb, type VerbTable, WORD } from "./verb-table.ts";

enum ParserState {
  Start = 0,
  Word,
  /** A blank must follow the verb. */
  Blank,
  /** Blanks before the arguments. */
  Blanks,
  Line,
  /** All bytes up to LF are ignored. */
  Ignored,
  Payload,
  PayloadCr,
  PayloadLf,
}

/** How many bytes the log shows of a line that is too long. */
const SNIPPET_BYTES_MAX = 128;
const LOWER = 0x20;
const NO_BYTES = Buffer.alloc(0);

/** Payload limit of a connection without one. A size has at most nine digits. */
export const PAYLOAD_UNLIMITED = Number.MAX_SAFE_INTEGER;

export class Parser {
  /** Set by the sink: stop after the current command (an authentication, a stall). */
  suspended = false;
  /** The peer has not authenticated: only CONNECT is expected. */
  awaitingAuth = false;
  /** The publish loop may be used, because no message is traced, confirmed or checked by itself. */
  fast = false;
  /** The peer supports headers: HPUB is allowed. */
  headers = false;
  /** Longest argument text, bytes. */
  lineBytesMax: number;
  /** Largest message, header block included, bytes. Checked by the publish loop; for other messages by the sink. */
  payloadBytesMax: number;
  /** The error for the log, set if `parse` returned a refusal. */
  detail = "";

  private readonly sink: CommandSink;
  private readonly batch: MessageBatch;
  private readonly verbs: VerbTable;
  private readonly next: Uint16Array;

  private state = ParserState.Start;
  private node = ROOT;
  private verb = Verb.Pub;
  /** The first `heldSize` bytes are the beginning of an argument text that continues in the next chunk. */
  private held: Buffer = NO_BYTES;
  private heldSize = 0;

  /** The line of the message whose payload is read. */
  private readonly line = new MessageLine();
  /** While the payload is incomplete: argument text, payload and CRLF of the message. `messageSize` bytes of it have arrived. */
  private message: Buffer | null = null;
  private messageSize = 0;

  constructor(sink: CommandSink, batch: MessageBatch, verbs: VerbTable, lineBytesMax: number, payloadBytesMax: number) {
    this.sink = sink;
    this.batch = batch;
    this.verbs = verbs;
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
    assert(this.batch.count === 0, "the batch is empty when parsing begins", this.batch.count);
    while (at < end) {
      if (this.suspended) return at;
      switch (this.state) {
        // biome-ignore lint/suspicious/noFallthroughSwitchClause: the same step reads the verb's first byte
        case ParserState.Start: {
          if (this.fast) {
            const reached = takePublishes(this, this.sink, this.batch, chunk, at, end);
            if (reached !== at) {
              at = reached;
              break; // check again: it may be suspended or at the end of the chunk, or another command follows
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
          const style = this.verbs.styles[this.verb];
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
          const refusal = this.handMessage(message, stop - this.line.size, stop);
          if (refusal !== Refusal.None) return -refusal;
          break;
        }
        default:
          unreachable("the parser's state is known", this.state);
      }
    }
    // The chunk ends directly after a message's line: copy the line.
    if (this.state === ParserState.Payload && this.message === null) this.holdMessage(chunk);
    return at;
  }

  /** Bytes that are kept of an incomplete line or message. */
  get heldBytes(): number {
    return this.heldSize + this.messageSize;
  }

  /** Copies a part of a line that continues in the next chunk. The limit on lines is checked before copying. */
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

  /** Handles a complete line: `source` from `start` to the LF at `lf`. @returns the offset after the LF, or a negative refusal */
  private finishLine(source: Buffer, start: number, lf: number): number {
    const end = lf > start && source[lf - 1] === CR ? lf - 1 : lf;
    if (end - start > this.lineBytesMax) {
      this.detail = this.lineTooLong(source, start, end);
      return -Refusal.MaxControlLineExceeded;
    }
    let refusal: Refusal;
    const reader = this.verbs.readers[this.verb];
    if (reader !== null) {
      refusal = this.readMessageLine(reader, source, start, end);
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

  private readMessageLine(reader: MessageReader, source: Buffer, start: number, end: number): Refusal {
    const { line } = this;
    line.reset(start, end);
    this.sink.onMessageLine?.(this.verb, source, start, end);
    const fault = reader(line, source, this.batch.argumentBounds, this.headers);
    if (fault !== null) {
      this.detail = fault;
      return Refusal.MalformedArguments;
    }
    if (line.subjectEnd === line.subjectStart) return Refusal.None;
    return this.sink.checkMessage(source, line.subjectStart, line.subjectEnd, line.headerSize, line.size);
  }

  /** Reads the payload of the message whose line was read. Copies it if it is not complete in this chunk. */
  private takePayload(chunk: Buffer, start: number, end: number): number {
    if (this.message === null) {
      const stop = start + this.line.size;
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

  /** Copies the argument text into a new buffer with room for the payload and its CRLF. */
  private holdMessage(source: Buffer): void {
    const { line } = this;
    const argumentsSize = line.end - line.start;
    const message = Buffer.allocUnsafeSlow(argumentsSize + line.size + 2);
    message.set(source.subarray(line.start, line.end), 0);
    line.moveToZero();
    this.messageSize = argumentsSize;
    this.message = message;
    if (line.size === 0) this.state = ParserState.PayloadCr;
  }

  private handMessage(source: Buffer, start: number, end: number): Refusal {
    const { line, batch } = this;
    this.state = ParserState.Start;
    this.messageSize = 0;
    batch.add(line.subjectStart, line.subjectEnd, line.replyStart, line.replyEnd, line.headerSize, start, end);
    batch.sizesText = line.sizesText;
    return this.sink.onMessage(source, line);
  }

  /** Forgets the held line. Releases its buffer if that grew large. */
  private releaseLine(): void {
    this.heldSize = 0;
    if (this.held.length > 1024) this.held = NO_BYTES;
  }

  /** Does not show a CONNECT, because it may hold secrets at any position. */
  private lineTooLong(source: Buffer, start: number, end: number): string {
    const shown = this.verb === Verb.Connect ? "[REDACTED]" : snippet(source.subarray(0, end), start, SNIPPET_BYTES_MAX);
    return `maximum control line exceeded (snip: ${shown}...)`;
  }

  private refuseByte(chunk: Buffer, at: number): number {
    this.detail = `parser ERROR, state=${this.state}, i=${at}: proto='${snippet(chunk, at, 32)}...'`;
    return -Refusal.UnknownOperation;
  }
}

/** A part of the bytes as text. Leaves out the last byte, as the reference does. */
function snippet(source: Buffer, start: number, bytesMax: number): string {
  return quote(source, start, Math.max(start, Math.min(source.length - 1, start + bytesMax)));
}
