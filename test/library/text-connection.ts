import type { InProcessConnection } from "../../src/wire/transport/in-process.ts";
import { until } from "../faults/until.ts";

const PONG = "PONG\r\n";
/** The server measures the round trip some seconds after the start of a connection. */
const SERVER_PING = /(^|\r\n)PING\r\n/g;
/** Of what was received, in the message of a failed wait. */
const SHOWN_CHARACTERS = 200;

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

  /** Sends, and takes what the server answered to that and everything before. The server's own PINGs are left out. */
  async exchange(text = ""): Promise<string> {
    this.send(`${text}PING\r\n`);
    await until(
      () => {
        if (this.received.endsWith("PING\r\n")) this.received = this.received.replaceAll(SERVER_PING, "$1");
        return this.received.endsWith(PONG);
      },
      () => `no PONG after ${JSON.stringify(this.received.slice(-SHOWN_CHARACTERS))}`,
    );
    this.received = this.received.replaceAll(SERVER_PING, "$1");
    const taken = this.received.slice(0, -PONG.length);
    this.received = "";
    return taken;
  }

  async ended(): Promise<string> {
    await until(
      () => this.closed,
      () => `the connection is still open: ${JSON.stringify(this.received.slice(-SHOWN_CHARACTERS))}`,
    );
    return this.received;
  }
}
