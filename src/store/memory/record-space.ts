/**
 * The bytes of a memory store's messages: records, one after the other, in chunks of memory.
 *
 *   chunk    │ record │ record │ (dead) │ record │ free …        a place is the number of a chunk and an offset in words of 8 bytes
 *   record   sequence f64 · TTL f64 · time high, time low i32 · header size, payload size i32 · header · payload · to a multiple of 8
 * Not one buffer per message: an allocation costs more than the copy, and millions of buffers make the garbage collector slow. A record names
 * its sequence and sizes, so a chunk can be walked without an index. A chunk without live records is given back at once. Other dead bytes are
 * reclaimed by copying: once more than half of all bytes are dead, the live records of a chunk that is mostly dead move into the current one.
 * So the bytes used are at most twice the live ones (plus `SLACK_BYTES`), and each dead byte costs the copy of one live byte at most.
 * A stream that only loses its oldest messages never copies: its chunks empty one by one.
 */
import type { Message } from "../contract/message.ts";
import { CHUNK_BYTES, type Chunk, type ChunkPool } from "./chunk-pool.ts";

const RECORD_HEAD_BYTES = 32;
/** The first chunk of a store. Later ones are as large as all live bytes, up to `CHUNK_BYTES`. */
const FIRST_CHUNK_BYTES = 4 * 1024;
/** A record above this size has a chunk of its own. */
const SHARED_RECORD_BYTES_MAX = CHUNK_BYTES / 4;
/** Dead bytes that are always tolerated. */
const SLACK_BYTES = 16 * 1024;
/** Up to this size a loop over bytes is as fast as a native copy, which takes about 20 ns. */
const LOOP_BYTES_MAX = 32;
/** It takes any `Uint8Array`, and less than half the time of `set` with a `subarray`. */
const nativeCopy = Buffer.prototype.copy;

/** Knows which records are live, and is told when one moves. */
export interface RecordOwner {
  isLive(sequence: number, chunk: number, offset: number): boolean;
  onMoved(sequence: number, chunk: number, offset: number): void;
}

export class RecordSpace {
  /** Indexed by the number of a chunk; 0 is no chunk. */
  private readonly chunks: (Chunk | null)[] = [null];
  private readonly freeNumbers: number[] = [];
  /** Numbers of the chunks with more dead than live bytes, oldest first. */
  private sparse: number[] = [];
  private used = 0;
  private live = 0;
  /** The chunk that takes small records, and its number; 0: none yet. */
  private currentChunk: Chunk | null = null;
  private current = 0;
  /** The chunk of the record written last. */
  written = 0;

  constructor(
    private readonly pool: ChunkPool,
    private readonly owner: RecordOwner,
  ) {}

  /** Bytes of memory that are taken from the pool. */
  get bytesTaken(): number {
    return this.chunks.reduce((sum, chunk) => sum + (chunk?.bytes.length ?? 0), 0);
  }

  /**
   * Copies a message.
   * @param ttlSeconds as in `MessageStore.append`
   * @returns the record's offset; its chunk is `written`
   */
  write(message: Message, sequence: number, ttlSeconds: number): number {
    const headerSize = message.headerEnd - message.headerStart;
    const payloadSize = message.payloadEnd - message.payloadStart;
    const size = (RECORD_HEAD_BYTES + headerSize + payloadSize + 7) & ~7;
    const chunk = this.room(size);
    const start = chunk.used;
    chunk.used = start + size;
    chunk.live += size;
    this.used += size;
    this.live += size;
    const offset = start >>> 3;
    chunk.numbers[offset] = sequence;
    chunk.numbers[offset + 1] = ttlSeconds;
    const { words } = chunk;
    const word = start >>> 2;
    words[word + 4] = message.timeHigh;
    words[word + 5] = message.timeLow;
    words[word + 6] = headerSize;
    words[word + 7] = payloadSize;
    const body = start + RECORD_HEAD_BYTES;
    if (headerSize > 0) copy(message.header, message.headerStart, message.headerEnd, chunk.bytes, body);
    if (payloadSize > 0) copy(message.payload, message.payloadStart, message.payloadEnd, chunk.bytes, body + headerSize);
    return offset;
  }

  /** Fills in everything but the subject. */
  read(chunk: number, offset: number, into: Message): void {
    const { bytes, numbers, words } = this.chunks[chunk]!;
    const word = offset << 1;
    into.sequence = numbers[offset];
    into.timeHigh = words[word + 4];
    into.timeLow = words[word + 5] >>> 0;
    const header = (offset << 3) + RECORD_HEAD_BYTES;
    const payload = header + words[word + 6];
    into.header = bytes;
    into.headerStart = header;
    into.headerEnd = payload;
    into.payload = bytes;
    into.payloadStart = payload;
    into.payloadEnd = payload + words[word + 7];
  }

  /** Bytes of header and payload. */
  contentSize(chunk: number, offset: number): number {
    const { words } = this.chunks[chunk]!;
    return words[(offset << 1) + 6] + words[(offset << 1) + 7];
  }

