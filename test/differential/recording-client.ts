/** A client that records what the server sends, for scenarios that run on ours and on nats-server. */
import type { WireConnection } from "../wire/wire-connection.ts";

const PONG = Buffer.from("PONG\r\n");

/** One message, or one line of the protocol that is not a message. */
export interface Received {
  /** Of a message `<subject> sid <sid> reply <reply>`, otherwise the whole line. */
  readonly line: string;
  /** First word of the line. */
  readonly verb: string;
  /** Empty for lines that are not messages. */
  readonly sid: string;
  readonly reply: string;
  /** Header block, as latin1. */
  readonly header: string;
  readonly payload: Buffer;
}

export class RecordingClient {
  /** Whether the server has closed the connection; all its bytes were received before. */
  closed = false;
  private unread = Buffer.alloc(0);

  protected constructor(readonly connection: WireConnection) {}

  async send(text: string): Promise<void> {
    if (!this.connection.ended) await this.connection.write(Buffer.from(text, "latin1"));
  }

  /** Takes INFO, and sends CONNECT; the user's password is its name. */
  protected async login(user: string, options: object): Promise<void> {
    await this.connection.takeLine(); // INFO
    await this.send(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, user, pass: user, ...options })}\r\n`);
    await this.sync();
  }

  /** Waits until the server has executed all commands that this client has sent. */
  async sync(): Promise<void> {
    if (this.closed) return;
    await this.send("PING\r\n");
    await this.connection.waitFor(PONG);
    const bytes = Buffer.from(this.connection.received());
    const at = bytes.indexOf(PONG);
    this.closed = at === -1;
    this.unread = Buffer.concat([this.unread, this.closed ? bytes : bytes.subarray(0, at)]);
    this.connection.take(this.closed ? bytes.length : at + PONG.length);
  }

  /** Takes all that was received until the last `sync`. */
  protected takeReceived(): Received[] {
    const received: Received[] = [];
    const all = this.unread;
    for (let at = 0; at < all.length; ) {
      const end = all.indexOf("\r\n", at);
      const line = all.toString("latin1", at, end);
      at = end + 2;
      const [verb, ...words] = line.split(" ");
      if (verb !== "MSG" && verb !== "HMSG") {
        received.push({ line, verb: verb!, sid: "", reply: "", header: "", payload: Buffer.alloc(0) });
        continue;
      }
      const size = Number(words.pop());
      const headerSize = verb === "HMSG" ? Number(words.pop()) : 0;
      const [subject, sid, reply = ""] = words;
      const header = all.toString("latin1", at, at + headerSize);
      const payload = Buffer.from(all.subarray(at + headerSize, at + size));
      at += size + 2;
      // The server may deliver "no responders" to any subscription that matches the reply subject.
      const shownSid = header.startsWith("NATS/1.0 503") ? "…" : sid;
      received.push({ line: `${subject} sid ${shownSid} reply ${reply}`, verb, sid: sid!, reply, header, payload });
    }
    this.unread = Buffer.alloc(0);
    return received;
  }
}

/** Replaces the random tokens of reply subjects, which differ between servers. */
export function withoutRandomTokens(text: string): string {
  return text.replace(/_R_\.[0-9A-Za-z]{6}\.[0-9A-Za-z]{6}(\.[0-9A-Za-z]{8}\.T)?/g, (_, tracked) =>
    tracked ? "_R_.x.y.hash.T" : "_R_.x.y",
  );
}
