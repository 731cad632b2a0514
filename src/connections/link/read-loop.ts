/**
 * The reading side of a connection: hands chunks of the transport to the parser, in order. A parser may stop in the middle of a chunk.
 *
 *   onData ─▶ parse ─┬─ to the end of the chunk ─▶ further reads at once, if the chunk was large
 *                    ├─ suspended ─▶ the rest is kept, the transport paused ─▶ work(), in a later turn or slice
 *                    └─ refused ───▶ onCommandRefused
 * A parser is suspended while the client is being authenticated, while the connection is stalled (stall.ts), and when the connection has used
 * its share of work (`charge`). Later bytes are not parsed in the meantime, so the order is kept. The kept bytes are bounded by one read,
 * because a paused transport delivers no further chunks.
 *
 * A connection gets one share per round of the scheduler, however its input arrives: in one large read, or in many small ones that the runtime
 * hands over without looking at other sockets in between.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Task } from "../../base/scheduling/scheduler.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";
import type { Transport } from "../../wire/transport/transport.ts";
import { FLAG_AUTHENTICATING, FLAG_CONNECT_RECEIVED, FLAG_PAUSED, FLAG_YIELDED, FLAGS_SUSPENDING } from "./connection-flag.ts";
import type { Turn } from "./turn.ts";

/** After a read of this size another one follows at once. */
const BULK_BYTES_MIN = 256 * 1024;
/** A larger rest of the shared read buffer is kept with the buffer; a smaller one is copied. */
const COPIED_REST_BYTES_MAX = 64 * 1024;
/** Bytes that are read for one unit of work, as a shift: 256. */
const READ_UNIT_SHIFT = 8;
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
  /** The last command is not complete, because the share of work was used up within it. `finishCommand` continues it. */
  readonly commandUnfinished: boolean;
  /** Continues it, also after the connection was closed. @returns false if the share is used up again */
  finishCommand(): boolean;
  /** All bytes that were received are parsed. Called if the peer's end waited for it, see `ReadLoop.holdsInput`. */
  onInputParsed(): void;
}

export class ReadLoop implements Task {
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
  /** A defect occurred: nothing more is parsed. */
  private broken = false;
  /** It waits in a queue, of the turn or of the scheduler. */
  private queued = false;
  /** The socket may hold more bytes than the last read had room for. */
  private moreToRead = false;
  /** The round of the scheduler in which `used` was counted. */
  private round = 0;
  /** Work for this connection in that round. */
  private used = 0;

  constructor(owner: ReadLoopOwner, parser: StreamParser) {
    this.owner = owner;
    this.parser = parser;
  }

  /** Bytes were received that will still be parsed. The end of the peer must wait for them. */
  get holdsInput(): boolean {
    if (this.broken) return false;
    return (this.unparsed.length > 0 || this.owner.commandUnfinished) && (this.owner.flags & FLAG_AUTHENTICATING) === 0;
  }

  /** The read loop owns the chunk from now on. */
  onData(chunk: Buffer): void {
    const { owner } = this;
    const { turn } = owner.host;
    const { meter, scheduler } = turn;
    const startedAt = turn.clock.now();
    turn.now = startedAt;
    this.followRound();
    const before = meter.done;
    if (this.unparsed.length > 0 || this.queued) this.unparsed.push(chunk);
    else if (scheduler.beginEvent(this.used, (owner.flags & FLAG_CONNECT_RECEIVED) === 0)) {
      this.moreToRead = chunk.length >= BULK_BYTES_MIN;
      this.read(chunk, 0);
      if (this.moreToRead) {
        turn.end();
        this.readMore();
      }
    } else {
      this.unparsed.push(chunk);
      this.yield();
    }
    this.queueIfYielded();
    turn.end();
    this.used += meter.done - before;
    const elapsedMs = turn.clock.now() - startedAt;
    if (elapsedMs >= READ_REPORT_MS) owner.log.warn(`${owner.label} - Readloop processing time: ${elapsedMs / 1000}s`);
  }

  /** In a new round of the scheduler the connection has used nothing of its share. */
  private followRound(): void {
    const { round } = this.owner.host.turn.scheduler;
    if (this.round === round) return;
    this.round = round;
    this.used = 0;
  }

  /** The peer sends more than one read of the event loop holds: reads on, into a shared buffer, as long as the share lasts. */
  private readMore(): void {
    const { owner, parser } = this;
    const { turn } = owner.host;
    while (this.moreToRead && !parser.suspended && !owner.closed) {
      if (turn.meter.exhausted) return this.yield();
      const size = owner.transport.readMore(turn.readBuffer);
      this.moreToRead = size >= BULK_BYTES_MIN;
      if (size === 0) return;
      const chunk = turn.readBuffer.subarray(0, size);
      this.read(chunk, 0);
      if (this.unparsed[0] === chunk || owner.commandUnfinished) this.keep(chunk);
      turn.end();
    }
  }

