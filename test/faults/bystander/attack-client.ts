/**
 * A raw client of an attacker: writes prebuilt bytes as fast as the server takes them, and reads everything without looking at more than
 * PONGs. It answers no PING.
 */
const PONG = Buffer.from("PONG\r\n");
const BLOCK_SIZE = 1 << 20;

export class AttackClient {
  receivedBytes = 0;
  ended = false;
  /** PONGs received so far. */
  pongs = 0;
  /** Called with each chunk that is received. */
  onData: (chunk: Buffer) => void = () => {};
  private socket!: Bun.Socket;
  /** The last bytes received, which may be the beginning of a PONG. */
  private tail = Buffer.alloc(0);
  private waiting: (() => void)[] = [];

  private constructor() {}

  /** Connects without sending anything. */
  static async open(port: number): Promise<AttackClient> {
    const client = new AttackClient();
    client.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, chunk) => client.onChunk(chunk),
        drain: () => client.wake(),
        end: () => client.onEnd(),
        close: () => client.onEnd(),
        error: () => client.onEnd(),
      },
    });
    return client;
  }

  /** Connects, sends CONNECT with these fields, and waits for the server's answer. */
  static async connect(port: number, fields: object = {}): Promise<AttackClient> {
    const client = await AttackClient.open(port);
    await client.write(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, ...fields })}\r\n`);
    await client.confirmed();
    return client;
  }

  /** Writes all bytes; returns early when the server has closed the connection. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let at = 0; at < bytes.length && !this.ended; ) {
      const block = bytes.subarray(at, at + BLOCK_SIZE);
      const taken = this.socket.write(block);
      if (taken < 0) return;
      at += taken;
      if (taken < block.length) await this.change();
    }
  }

  /** Writes the lines of `line(0)` to `line(count - 1)`. */
  async writeLines(count: number, line: (index: number) => string): Promise<void> {
    await this.write(linesOf(count, line));
  }

  /** Waits until the server has answered a PING after everything written before. */
  async confirmed(): Promise<void> {
    const wanted = this.pongs + 1;
    await this.write("PING\r\n");
    while (this.pongs < wanted) {
      if (this.ended) throw new Error("the server closed the connection");
      await this.change();
    }
  }

  /** Waits until so many bytes were received in total. */
  async received(bytes: number): Promise<void> {
    while (this.receivedBytes < bytes) {
      if (this.ended) throw new Error("the server closed the connection");
      await this.change();
    }
  }

  /** Waits until the server has closed the connection. */
  async closed(): Promise<void> {
    while (!this.ended) await this.change();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.terminate();
  }

  /** Waits until something was received or written, or the connection has ended. */
  private async change(): Promise<void> {
    await new Promise<void>(resolve => this.waiting.push(resolve));
  }

  private onChunk(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    this.onData(chunk);
    const joined = Buffer.concat([this.tail, chunk.subarray(0, PONG.length)]);
    // A PONG across the border of two chunks, and those within this one.
    if (this.tail.length > 0 && joined.indexOf(PONG) >= 0 && joined.indexOf(PONG) < this.tail.length) this.pongs++;
    for (let at = chunk.indexOf(PONG); at !== -1; at = chunk.indexOf(PONG, at + PONG.length)) this.pongs++;
    const all = chunk.length >= PONG.length ? chunk : Buffer.concat([this.tail, chunk]);
    this.tail = Buffer.from(all.subarray(Math.max(0, all.length - PONG.length + 1)));
    this.wake();
  }

  private onEnd(): void {
    this.ended = true;
    this.wake();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** The lines `line(0)` to `line(count - 1)` as bytes. */
export function linesOf(count: number, line: (index: number) => string): Buffer {
  const parts: string[] = [];
  for (let index = 0; index < count; index++) parts.push(line(index));
  return Buffer.from(parts.join(""));
}
