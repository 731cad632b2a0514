import { until } from "./until.ts";

/** How a peer leaves: with a FIN, or with a reset. */
export type WayToLeave = "FIN" | "RST";

/**
 * A raw socket for misbehaviour. Received bytes are counted and passed to `onData`, and not kept. The PING by which the server measures
 * the round trip two seconds after CONNECT is left out: it may fall into any test on a busy machine.
 */
export class Peer {
  received = 0;
  ended = false;
  onData: (chunk: Buffer) => void = () => {};
  private socket!: Bun.Socket;
  private drained: (() => void) | null = null;
  private roundTripPinged = false;

  static async open(port: number): Promise<Peer> {
    const peer = new Peer();
    peer.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        data: (_socket, chunk) => peer.onChunk(chunk),
        drain: () => peer.drained?.(),
        end: () => peer.onEnd(),
        close: () => peer.onEnd(),
        error: () => peer.onEnd(),
      },
    });
    return peer;
  }

  /** Connects a peer and subscribes it. Resolves when the server has the subscription. */
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

  /** Writes all bytes as fast as the server reads them; stops when the connection has ended. */
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

  leave(how: WayToLeave): void {
    if (how === "FIN") this.socket.end();
    else this.socket.terminate();
  }

  /** Waits until the server has ended the connection. */
  async gone(): Promise<void> {
    await until(
      () => this.ended,
      () => `the server keeps the connection; ${this.received} bytes were received`,
    );
  }

  private onChunk(chunk: Buffer): void {
    const rest = this.roundTripPinged ? chunk : this.withoutPing(chunk);
    this.received += rest.length;
    this.onData(rest);
  }

  private withoutPing(chunk: Buffer): Buffer {
    const at = chunk.indexOf("PING\r\n");
    if (at === -1) return chunk;
    this.roundTripPinged = true;
    return Buffer.concat([chunk.subarray(0, at), chunk.subarray(at + "PING\r\n".length)]);
  }

  private onEnd(): void {
    this.ended = true;
    this.drained?.();
  }
}
