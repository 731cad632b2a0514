/**
 * Output of one connection: appended during a turn, written once at its end.
 *
 *   append ─▶ tail (one pooled chunk, 512 B → 4 KiB → 64 KiB as the turn's output grows)
 *               │ full, or end of turn
 *               ▼
 *             kernel ── takes all ──▶ the chunk goes back to the pool: an idle connection holds none
 *               │ takes less
 *               ▼
 *             backlog (chunks in order) ── drain ─▶ kernel
 * Blocks of 16 KiB and more are written without a copy if there is no backlog; only the bytes that the kernel does not take are copied. So a
 * large payload is written from the chunk into which it was read, and a batch for many receivers is encoded once.
 *
 * Bounds: if more than `pendingBytesMax` bytes wait after a write, the connection is a slow consumer. From 75 % on producers stall
 * (`stalling`), and earlier if all connections together hold much output. If the kernel does not take a batch of output within the write deadline, the connection is a slow consumer too; under
 * policy `retry` it gets a flag and another deadline. Progress within a batch does not restart its deadline.
 * Source: reference, core §1.10.
 */
import { assert } from "../../base/assert/assert.ts";
import { encode } from "../../base/bytes/ascii.ts";
import { LARGEST_CHUNK_BYTES, LARGEST_TIER, TIER_BYTES } from "../../base/bytes/buffer-pool.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { UNIT_BYTES_SHIFT, UnitsOf } from "../../base/scheduling/work-meter.ts";
import type { ByteVector } from "../../wire/transport/byte-vector.ts";
import type { Transport } from "../../wire/transport/transport.ts";
import type { Turn } from "./turn.ts";
import { TurnPhase, type TurnWork } from "./turn-phases.ts";

/** From this size on, bytes: a block is written without a copy. */
const DIRECT_BYTES_MIN = 16 * 1024;
/**
 * When all connections together hold more output than this, producers stall for consumers with more than `PRESSURE_STALL_BYTES`. Otherwise a
 * producer that is faster than its thousand consumers would fill a thousand times 48 MiB, and the server would spend its time on that memory.
 */
const PRESSURE_BYTES = 64 * 1024 * 1024;
const PRESSURE_STALL_BYTES = 256 * 1024;
/** Turns of small output after which a connection starts with a smaller chunk again. */
const SHRINK_TURNS = 16;
/** Most bytes under one write deadline: the reference writes at most 1,024 vectors of at most 64 KiB at once. */
const DEADLINE_BATCH_BYTES = 1024 * LARGEST_CHUNK_BYTES;

/** Most bytes of one UTF-16 unit in UTF-8. */
const CHARACTER_BYTES_MAX = 3;
const EMPTY = Buffer.alloc(0);

export interface OutboundLimits {
  pendingBytesMax: number;
  writeDeadlineMs: number;
}

/** The connection, which is notified about its output. */
export interface OutboundOwner {
  onPendingBytesExceeded(limit: number): void;
  /** The deadline passed. @param tookSome the kernel took a part @param chunks @param bytes of the batch that was being written */
  onWriteDeadline(tookSome: boolean, chunks: number, bytes: number): void;
  onSlowRecovered(elapsedMs: number, chunks: number, bytes: number): void;
  onWriteError(): void;
  /** Pending output fell below 75 % of the limit: stalled producers may continue. */
  onStallReleased(): void;
  /** `closeAfterFlush` was called, and the kernel has all output. */
  onFlushedForClose(): void;
}

export class Outbound implements TurnWork {
  /** Its bytes from 0 to `tailSize` are not written yet. Hot paths append to them after `reserve`. */
  tail: Buffer = EMPTY;
  tailSize = 0;
  /** Pending output is over 75 % of the limit. */
  stalling = false;
  /** Nothing more is appended. The owner is notified when the pending output is written. */
  closing = false;
  closed = false;
  /** Flagged by a missed deadline under policy `retry`. */
  slow = false;

