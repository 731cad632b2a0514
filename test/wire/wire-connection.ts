/**
 * A client connection that knows nothing of NATS: it writes the bytes it is given and keeps the bytes that came.
 *
 * Whoever waits, waits for a condition on what was received or for the end, never for time; the timeout only names what did not happen.
 * A reset counts as an end: a server that closes with unread input resets the connection, and that depends on how the network cut it.
 */
import { textOf } from "./byte-text.ts";

/** Time the other side has for anything it owes us. */
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
          connection.chunks.push(new Uint8Array(chunk)); // the chunk is the runtime's again after this call
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

  /** Writes all bytes. Returns when the kernel has them, or when the other side has gone. */
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

  /** What was received and not taken yet. */
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

  /** Waits until `size` bytes are there or the connection has ended; then takes what there is, at most `size`. */
  async takeUpTo(size: number): Promise<Uint8Array> {
    await this.until(() => this.receivedSize() >= size, `${size} bytes`);
    return this.take(Math.min(size, this.receivedSize()));
  }

  /** Waits for a line feed or the end, and takes what stands up to it. */
  async takeLine(): Promise<Uint8Array> {
    await this.until(() => this.received().includes(0x0a), "a line");
    const lf = this.received().indexOf(0x0a);
    return this.take(lf === -1 ? this.received().length : lf + 1);
  }

  /** Waits until `bytes` are among what was received, or for the end; takes nothing. */
  async waitFor(bytes: Uint8Array): Promise<void> {
    await this.until(() => Buffer.from(this.received()).includes(bytes), String(bytes));
  }

  /** Waits for the other side to end, and takes all that came before. */
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

  /** Gives up whatever is left, without waiting. */
  terminate(): void {
    this.socket.terminate();
  }

  private receivedSize(): number {
    let size = this.unread.length;
    for (const chunk of this.chunks) size += chunk.length;
    return size;
  }

  private async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + REPLY_TIMEOUT_MS; // of the condition: a server's PINGs must not prolong it
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
