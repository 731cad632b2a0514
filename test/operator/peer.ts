/** A client that sends what a test gives it, and keeps the lines it receives. */
import type { Socket } from "bun";
import type { Signer } from "../../src/access/jwt/encode.ts";

const TIMEOUT_MS = 60_000;

export interface Credentials {
  readonly jwt?: string;
  /** Signs the nonce; null: no signature is sent. */
  readonly signer?: Signer | null;
  /** More options of CONNECT; they replace those made from `jwt` and `signer`. */
  readonly connect?: Readonly<Record<string, unknown>>;
}

export class Peer {
  readonly info: { readonly nonce: string; readonly client_id: number; readonly auth_required?: boolean } = { nonce: "", client_id: 0 };
  /** The lines received after the first INFO, without INFO, PING and PONG. */
  readonly lines: string[] = [];
  closed = false;
  private pongs = 0;
  private text = "";
  private socket!: Socket;
  private wake: () => void = () => {};

  static async open(port: number): Promise<Peer> {
    const peer = new Peer();
    const closed = () => {
      peer.closed = true;
      peer.wake();
    };
    peer.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data: (_socket, chunk) => peer.read(chunk), close: closed, error: closed, end: closed },
    });
    await peer.until(() => peer.info.nonce !== "" || peer.info.client_id !== 0);
    return peer;
  }

  /** Opens a connection and logs in. @returns the client; when the login was refused it is `closed` */
  static async login(port: number, credentials: Credentials): Promise<Peer> {
    const peer = await Peer.open(port);
    peer.connect(credentials);
    await peer.ping();
    return peer;
  }

  connect({ connect = {}, jwt = "", signer = null }: Credentials): void {
    const sig = signer === null ? {} : { sig: Buffer.from(signer.sign(Buffer.from(this.info.nonce))).toString("base64url") };
    this.send(
      `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, protocol: 1, headers: true, ...(jwt && { jwt }), ...sig, ...connect })}\r\n`,
    );
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Waits until the server has handled everything sent so far, or has closed the connection. */
  async ping(): Promise<void> {
    const wanted = this.pongs + 1;
    this.send("PING\r\n");
    await this.until(() => this.pongs >= wanted || this.closed);
  }

  async untilClosed(): Promise<string[]> {
    await this.until(() => this.closed);
    return this.lines;
  }

  async untilLine(part: string): Promise<string> {
    await this.until(() => this.closed || this.lines.some(line => line.includes(part)));
    return this.lines.find(line => line.includes(part)) ?? `closed: ${this.lines.join(" | ")}`;
  }

  /** @returns the lines received since the last call */
  take(): string[] {
    return this.lines.splice(0);
  }

  /** Publishes a request. @returns the payload of the first answer */
  async request(subject: string, payload: string): Promise<string> {
    const inbox = `_INBOX.${Math.random().toString(36).slice(2)}`;
    this.send(`SUB ${inbox} 99\r\nUNSUB 99 1\r\nPUB ${subject} ${inbox} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`);
    await this.until(() => this.closed || this.lines.some((line, at) => line.startsWith(`MSG ${inbox} `) && this.lines.length > at + 1));
    const at = this.lines.findIndex(line => line.startsWith(`MSG ${inbox} `));
    if (at === -1) return `closed: ${this.lines.join(" | ")}`;
    return this.lines.splice(at, 2)[1]!;
  }

  /** Waits until the server has handled everything so far. @returns the lines since the last `take`, and whether it is closed */
  async outcome(): Promise<{ readonly received: readonly string[]; readonly closed: boolean }> {
    if (!this.closed) await this.ping();
    return { received: this.take(), closed: this.closed };
  }

  /** Ends its side and reads on until the server has ended the other one: a socket that is closed with unread bytes would reset the connection. */
  close(): void {
    if (!this.closed) this.socket.shutdown();
  }

  private read(chunk: Buffer): void {
    this.text += chunk.toString("latin1");
    while (true) {
      const end = this.text.indexOf("\r\n");
      if (end === -1) break;
      const line = this.text.slice(0, end);
      this.text = this.text.slice(end + 2);
      if (line.startsWith("INFO ")) Object.assign(this.info, JSON.parse(line.slice(5)));
      else if (line === "PONG") this.pongs++;
      else if (line === "PING") this.send("PONG\r\n");
      else this.lines.push(line.replace(/^(MSG \S+ \S+) {2}/, "$1 ")); // nats-server's own messages have an empty reply
    }
    this.wake();
  }

  private async until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`timeout; received ${JSON.stringify(this.lines)}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.wake = resolve;
      const timer = setTimeout(resolve, left);
      await promise;
      clearTimeout(timer);
    }
  }
}
