import type { InProcessConnection } from "../../src/wire/transport/in-process.ts";
import { until } from "../faults/until.ts";

const PONG = "PONG\r\n";
/** The server's PING, two seconds after CONNECT, which measures the round trip. On a busy machine it may come during any test. */
const SERVER_PING = /(^|\r\n)PING\r\n/g;
/** Number of received characters in the error of a wait that timed out. */
const SHOWN_CHARACTERS = 200;

/** A client over a connection without a socket, which sends and receives text. */
export class TextConnection {
  /** Text that was received and not taken yet. */
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

  /** Connects, sends CONNECT, and takes INFO. */
  static async open(server: { connect(): InProcessConnection }, options: object = {}): Promise<TextConnection> {
    const opened = new TextConnection(server.connect());
    opened.send(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, headers: true, ...options })}\r\n`);
    await opened.exchange();
    return opened;
  }

  send(text: string): void {
    this.connection.write(text);
  }

  /** Sends `text` and PING. @returns everything that the server sent before its PONG, without its own PINGs */
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

  /** Waits for the end of the connection. @returns the text that was not taken before */
  async ended(): Promise<string> {
    await until(
      () => this.closed,
      () => `the connection is still open: ${JSON.stringify(this.received.slice(-SHOWN_CHARACTERS))}`,
    );
    return this.received;
  }
}