  private readonly turn: Turn;
  private readonly transport: Transport;
  private readonly owner: OutboundOwner;
  private readonly limits: OutboundLimits;
  private dirty = false;
  /** Closing, and the kernel has all output. */
  private flushed = false;
  private tier = 0;
  private smallTurns = 0;
  private backlog: Chunk[] = [];
  private backlogHead = 0;
  private backlogBytes = 0;
  private deadline: WheelTimer | null = null;
  private batchLeft = 0;
  private batchChunks = 0;
  private batchBytes = 0;
  private batchStart = 0;
  private batchTookSome = false;
  /** The kernel had room since the deadline passed. */
  private drained = false;

  constructor(turn: Turn, transport: Transport, owner: OutboundOwner, limits: OutboundLimits) {
    this.turn = turn;
    this.transport = transport;
    this.owner = owner;
    this.limits = limits;
  }

  /** Bytes that the kernel does not have yet. */
  get pendingBytes(): number {
    return this.backlogBytes + this.tailSize;
  }

  get hasBacklog(): boolean {
    return this.backlogBytes > 0;
  }

  /**
   * Makes room for `size` bytes, at most 64 KiB, in `tail` after `tailSize`, and marks the connection dirty. The caller writes them there and
   * raises `tailSize`, unless the output is `closed` then.
   */
  reserve(size: number): void {
    if (this.closed) return;
    this.markDirty();
    if (this.tail.length - this.tailSize < size) this.grow(size);
  }

  private markDirty(): void {
    if (this.dirty) return;
    this.dirty = true;
    this.turn.add(TurnPhase.Write, this);
  }

  /** Appends any number of bytes. When it returns, they are copied, or the kernel has them. */
  append(source: Buffer, start: number, end: number): void {
    if (this.closed || this.closing) return;
    const size = end - start;
    if (size >= DIRECT_BYTES_MIN && (this.tailSize === 0 || size >= LARGEST_CHUNK_BYTES)) return this.appendBlock(source, start, end);
    this.turn.meter.done += size >> UNIT_BYTES_SHIFT;
    let at = start;
    if (size > LARGEST_CHUNK_BYTES - this.tailSize) {
      // Fills the chunk to its end, so that a whole chunk is written.
      this.reserve(LARGEST_CHUNK_BYTES - this.tailSize);
      at += LARGEST_CHUNK_BYTES - this.tailSize;
      copy(source, start, at, this.tail, this.tailSize);
      this.tailSize = LARGEST_CHUNK_BYTES;
    }
    this.reserve(end - at);
    if (this.closed) return;
    copy(source, at, end, this.tail, this.tailSize);
    this.tailSize += end - at;
  }

  /** Appends a text, in UTF-8. */
  appendText(text: string): void {
    const sizeMax = text.length * CHARACTER_BYTES_MAX;
    if (sizeMax > LARGEST_CHUNK_BYTES) {
      const bytes = encode(text);
      return this.append(bytes, 0, bytes.length);
    }
    if (this.closed || this.closing) return;
    this.reserve(sizeMax);
    if (this.closed) return;
    const size = this.tail.write(text, this.tailSize);
    this.turn.meter.done += size >> UNIT_BYTES_SHIFT;
    this.tailSize += size;
  }

  /** Appends a large block. Writes it without a copy if there is no backlog. */
  private appendBlock(source: Buffer, start: number, end: number): void {
    this.markDirty();
    let at = start;
    let taken = 0;
    if (this.backlogBytes === 0) {
      if (this.tailSize > 0) this.writeTail();
      if (this.closed) return;
      if (this.backlogBytes === 0) {
        this.countWrite(end - start);
        taken = this.transport.write(source, start, end - start);
        if (taken < 0) return this.fail();
        at += taken;
      }
    }
    if (at === end) return;
    this.queue(source, at, end);
    if (this.tailSize > 0) this.queueTail();
    if (taken > 0) this.batchTookSome = true;
    this.checkPending();
  }

