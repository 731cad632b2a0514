import { until } from "./until.ts";

/** How a peer goes away: an orderly FIN, or a reset. */
export type Leaving = "FIN" | "RST";

/** A raw socket that a test misbehaves with. Nothing is read or kept unless `onData` says so. */
export class Peer {
  received = 0;
  ended = false;
  onData: (chunk: Buffer) => void = () => {};
  private socket!: Bun.Socket;
  private drained: (() => void) | null = null;

  static async open(port: number): Promise<Peer> {
    const peer = new Peer();
    peer.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        data: (_socket, chunk) => {
          peer.received += chunk.length;
          peer.onData(chunk);
        },
        drain: () => peer.drained?.(),
        end: () => peer.onEnd(),
        close: () => peer.onEnd(),
        error: () => peer.onEnd(),
      },
    });
    return peer;
  }

  /** Introduces itself and subscribes; returns when the server has it. */
  static async subscriber(port: number, subject: string): Promise<Peer> {
    const peer = await Peer.open(port);
    let text = "";
    peer.onData = chunk => {
      text += chunk;
    };
    await peer.write(`CONNECT {"verbose":false}\r\nSUB ${subject} 1\r\nPING\r\n`);
    await until(
      () => text.endsWith("PONG\r\n"),
      () => `no PONG: ${text}`,
    );
    peer.onData = () => {};
    peer.received = 0;
    return peer;
  }

  /** Writes all of it, as fast as the server reads; stops when the server has gone. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    let at = 0;
    while (!this.ended) {
      const taken = this.socket.write(bytes.subarray(at));
      if (taken < 0) return;
      at += taken;
      if (at === bytes.length) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.drained = resolve;
      await promise;
    }
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** No more input for the server, which may still write. */
  endInput(): void {
    this.socket.shutdown();
  }

  leave(how: Leaving): void {
    if (how === "FIN") this.socket.end();
    else this.socket.terminate();
  }

  /** The server has ended the connection. */
  async gone(): Promise<void> {
    await until(
      () => this.ended,
      () => `the server keeps the connection; ${this.received} bytes were received`,
    );
  }

  private onEnd(): void {
    this.ended = true;
    this.drained?.();
  }
}
