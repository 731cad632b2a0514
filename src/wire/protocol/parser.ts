/**
 * Protocol parser: bytes as they come off the network → commands.
 *
 *            ┌──────── whole PUB / HPUB in the chunk: one tight loop, publish-loop.ts ────────┐
 *   Start ───┤                                                                                ├──▶ Start
 *            └ Word ─▶ Blank ─▶ Blanks ─▶ Line ─▶ [Payload ─▶ PayloadCr ─▶ PayloadLf] ────────┘
 *                        └──▶ Ignored (PING, PONG, +OK)
 * Two ways through, one grammar. The loop takes nearly all traffic and changes nothing unless a command is whole, well-formed and
 * within limits. The states below read everything else; they resume at any byte and give the reference's errors. There is no state per
 * byte: native scans and steps over whole runs of bytes lie between the few boundaries.
 * Which verbs exist, and how their arguments are read, is said by the rows of the verb table: a row with a reader (message-line.ts) is
 * followed by a payload, any other line goes to the sink as it is.
 *
 * `suspended` stops the parser after the current command: `parse` returns the offset reached and is called again with the same chunk later.
 * Invariant: between calls the batch is empty, and no chunk is referenced: an incomplete line or message is copied.
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
  /** Everything up to LF is ignored. */
  Ignored,
  Payload,
  PayloadCr,
  PayloadLf,
}

/** Bytes of a line that is too long which the log shows. */
const SNIPPET_BYTES_MAX = 128;
const LOWER = 0x20;
const NO_BYTES = Buffer.alloc(0);

export class Parser {
  /** Set by the sink: stop after the current command (an authentication, a stall). */
  suspended = false;
  /** Only CONNECT may come. */
  awaitingAuth = false;
  /** The loop may be used: nothing is traced, confirmed or checked per message. */
  fast = false;
  /** Headers were negotiated: HPUB is allowed. */
  headers = false;
  /** Longest argument text, bytes. */
  lineBytesMax: number;
  /** Largest message, header block included, bytes. The loop checks it; outside of the loop the sink does. */
  payloadBytesMax: number;
  /** What was wrong, for the log, after `parse` returned a refusal. */
  detail = "";

  private readonly sink: CommandSink;
  private readonly batch: MessageBatch;
  private readonly verbs: VerbTable;
  private readonly next: Uint16Array;

  private state = ParserState.Start;
  private node = ROOT;
  private verb = Verb.Pub;
  /** The first `heldSize` bytes: an argument text that goes on in the next chunk. */
  private held: Buffer = NO_BYTES;
  private heldSize = 0;

  /** Of the message whose line was read. */
  private readonly line = new MessageLine();
  /** While the payload is incomplete: argument text, payload and CRLF of the message, `messageSize` bytes of which are there. */
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
    assert(this.batch.count === 0, "the batch is empty when a read begins", this.batch.count);
    while (at < end) {
      if (this.suspended) return at;
      switch (this.state) {
        // biome-ignore lint/suspicious/noFallthroughSwitchClause: the verb's first byte is looked at in the same step
        case ParserState.Start: {
          if (this.fast) {
            const reached = takePublishes(this, this.sink, this.batch, chunk, at, end);
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
          unreachable("every state of the parser has its step", this.state);
      }
    }
    // The chunk ends right behind a message's line: keep the line, whose bytes lie in this chunk.
    if (this.state === ParserState.Payload && this.message === null) this.holdMessage(chunk);
    return at;
  }

  /** Bytes held of an incomplete line or message. */
  get heldBytes(): number {
    return this.heldSize + this.messageSize;
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

  /** A line is complete: `source` from `start` to `lf`, where an LF stands. Returns the offset behind it, or a negative refusal. */
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

  /** The payload of the message whose line was read: complete in this chunk, or a part that must be kept. */
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

  /** Copies the argument text into a buffer of the message's own, with room for the payload and its CRLF behind it. */
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

  /** A buffer that grew for one long line is released. */
  private releaseLine(): void {
    this.heldSize = 0;
    if (this.held.length > 1024) this.held = NO_BYTES;
  }

  /** A CONNECT is not shown: it may hold secrets anywhere. */
  private lineTooLong(source: Buffer, start: number, end: number): string {
    const shown = this.verb === Verb.Connect ? "[REDACTED]" : snippet(source.subarray(0, end), start, SNIPPET_BYTES_MAX);
    return `maximum control line exceeded (snip: ${shown}...)`;
  }

  private refuseByte(chunk: Buffer, at: number): number {
    this.detail = `parser ERROR, state=${this.state}, i=${at}: proto='${snippet(chunk, at, 32)}...'`;
    return -Refusal.UnknownOperation;
  }
}

/** A piece of the bytes read. Like the reference's it leaves out the last byte. */
function snippet(source: Buffer, start: number, bytesMax: number): string {
  return quote(source, start, Math.max(start, Math.min(source.length - 1, start + bytesMax)));
}
