/**
 * The reading side of a connection: chunks from the transport go through the parser, in order, and may stop in the middle.
 *
 *   onData ─▶ parse ─┬─ to the end of the chunk ─▶ further reads at once, if the peer sends in bulk
 *                    ├─ suspended ─▶ the rest is kept, the transport paused ─▶ resumeReading, at the end of a later turn
 *                    └─ refused ───▶ onCommandRefused
 * A parser is suspended while an authentication is under way or the connection is stalled (stall.ts). Nothing behind is looked at until
 * then, so order holds; what is kept is bounded by one read of the transport, as a paused transport brings no further chunk after it.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";
import type { Transport } from "../../wire/transport/transport.ts";
import { FLAG_PAUSED, FLAGS_SUSPENDING } from "./connection-flag.ts";
import type { Resumable, Turn } from "./turn.ts";

/** After a read of this size another one follows at once. */
const BULK_BYTES_MIN = 256 * 1024;
/** Bounded, as other connections wait meanwhile. */
const FURTHER_READS_MAX = 3;
/** Handling one read is expected to take less; if it takes longer, the log says so. */
const READ_REPORT_MS = 2_000;

/** Turns bytes into commands; the parser of `wire/protocol`, or that of another protocol. */
export interface StreamParser {
  /** Set to stop after the command under way. */
  suspended: boolean;
  /** @returns the offset reached, less than the chunk's length when suspended; or a `Refusal`, negated */
  parse(chunk: Buffer, at: number): number;
}

/** The connection that is read, as its read loop needs it. */
export interface ReadLoopOwner {
  flags: number;
  readonly closed: boolean;
  readonly inBytes: number;
  readonly transport: Transport;
  readonly host: { readonly turn: Turn };
  readonly log: Logger;
  readonly label: string;
  /** Adds what one read brought to the totals. */
  commitRead(): void;
  /** The parser gave up on a command: nothing more is read. */
  onCommandRefused(refusal: Refusal): void;
}

export class ReadLoop implements Resumable {
  /** Rises with each chunk whose parsing begins, */
  chunk = 0;
  /** and what the owner's `inBytes` was then. */
  inBytesBefore = 0;
  private readonly owner: ReadLoopOwner;
  private readonly parser: StreamParser;
  /** A chunk that was not parsed to its end, and those that came after it. */
  private readonly unparsed: Buffer[] = [];
  /** Offset of the first unparsed byte in `unparsed[0]`. */
  private unparsedAt = 0;

  constructor(owner: ReadLoopOwner, parser: StreamParser) {
    this.owner = owner;
    this.parser = parser;
  }

  /** The chunk is the read loop's from now on. */
  onData(chunk: Buffer): void {
    const { owner } = this;
    const { turn } = owner.host;
    const startedAt = turn.clock.now();
    turn.now = startedAt;
    if (this.unparsed.length > 0) this.unparsed.push(chunk);
    else this.read(chunk, 0);
    turn.end();
    if (chunk.length >= BULK_BYTES_MIN) this.readOn();
    const elapsedMs = turn.clock.now() - startedAt;
    if (elapsedMs >= READ_REPORT_MS) owner.log.warn(`${owner.label} - Readloop processing time: ${elapsedMs / 1000}s`);
  }

  /** The peer sends more than one read of the event loop brings: a few more reads, into a buffer that is used again. */
  private readOn(): void {
    const { owner } = this;
    const { turn } = owner.host;
    for (let reads = 0; reads < FURTHER_READS_MAX && !owner.closed && this.unparsed.length === 0; reads++) {
      const size = owner.transport.readMore(turn.readBuffer);
      if (size === 0) return;
      const chunk = turn.readBuffer.subarray(0, size);
      this.read(chunk, 0);
      // The next read overwrites the buffer: what was not parsed is copied.
      if (this.unparsed[0] === chunk) this.unparsed[0] = Buffer.from(chunk);
      turn.end();
      if (size < BULK_BYTES_MIN) return;
    }
  }

  private read(chunk: Buffer, at: number): void {
    const { owner } = this;
    if (at === 0) {
      this.chunk++;
      this.inBytesBefore = owner.inBytes;
    }
    const reached = this.parser.parse(chunk, at);
    owner.commitRead();
    if (reached < 0) return owner.onCommandRefused(-reached);
    assert(reached >= at && reached <= chunk.length, "a parser stops inside the chunk, after the offset where it began", reached, at);
    if (reached === chunk.length || owner.closed) return;
    // Suspended: the rest goes before the chunks that came behind it.
    this.unparsed.unshift(chunk);
    this.unparsedAt = reached;
    if ((owner.flags & FLAG_PAUSED) === 0) {
      owner.flags |= FLAG_PAUSED;
      owner.transport.pause();
    }
  }

  /** Stops behind the command under way. @param flag the reason, one of `FLAGS_SUSPENDING`; the caller clears it before it resumes */
  suspend(flag: number): void {
    this.owner.flags |= flag;
    this.parser.suspended = true;
  }

  /** Reading goes on at the end of the turn, unless another reason to be suspended is left. */
  resumeLater(): void {
    this.owner.host.turn.resumeLater(this);
  }

  /** Parses on from where the parser was suspended. Called by the turn. */
  resumeReading(): void {
    const { owner, parser } = this;
    if (owner.closed) return;
    parser.suspended = (owner.flags & FLAGS_SUSPENDING) !== 0;
    while (!parser.suspended && !owner.closed && this.unparsed.length > 0) {
      const chunk = this.unparsed.shift()!;
      const at = this.unparsedAt;
      this.unparsedAt = 0;
      this.read(chunk, at);
    }
    if (!parser.suspended && !owner.closed) this.resumeTransport();
  }

  /** The connection is closed, perhaps in the middle of a read: nothing behind the command under way is looked at. */
  stop(): void {
    this.unparsed.length = 0;
    this.parser.suspended = true;
    this.resumeTransport(); // a paused transport does not notice that the peer ends its side
  }

  private resumeTransport(): void {
    const { owner } = this;
    if ((owner.flags & FLAG_PAUSED) === 0) return;
    owner.flags &= ~FLAG_PAUSED;
    owner.transport.resume();
  }
}