  timeHigh(chunk: number, offset: number): number {
    return this.chunks[chunk]!.words[(offset << 1) + 4];
  }

  timeLow(chunk: number, offset: number): number {
    return this.chunks[chunk]!.words[(offset << 1) + 5] >>> 0;
  }

  ttl(chunk: number, offset: number): number {
    return this.chunks[chunk]!.numbers[offset + 1];
  }

  /** Overwrites header and payload. */
  erase(chunk: number, offset: number): void {
    const start = (offset << 3) + RECORD_HEAD_BYTES;
    crypto.getRandomValues(this.chunks[chunk]!.bytes.subarray(start, start + this.contentSize(chunk, offset)));
  }

  /** Marks a record dead. The owner must not count it as live any more. Call `compact` when the change is complete. */
  free(chunk: number, offset: number): void {
    const holder = this.chunks[chunk]!;
    const size = (RECORD_HEAD_BYTES + this.contentSize(chunk, offset) + 7) & ~7;
    holder.live -= size;
    this.live -= size;
    if (holder.live === 0) {
      this.used -= holder.used;
      if (chunk === this.current) holder.used = 0;
      else this.release(chunk, holder);
    } else if (holder.live * 2 < holder.used && !holder.listed) {
      holder.listed = true;
      this.sparse.push(chunk);
    }
  }

  /** Whether so much is dead that `compact` is due. */
  get wasteful(): boolean {
    return this.used > this.live * 2 + SLACK_BYTES;
  }

  /** Moves the live records of a chunk that is mostly dead. Bytes that were lent move too. */
  compact(): void {
    while (this.wasteful) {
      const number = this.sparse.shift();
      if (number === undefined) return;
      const chunk = this.chunks[number]!;
      chunk.listed = false;
      // The current chunk may have got new records since it was listed.
      if (chunk.live * 2 >= chunk.used) continue;
      if (number === this.current) this.leaveCurrent();
      this.moveRecords(number, chunk);
    }
  }

  /** Forgets all records. */
  clear(): void {
    for (const chunk of this.chunks) if (chunk !== null) this.pool.give(chunk);
    this.chunks.length = 1;
    this.freeNumbers.length = 0;
    this.sparse = [];
    this.used = 0;
    this.live = 0;
    this.currentChunk = null;
    this.current = 0;
  }

  /** A chunk with room for a record. */
  private room(size: number): Chunk {
    const { currentChunk } = this;
    if (currentChunk !== null && currentChunk.used + size <= currentChunk.bytes.length) {
      this.written = this.current;
      return currentChunk;
    }
    return this.newChunk(size);
  }

  private newChunk(size: number): Chunk {
    if (size > SHARED_RECORD_BYTES_MAX) {
      const own = this.pool.take(size);
      this.written = this.numberFor(own);
      return own;
    }
    this.leaveCurrent();
    let bytes = FIRST_CHUNK_BYTES;
    while (bytes < CHUNK_BYTES && (bytes < this.live || bytes < size * 4)) bytes *= 4;
    const chunk = this.pool.take(bytes);
    this.current = this.numberFor(chunk);
    this.currentChunk = chunk;
    this.written = this.current;
    return chunk;
  }

  private leaveCurrent(): void {
    const { current, currentChunk } = this;
    this.current = 0;
    this.currentChunk = null;
    if (currentChunk !== null && currentChunk.live === 0) this.release(current, currentChunk);
  }

  private numberFor(chunk: Chunk): number {
    const number = this.freeNumbers.pop();
    if (number === undefined) return this.chunks.push(chunk) - 1;
    this.chunks[number] = chunk;
    return number;
  }

  private release(number: number, chunk: Chunk): void {
    if (chunk.listed) this.sparse.splice(this.sparse.indexOf(number), 1);
    this.chunks[number] = null;
    this.freeNumbers.push(number);
    this.pool.give(chunk);
  }

  private moveRecords(number: number, source: Chunk): void {
    const { numbers, words } = source;
    const end = source.used;
    for (let start = 0; start < end; ) {
      const offset = start >>> 3;
      const content = words[(offset << 1) + 6] + words[(offset << 1) + 7];
      const size = (RECORD_HEAD_BYTES + content + 7) & ~7;
      const sequence = numbers[offset];
      if (this.owner.isLive(sequence, number, offset)) {
        const target = this.room(size);
        target.bytes.set(source.bytes.subarray(start, start + size), target.used);
        const moved = target.used >>> 3;
        target.used += size;
        target.live += size;
        this.used += size;
        this.live += size;
        this.owner.onMoved(sequence, this.written, moved);
      }
      start += size;
    }
    this.used -= source.used;
    this.live -= source.live;
    this.release(number, source);
  }
}

function copy(source: Uint8Array, start: number, end: number, target: Buffer, at: number): void {
  if (end - start > LOOP_BYTES_MAX) {
    nativeCopy.call(source as Buffer, target, at, start, end);
    return;
  }
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from];
}
