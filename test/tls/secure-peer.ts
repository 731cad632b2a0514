/** A client made of plain sockets: it sends plain bytes first, then TLS when a test calls `secure`. */
import type { Socket } from "bun";
import { until } from "../faults/until.ts";

export interface PeerTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly ciphers?: string;
  readonly minVersion?: number;
  readonly maxVersion?: number;
}

/**
 * The PING by which the server measures the round trip two seconds after CONNECT is left out of `text`: it may fall into any test on a
 * busy machine.
 */
export class SecurePeer implements Disposable {
  /** Text that was received and not taken yet. */
  text = "";
  received = 0;
  closed = false;
  /** Null until the handshake is over; false when it failed. */
  secured: boolean | null = null;
  /** The subject's common name of the server's certificate. */
  serverName = "";
  /** Called with every chunk, instead of keeping it. */
  onChunk: ((chunk: Buffer) => void) | null = null;
  private halfOpen = false;
  private socket!: Socket;
  private plain: Socket | null = null;
  private drained: (() => void) | null = null;

  /**
   * @param place a port of 127.0.0.1, or the path of a Unix socket
   * @param halfOpen it keeps its side open when the server ends, and counts as closed only when the socket is
   */
  static async open(place: number | string, halfOpen = false): Promise<SecurePeer> {
    const peer = new SecurePeer();
    peer.halfOpen = halfOpen;
    const handlers = peer.handlers(() => peer.secured === null);
    peer.socket =
      typeof place === "number"
        ? await Bun.connect({ hostname: "127.0.0.1", port: place, allowHalfOpen: halfOpen, socket: handlers })
        : await Bun.connect({ unix: place, socket: handlers });
    return peer;
  }

  private handlers(listens: () => boolean) {
    return {
      data: (_socket: Socket, chunk: Buffer) => {
        if (listens()) this.onData(chunk);
      },
      drain: () => this.drained?.(),
      end: () => {
        if (!this.halfOpen) this.onClosed();
      },
      close: () => this.onClosed(),
      error: () => this.onClosed(),
    };
  }

  /** Begins the handshake; returns when it is over. */
  async secure(tls: PeerTls = {}): Promise<void> {
    this.secured = false; // from here on the plain socket's bytes are ciphertext and not kept
    let settled = false;
    const handshake = (socket: Socket, success: boolean) => {
      settled = true;
      const certificate = socket.getPeerCertificate() as { subject?: { CN?: string } } | undefined;
      this.serverName = certificate?.subject?.CN ?? "";
      this.secured = success || this.serverName !== ""; // a wrong name is no failure here: tests check it themselves
    };
    const { serverName = "localhost", ...rest } = tls;
    const [plain, secure] = this.socket.upgradeTLS({
      tls: { ...rest, serverName, rejectUnauthorized: false },
      socket: { ...this.handlers(() => true), handshake },
    } as unknown as Parameters<Socket["upgradeTLS"]>[0]) as unknown as [Socket, Socket];
    this.plain = plain;
    this.socket = secure;
    await until(
      () => settled || this.closed,
      () => "the handshake does not end",
    );
  }

  async write(data: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(data as Uint8Array);
    for (let at = 0; at < bytes.length && !this.closed; ) {
      const taken = this.socket.write(bytes.subarray(at));
      if (taken < 0) return;
      at += taken;
      if (at === bytes.length) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.drained = resolve;
      await promise;
    }
  }

  /** Waits for `part`. @returns everything up to its end, which is removed from `text` */
  async take(part: string): Promise<string> {
    await until(
      () => this.text.includes(part),
      () => `"${part}" does not come${this.closed ? "; the connection has ended" : ""}: ${this.text}`,
    );
    const end = this.text.indexOf(part) + part.length;
    const taken = this.text.slice(0, end);
    this.text = this.text.slice(end);
    return taken;
  }

  /** Waits for INFO. */
  async info(): Promise<Record<string, unknown>> {
    const line = await this.take("\r\n");
    return JSON.parse(line.slice("INFO ".length)) as Record<string, unknown>;
  }

  /** CONNECT and PING; returns when the PONG has come. */
  async connect(more = ""): Promise<void> {
    await this.write(`CONNECT {"verbose":false,"pedantic":false,"protocol":1}\r\n${more}PING\r\n`);
    await this.take("PONG\r\n");
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  terminate(): void {
    this.socket.terminate();
  }

  async gone(): Promise<void> {
    await until(
      () => this.closed,
      () => "the server keeps the connection",
    );
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
    this.plain?.terminate();
  }

  private onData(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.onChunk !== null) this.onChunk(chunk);
    else this.text = (this.text + chunk.toString("latin1")).replace(/(^|\n)PING\r\n/, "$1"); // see the class
  }

  private onClosed(): void {
    this.closed = true;
    this.drained?.();
  }
}