  /** The next read overwrites the shared buffer, so bytes that are still needed are copied, or the buffer is kept. */
  private keep(chunk: Buffer): void {
    const rest = this.unparsed[0] === chunk ? chunk.length - this.unparsedAt : 0;
    if (this.owner.commandUnfinished || rest > COPIED_REST_BYTES_MAX) return this.owner.host.turn.keepReadBuffer();
    this.unparsed[0] = Buffer.from(chunk.subarray(this.unparsedAt));
    this.unparsedAt = 0;
  }

  private read(chunk: Buffer, at: number): void {
    const { owner } = this;
    if (at === 0) {
      this.chunk++;
      this.inBytesBefore = owner.inBytes;
      owner.host.turn.meter.done += chunk.length >> READ_UNIT_SHIFT;
    }
    const reached = this.parser.parse(chunk, at);
    owner.commitRead();
    if (reached < 0) return owner.onCommandRefused(-reached);
    assert(reached >= at && reached <= chunk.length, "a parser stops inside the chunk, after the offset where it began", reached, at);
    if (owner.closed) return;
    if (reached < chunk.length) {
      // Suspended: the rest is kept before the later chunks.
      this.unparsed.unshift(chunk);
      this.unparsedAt = reached;
    } else if ((owner.flags & FLAGS_SUSPENDING & ~FLAG_AUTHENTICATING) === 0) return; // while it authenticates, the transport still reports its end
    this.pauseTransport();
  }

  /** Stops after the current command. @param flag the reason, one of `FLAGS_SUSPENDING`; the caller clears it before it resumes */
  suspend(flag: number): void {
    this.owner.flags |= flag;
    this.parser.suspended = true;
  }

  /** Counts work for this connection. Reading stops after the current command when the share is used up. */
  charge(units: number): void {
    const { meter } = this.owner.host.turn;
    meter.done += units;
    if (meter.exhausted) this.suspend(FLAG_YIELDED);
  }

  /** Reading continues at the end of the turn, unless there is another reason to be suspended. */
  resumeLater(): void {
    if (this.queued) return;
    this.queued = true;
    this.owner.host.turn.resumeLater(this);
  }

  private yield(): void {
    this.suspend(FLAG_YIELDED);
    this.pauseTransport();
  }

  private queueIfYielded(): void {
    if ((this.owner.flags & FLAG_YIELDED) === 0 || this.queued) return;
    this.queued = true;
    this.owner.host.turn.scheduler.add(this);
  }

  /** Continues where the parser was suspended, for one share. Called by the turn and by the scheduler. */
  work(): boolean {
    const { owner } = this;
    const { turn } = owner.host;
    owner.flags &= ~FLAG_YIELDED;
    turn.now = turn.clock.now();
    this.followRound();
    const before = turn.meter.done;
    this.queued = false; // reading may be resumed again during this call, for example because a consumer is closed
    try {
      this.resumeReading();
    } catch (error) {
      // As after a defect within a socket's event. What is left of the input is dropped.
      this.broken = true;
      this.unparsed.length = 0;
      owner.transport.terminate();
      throw error;
    }
    this.used += turn.meter.done - before;
    if ((owner.flags & FLAG_YIELDED) === 0 || this.queued) return false;
    this.queued = true;
    return true;
  }

  private resumeReading(): void {
    const { owner, parser } = this;
    if (owner.commandUnfinished) {
      const finished = owner.finishCommand();
      owner.commitRead();
      if (!finished) {
        owner.flags |= FLAG_YIELDED;
        return;
      }
    }
    if (owner.closed) return;
    parser.suspended = (owner.flags & FLAGS_SUSPENDING) !== 0;
    while (!parser.suspended && !owner.closed && this.unparsed.length > 0) {
      const chunk = this.unparsed.shift()!;
      const at = this.unparsedAt;
      this.unparsedAt = 0;
      this.read(chunk, at);
    }
    if (this.moreToRead) this.readMore();
    if (parser.suspended || owner.closed) return;
    this.resumeTransport();
    owner.onInputParsed();
  }

  /** Called when the connection is closed, possibly during a read: nothing after the current command is parsed. */
  stop(): void {
    this.unparsed.length = 0;
    this.moreToRead = false;
    this.parser.suspended = true;
    this.resumeTransport(); // a paused transport does not notice that the peer ends its side
  }

  private pauseTransport(): void {
    const { owner } = this;
    if ((owner.flags & FLAG_PAUSED) !== 0) return;
    owner.flags |= FLAG_PAUSED;
    owner.transport.pause();
  }

  private resumeTransport(): void {
    const { owner } = this;
    if ((owner.flags & FLAG_PAUSED) === 0) return;
    owner.flags &= ~FLAG_PAUSED;
    owner.transport.resume();
  }
}
