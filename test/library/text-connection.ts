import type { InProcessConnection } from "../../src/wire/transport/in-process.ts";
import { until } from "../faults/until.ts";

const PONG = "PONG\r\n";

/** A connection without a socket, as text. */
export class TextConnection {
  /** What was received and not taken. */
  received = "";
  closed = false;
  private readonly decoder = new TextDecoder();

  constructor(readonly connection: InProcessConnection) {
    connection.onData = bytes => {
      this.received += this.decoder.decode(bytes, { stream: true });
    };
    connection.onClose = () => {
      this.closed = true;
    };
  }

  /** Connects, introduces itself, and is through with INFO. */
  static async open(server: { connect(): InProcessConnection }, options: object = {}): Promise<TextConnection> {
    const opened = new TextConnection(server.connect());
    opened.send(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, headers: true, ...options })}\r\n`);
    await opened.exchange();
    return opened;
  }

  send(text: string): void {
    this.connection.write(text);
  }

  /** Sends, and takes what the server answered to that and everything before. */
  async exchange(text = ""): Promise<string> {
    this.send(`${text}PING\r\n`);
    await until(
      () => this.received.endsWith(PONG),
      () => `no PONG behind ${JSON.stringify(this.received)}`,
    );
    const taken = this.received.slice(0, -PONG.length);
    this.received = "";
    return taken;
  }

  async ended(): Promise<string> {
    await until(
      () => this.closed,
      () => `the connection is still open: ${JSON.stringify(this.received)}`,
    );
    return this.received;
  }
}
