/**
 * A client connection without knowledge of NATS: it writes the given bytes and keeps the received ones.
 *
 * Every wait is for a condition on the received bytes or for the end, never for time; the timeout only names what did not happen.
 * A reset counts as an end: a server that closes with unread input resets the connection, and that depends on how the network splits it.
 */
import { textOf } from "./byte-text.ts";

/** Time limit for an expected answer. */
export const REPLY_TIMEOUT_MS = 60_000;

export class WireConnection {
  private socket!: Bun.Socket;
  private chunks: Uint8Array[] = [];
  private unread: Uint8Array = new Uint8Array(0);
  private wake: (() => void) | null = null;
  private drained: (() => void) | null = null;
  /** True once the other side has ended the connection. */
  ended = false;

  private constructor(readonly name: string) {}

  static async open(port: number, name: string): Promise<WireConnection> {
    const connection = new WireConnection(name);
    connection.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        data: (_socket, chunk) => {
          connection.chunks.push(new Uint8Array(chunk)); // the runtime reuses the chunk after this call
          connection.wakeUp();
        },
        drain: () => connection.drained?.(),
        end: () => connection.onEnd(),
        close: () => connection.onEnd(),
        error: () => connection.onEnd(),
      },
    });
    connection.socket.setNoDelay(true);
    return connection;
  }

  /** Writes all bytes. Resolves when the kernel has them, or when the connection has ended. */
  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length && !this.ended) {
      const taken = this.socket.write(bytes.subarray(at));
      if (taken < 0) return; // closed under us
      at += taken;
      if (at === bytes.length) return;
      const drained = Promise.withResolvers<void>();
      this.drained = drained.resolve;
      await withTimeout(drained.promise, REPLY_TIMEOUT_MS, () => `${this.name}: the server does not read`);
      this.drained = null;
    }
  }

  /** Bytes that were received and not taken yet. */
  received(): Uint8Array {
    if (this.chunks.length > 0) {
      this.unread = new Uint8Array(Buffer.concat([this.unread, ...this.chunks]));
      this.chunks = [];
    }
    return this.unread;
  }

  /** Takes the first `size` bytes of `received`. */
  take(size: number): Uint8Array {
    const all = this.received();
    this.unread = all.subarray(size);
    return all.subarray(0, size);
  }

  /** Waits for `size` bytes or the end; then takes the received bytes, at most `size`. */
  async takeUpTo(size: number): Promise<Uint8Array> {
    await this.until(() => this.receivedSize() >= size, `${size} bytes`);
    return this.take(Math.min(size, this.receivedSize()));
  }

  /** Waits for a line feed or the end, and takes the bytes up to it. */
  async takeLine(): Promise<Uint8Array> {
    await this.until(() => this.received().includes(0x0a), "a line");
    const lf = this.received().indexOf(0x0a);
    return this.take(lf === -1 ? this.received().length : lf + 1);
  }

  /** Waits until the received bytes contain `bytes`, or for the end; takes nothing. */
  async waitFor(bytes: Uint8Array): Promise<void> {
    await this.until(() => Buffer.from(this.received()).includes(bytes), String(bytes));
  }

  /** Waits for the end, and takes all bytes before it. */
  async takeAll(): Promise<Uint8Array> {
    await this.until(() => false, "the end of the connection");
    return this.take(this.received().length);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Half-close: no more input for the server, which may still write. */
  endInput(): void {
    this.socket.shutdown();
  }

  close(): void {
    this.socket.end();
  }

  /** Resets the connection, without waiting. */
  terminate(): void {
    this.socket.terminate();
  }

  private receivedSize(): number {
    let size = this.unread.length;
    for (const chunk of this.chunks) size += chunk.length;
    return size;
  }

  private async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + REPLY_TIMEOUT_MS; // for the condition: PINGs of the server must not prolong it
    while (!condition() && !this.ended) {
      const woken = Promise.withResolvers<void>();
      this.wake = woken.resolve;
      await withTimeout(
        woken.promise,
        deadline - performance.now(),
        () => `${this.name}: no ${what}; received so far: ${textOf(this.received())}`,
      );
    }
  }

  private onEnd(): void {
    this.ended = true;
    this.drained?.();
    this.wakeUp();
  }

  private wakeUp(): void {
    const wake = this.wake;
    this.wake = null;
    wake?.();
  }
}

/** Settles as `promise` does, or throws with `text()` after `timeoutMs`. */
async function withTimeout<T>(promise: Promise<T>, timeoutMs: number, text: () => string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`timeout: ${text()}`)), timeoutMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
