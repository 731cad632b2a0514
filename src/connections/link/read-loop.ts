/**
 * The reading side of a connection: hands chunks of the transport to the parser, in order. A parser may stop in the middle of a chunk.
 *
 *   onData ─▶ parse ─┬─ to the end of the chunk ─▶ further reads at once, if the chunk was large
 *                    ├─ suspended ─▶ the rest is kept, the transport paused ─▶ resumeReading, at the end of a later turn
 *                    └─ refused ───▶ onCommandRefused
 * A parser is suspended while the client is being authenticated or the connection is stalled (stall.ts). Later bytes are not parsed in the
 * meantime, so the order is kept. The kept bytes are bounded by one read, because a paused transport delivers no further chunks.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";
import type { Transport } from "../../wire/transport/transport.ts";
import { FLAG_PAUSED, FLAGS_SUSPENDING } from "./connection-flag.ts";
import type { Resumable, Turn } from "./turn.ts";

/** After a read of this size another one follows at once. */
const BULK_BYTES_MIN = 256 * 1024;
/** Limited, because other connections have to wait. */
const FURTHER_READS_MAX = 3;
/** If one read takes this long or longer to handle, the log reports it. */
const READ_REPORT_MS = 2_000;

/** Turns bytes into commands; the parser of `wire/protocol`, or that of another protocol. */
export interface StreamParser {
  /** Set to stop after the current command. */
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
  /** Adds the messages of one read to the totals. */
  commitRead(): void;
  /** The parser refused a command: nothing more is read. */
  onCommandRefused(refusal: Refusal): void;
}

export class ReadLoop implements Resumable {
  /** Rises with each chunk whose parsing begins. */
  chunk = 0;
  /** The owner's `inBytes` when the parsing of `chunk` began. */
  inBytesBefore = 0;
  private readonly owner: ReadLoopOwner;
  private readonly parser: StreamParser;
  /** A chunk that was not parsed to its end, and the chunks after it. */
  private readonly unparsed: Buffer[] = [];
  /** Offset of the first unparsed byte in `unparsed[0]`. */
  private unparsedAt = 0;

  constructor(owner: ReadLoopOwner, parser: StreamParser) {
    this.owner = owner;
    this.parser = parser;
  }

  /** The read loop owns the chunk from now on. */
  onData(chunk: Buffer): void {
    const { owner } = this;
    const { turn } = owner.host;
    const startedAt = turn.clock.now();
    turn.now = startedAt;
    if (this.unparsed.length > 0) this.unparsed.push(chunk);
    else this.read(chunk, 0);
    turn.end();
    if (chunk.length >= BULK_BYTES_MIN) this.readMore();
    const elapsedMs = turn.clock.now() - startedAt;
    if (elapsedMs >= READ_REPORT_MS) owner.log.warn(`${owner.label} - Readloop processing time: ${elapsedMs / 1000}s`);
  }

  /** The peer sends more than one read of the event loop holds: reads a few more times, into a shared buffer. */
  private readMore(): void {
    const { owner } = this;
    const { turn } = owner.host;
    for (let reads = 0; reads < FURTHER_READS_MAX && !owner.closed && this.unparsed.length === 0; reads++) {
      const size = owner.transport.readMore(turn.readBuffer);
      if (size === 0) return;
      const chunk = turn.readBuffer.subarray(0, size);
      this.read(chunk, 0);
      // The next read overwrites the buffer, so bytes that were not parsed are copied.
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
    // Suspended: the rest is kept before the later chunks.
    this.unparsed.unshift(chunk);
    this.unparsedAt = reached;
    if ((owner.flags & FLAG_PAUSED) === 0) {
      owner.flags |= FLAG_PAUSED;
      owner.transport.pause();
    }
  }

  /** Stops after the current command. @param flag the reason, one of `FLAGS_SUSPENDING`; the caller clears it before it resumes */
  suspend(flag: number): void {
    this.owner.flags |= flag;
    this.parser.suspended = true;
  }

  /** Reading continues at the end of the turn, unless there is another reason to be suspended. */
  resumeLater(): void {
    this.owner.host.turn.resumeLater(this);
  }

  /** Continues where the parser was suspended. Called by the turn. */
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

  /** Called when the connection is closed, possibly during a read: nothing after the current command is parsed. */
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
