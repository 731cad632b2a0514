import { expect } from "bun:test";
import type { ByteVector } from "../../src/wire/transport/byte-vector.ts";
import type { Transport } from "../../src/wire/transport/transport.ts";

/** A transport that accepts as many bytes as the test allows, and keeps them for inspection. */
export class FakeTransport implements Transport {
  readonly type = "nats";
  readonly handshaking = false;
  readonly handshakesFirst = false;
  readonly tls = null;
  readonly remoteAddress = "192.0.2.1";
  readonly remotePort = 4242;
  readonly inProcess = false;
  readonly vectored: boolean;
  /** Number of bytes that the kernel takes until it is full. */
  room = Number.POSITIVE_INFINITY;
  /** When true, writes fail. */
  broken = false;
  /** Called within `terminate`, where sockets of Bun report their close. */
  onTerminate = (): void => {};
  /** Called within `end`, where sockets of Bun report their close when the kernel holds no bytes of them. */
  onEnd = (): void => {};
  paused = false;
  ended = false;
  terminated = false;
  writes = 0;
  vectors = 0;
  private readonly chunks: Buffer[] = [];
  private size = 0;

  constructor({ vectored = false } = {}) {
    this.vectored = vectored;
  }

  /** All bytes that the kernel took since the last `next`. */
  get taken(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get takenBytes(): number {
    return this.size;
  }

  get text(): string {
    return this.taken.toString("latin1");
  }

  /** @returns the text written since the last call */
  next(): string {
    const text = this.text;
    this.chunks.length = 0;
    return text;
  }

  write(source: Buffer, offset: number, length: number): number {
    expect(length).toBeGreaterThan(0);
    expect(offset + length).toBeLessThanOrEqual(source.length);
    this.writes++;
    if (this.broken || this.ended || this.terminated) return -1;
    return this.take(source, offset, offset + length);
  }

  writeVector(vector: ByteVector): number {
    expect(this.vectored).toBe(true);
    this.vectors++;
    if (this.broken) return 0;
    let taken = 0;
    for (let index = 0; index < vector.count; index++) {
      const size = vector.ends[index] - vector.starts[index];
      const took = this.take(vector.sources[index], vector.starts[index], vector.ends[index]);
      taken += took;
      if (took < size) break;
    }
    return taken;
  }

  private take(source: Buffer, start: number, end: number): number {
    const size = Math.min(end - start, this.room);
    if (size > 0) this.chunks.push(Buffer.from(source.subarray(start, start + size)));
    this.room -= size;
    this.size += size;
    return size;
  }

  readMore(): number {
    return 0;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.ended = true;
    this.onEnd();
  }

  terminate(): void {
    if (this.terminated) return;
    this.terminated = true;
    this.onTerminate();
  }
}