  /** Copies bytes into chunks at the end of the backlog; the last chunk remains the tail. */
  private queue(source: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.tail.length === this.tailSize) {
        if (this.tailSize > 0) this.queueTail();
        this.tail = this.turn.pool.take(LARGEST_TIER);
      }
      const take = Math.min(end - at, this.tail.length - this.tailSize);
      copy(source, at, at + take, this.tail, this.tailSize);
      this.tailSize += take;
      at += take;
    }
  }

  /** Begins a vector for this connection with the bytes of the tail. */
  startVector(vector: ByteVector): void {
    vector.clear();
    if (this.tailSize > 0) vector.add(this.tail, 0, this.tailSize);
  }

  /** Appends the ranges of a vector that `startVector` began. Bytes that the kernel does not take now are copied. */
  appendVector(vector: ByteVector): void {
    if (this.closed || this.closing) return;
    this.markDirty();
    this.countWrite(vector.bytes);
    const taken = this.backlogBytes === 0 && this.transport.vectored ? this.transport.writeVector(vector) : 0;
    assert(taken <= vector.bytes, "the kernel takes at most what it was offered", taken, vector.bytes);
    let skip = taken;
    const tail = this.tail;
    this.tail = EMPTY;
    this.tailSize = 0;
    const allTaken = skip === vector.bytes;
    for (let index = 0; index < vector.count && !allTaken; index++) {
      const size = vector.ends[index] - vector.starts[index];
      if (skip < size) this.queue(vector.sources[index], vector.starts[index] + skip, vector.ends[index]);
      skip = Math.max(0, skip - size);
    }
    if (tail.length > 0) this.turn.pool.give(tail);
    if (allTaken) return;
    if (this.tailSize > 0) this.queueTail();
    if (taken > 0) this.batchTookSome = true;
    this.onDrain(); // an ordinary write, after which the transport announces room in the kernel
    this.checkPending();
  }

  runPhase(phase: TurnPhase): void {
    if (phase === TurnPhase.Write) this.writeTurn();
    else this.endFlush();
  }

  /** Writes the output of the turn. */
  private writeTurn(): void {
    this.dirty = false;
    if (this.closed) return;
    this.followTraffic();
    if (this.tailSize > 0) {
      if (this.backlogBytes === 0) this.writeTail();
      else this.queueTail();
    } else this.releaseTail();
    this.checkPending();
    this.finishClosing();
  }

  /** Called when the kernel takes bytes again. */
  onDrain(): void {
    if (this.closed) return;
    this.drained = true;
    while (this.backlogBytes > 0) {
      assert(this.backlogHead < this.backlog.length, "pending output is in chunks", this.backlogBytes);
      const chunk = this.backlog[this.backlogHead];
      const size = chunk.end - chunk.start;
      this.countWrite(size);
      const taken = this.transport.write(chunk.bytes, chunk.start, size);
      if (taken < 0) return this.fail();
      assert(taken <= size, "the kernel takes at most what it was offered", taken, size);
      this.backlogBytes -= taken;
      if (taken < size) {
        chunk.start += taken;
        this.countForDeadline(taken);
        break;
      }
      this.turn.pool.give(chunk.bytes);
      this.backlog[this.backlogHead++] = NO_CHUNK;
      if (this.backlogHead === this.backlog.length) {
        assert(this.backlogBytes === 0, "a backlog without chunks has no bytes", this.backlogBytes);
        this.backlog.length = 0;
        this.backlogHead = 0;
      } else if (this.backlogHead >= 1024) {
        this.backlog.splice(0, this.backlogHead);
        this.backlogHead = 0;
      }
      this.countForDeadline(taken);
    }
    if (this.stalling && this.pendingBytes < this.stallBytes()) {
      this.stalling = false;
      this.owner.onStallReleased();
    }
    this.finishClosing();
  }

  /** Stops appending. Once the kernel has all output, `onFlushedForClose` is called. Call `Turn.end` afterwards. */
  closeAfterFlush(): void {
    if (this.closed || this.closing) return;
    this.closing = true;
    this.markDirty();
  }

  /** Drops all pending output. */
  abandon(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.deadline !== null) this.turn.timers.cancel(this.deadline);
    if (this.tail.length > 0) this.turn.pool.give(this.tail);
    for (let i = this.backlogHead; i < this.backlog.length; i++) this.turn.pool.give(this.backlog[i].bytes);
    this.tail = EMPTY;
    this.tailSize = 0;
    this.backlog = [];
    this.backlogHead = 0;
    this.backlogBytes = 0;
    if (this.stalling) {
      this.stalling = false;
      this.owner.onStallReleased();
    }
  }

  /** Once the kernel has all output, the owner ends the transport in the turn's last phase. */
  private finishClosing(): void {
    if (!this.closing || this.closed || this.flushed || this.pendingBytes > 0) return;
    this.flushed = true;
    this.turn.add(TurnPhase.Close, this);
  }

  private endFlush(): void {
    if (!this.closed) this.owner.onFlushedForClose();
  }

  /** The tail has no room for `size` more bytes: takes a larger chunk, or writes the full one before the end of the turn. */
  private grow(size: number): void {
    const needed = this.tailSize + size;
    if (needed <= LARGEST_CHUNK_BYTES) {
      let tier = this.tail.length === 0 ? this.tier : 0;
      while (TIER_BYTES[tier] < needed) tier++;
      this.tier = Math.max(this.tier, tier);
      const chunk = this.turn.pool.take(tier);
      if (this.tailSize > 0) copy(this.tail, 0, this.tailSize, chunk, 0);
      if (this.tail.length > 0) this.turn.pool.give(this.tail);
      this.tail = chunk;
      return;
    }
    if (this.backlogBytes === 0) this.writeTail();
    else this.queueTail();
    if (this.closed) return;
    if (this.tail.length < size) {
      if (this.tail.length > 0) this.turn.pool.give(this.tail);
      this.tail = this.turn.pool.take(LARGEST_TIER);
      this.tier = LARGEST_TIER;
    }
    this.checkPending();
  }

  /** Writes the tail. Bytes that the kernel does not take become the backlog. */
  private writeTail(): void {
    this.countWrite(this.tailSize);
    const taken = this.transport.write(this.tail, 0, this.tailSize);
    if (taken === this.tailSize) {
      this.tailSize = 0;
      if (!this.dirty) this.releaseTail();
      return;
    }
    if (taken < 0) return this.fail();
    this.queueTail(taken);
  }

  private countWrite(size: number): void {
    this.turn.meter.done += UnitsOf.write + (size >> UNIT_BYTES_SHIFT);
  }

  private queueTail(start = 0): void {
    if (this.closed) return;
    const size = this.tailSize - start;
    assert(size > 0, "the kernel takes at most what it was offered", start, this.tailSize);
    const first = this.backlogBytes === 0;
    this.backlogBytes += size;
    const last = first ? NO_CHUNK : this.backlog[this.backlog.length - 1];
    if (size <= last.bytes.length - last.end) {
      // Fills up the last chunk: with a backlog, small turns must not hold a chunk each.
      copy(this.tail, start, this.tailSize, last.bytes, last.end);
      last.end += size;
      this.turn.pool.give(this.tail);
    } else this.backlog.push({ bytes: this.tail, start, end: this.tailSize });
    if (first) this.startDeadline(start > 0);
    this.tail = EMPTY;
    this.tailSize = 0;
  }

  private releaseTail(): void {
    if (this.tail.length === 0) return;
    this.turn.pool.give(this.tail);
    this.tail = EMPTY;
  }

  /** Adjusts the size of the next turn's first chunk to the recent turns. */
  private followTraffic(): void {
    if (this.tier === 0) return;
    if (this.tailSize * 8 > TIER_BYTES[this.tier] || this.backlogBytes > 0) this.smallTurns = 0;
    else if (++this.smallTurns >= SHRINK_TURNS) {
      this.smallTurns = 0;
      this.tier--;
    }
  }

  private stallBytes(): number {
    const most = this.limits.pendingBytesMax * 0.75;
    return this.turn.pool.takenBytes > PRESSURE_BYTES ? Math.min(most, PRESSURE_STALL_BYTES) : most;
  }

  /** Pending output is over 75 % of the limit, where the reference stalls producers, too. */
  get nearLimit(): boolean {
    return this.pendingBytes > this.limits.pendingBytesMax * 0.75;
  }

  private checkPending(): void {
    const pending = this.pendingBytes;
    if (pending <= this.stallBytes() || this.closed) return;
    if (this.backlogBytes > 0) this.stalling = true;
    if (pending > this.limits.pendingBytesMax && !this.closing) this.owner.onPendingBytesExceeded(this.limits.pendingBytesMax);
  }

  private fail(): void {
    this.owner.onWriteError();
  }

  /** Begins a batch with a deadline: the bytes that are pending now. */
  private startDeadline(tookSome: boolean): void {
    this.deadline ??= new WheelTimer(() => this.onDeadline());
    this.batchStart = this.turn.clock.monotonic();
    this.batchLeft = Math.min(this.backlogBytes, DEADLINE_BATCH_BYTES);
    this.batchBytes = this.batchLeft;
    this.batchChunks = Math.min(this.backlog.length - this.backlogHead, 1024);
    this.batchTookSome = tookSome;
    this.turn.timers.set(this.deadline, this.limits.writeDeadlineMs);
  }

  /** Counts the bytes that the kernel took of the current batch. When it is complete, the next batch begins. */
  private countForDeadline(taken: number): void {
    if (taken > 0) this.batchTookSome = true;
    this.batchLeft -= taken;
    if (this.batchLeft > 0) return;
    if (this.slow) {
      this.slow = false;
      this.owner.onSlowRecovered(this.turn.clock.monotonic() - this.batchStart, this.batchChunks, this.batchBytes);
    }
    if (this.backlogBytes > 0) this.startDeadline(false);
    else if (this.deadline !== null) this.turn.timers.cancel(this.deadline);
  }

  /**
   * The deadline passed. If the process was blocked, the socket may have had room for long: the event loop looks at it before the peer is
   * condemned.
   */
  private onDeadline(): void {
    if (this.closed || this.backlogBytes === 0) return;
    const { clock } = this.turn;
    const batch = this.batchStart;
    this.drained = false;
    clock.afterEvents(() => clock.afterEvents(() => this.missDeadline(batch)));
  }

  private missDeadline(batch: number): void {
    if (this.closed || this.backlogBytes === 0 || batch !== this.batchStart) return;
    if (this.drained) return this.startDeadline(this.batchTookSome);
    this.owner.onWriteDeadline(this.batchTookSome, this.batchChunks, this.batchBytes);
    if (!this.closed) {
      this.slow = true;
      this.startDeadline(false);
    }
    this.turn.end(); // producers that this connection has stalled may continue
  }
}

interface Chunk {
  readonly bytes: Buffer;
  start: number;
  end: number;
}

const NO_CHUNK: Chunk = { bytes: EMPTY, start: 0, end: 0 };

/** Short pieces byte by byte, longer ones natively: the call costs as much as 48 bytes do (bench/micro/delivery.ts). */
function copy(source: Buffer, start: number, end: number, target: Buffer, at: number): void {
  if (end - start <= 48) {
    for (let i = start, j = at; i < end; i++, j++) target[j] = source[i];
    return;
  }
  source.copy(target, at, start, end);
}
