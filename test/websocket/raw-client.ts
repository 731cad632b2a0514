/**
 * A WebSocket client that can break rules: it writes the bytes that a test gives it, and takes the server's frames apart.
 *
 *   RawClient.open(port) ─ write(head) ─▶ head() ─ write(frame(…)) ─▶ nextFrame() … ─▶ null, the end
 * Every wait is for bytes or for the end of the connection; the timeout only names what did not come.
 */
import { inflateRawSync } from "node:zlib";
import { REPLY_TIMEOUT_MS } from "../wire/wire-connection.ts";

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** The key in the example of RFC 6455, and the answer to it. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
export const DEFLATE = { "Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover; client_no_context_takeover" };

export interface FrameOptions {
  readonly final?: boolean;
  /** Bits of the first byte: 0x40 compressed, 0x20, 0x10. */
  readonly reserved?: number;
  /** null: not masked. */
  readonly mask?: readonly number[] | null;
  /** How the length is written: 7, 16 or 64 bits; as short as possible when not given. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length that is written, instead of the payload's. */
  readonly claimedLength?: bigint;
}

const MASK = [0x37, 0xfa, 0x21, 0x3d];

/** One frame as a client sends it. */
export function frame(opcode: number, payload: string | Uint8Array = "", options: FrameOptions = {}): Buffer {
  const { final = true, reserved = 0, mask = MASK } = options;
  const body = Buffer.from(payload as string);
  const length = options.claimedLength ?? BigInt(body.length);
  const bits = options.lengthBits ?? (length <= 125n ? 7 : length <= 0xffffn ? 16 : 64);
  const head = Buffer.alloc(bits === 7 ? 2 : bits === 16 ? 4 : 10);
  head[0] = (final ? 0x80 : 0) | reserved | opcode;
  head[1] = mask === null ? 0 : 0x80;
  if (bits === 7) head[1] |= Number(length);
  else if (bits === 16) {
    head[1] |= 126;
    head.writeUInt16BE(Number(length), 2);
  } else {
    head[1] |= 127;
    head.writeBigUInt64BE(length, 2);
  }
  if (mask === null) return Buffer.concat([head, body]);
  for (let index = 0; index < body.length; index++) body[index] ^= mask[index & 3]!;
  return Buffer.concat([head, Buffer.from(mask), body]);
}

/** The payload of a close frame. */
export function closePayload(code: number, text: string | Uint8Array = ""): Buffer {
  const code16 = Buffer.alloc(2);
  code16.writeUInt16BE(code);
  return Buffer.concat([code16, Buffer.from(text as string)]);
}

export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  /** null removes a default header; several values become several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
}

/** The head of a request that asks for an upgrade. */
export function upgradeRequest({ method = "GET", path = "/", headers = {} }: RequestOptions = {}): string {
  const all: Record<string, string | readonly string[] | null> = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(all)) {
    if (value !== null) for (const one of [value].flat()) head += `${name}: ${one}\r\n`;
  }
  return `${head}\r\n`;
}

export interface ResponseHead {
  readonly status: number;
  readonly line: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ReceivedFrame {
  readonly opcode: number;
  readonly final: boolean;
  readonly compressed: boolean;
  readonly payload: Buffer;
}

/** A close frame as text: `1002 mask bit missing`. */
export function closeText({ payload }: { readonly payload: Buffer }): string {
  return payload.length < 2 ? "" : `${payload.readUInt16BE(0)} ${payload.toString("utf8", 2)}`;
}

/** Text of the server without the PINGs that it sends by itself. */
export function withoutPings(text: string): string {
  return text.replace(/(^|\n)(?:PING\r\n)+/g, "$1");
}

export class RawClient {
  /** The server has ended the connection. */
  ended = false;
  /** Bytes that the kernel took. */
  written = 0;
  private socket!: Bun.Socket;
  private received: Buffer = Buffer.alloc(0);
  private readonly chunks: Buffer[] = [];
  private wake: () => void = () => {};
  private drained: () => void = () => {};

  static async open(port: number, tls?: Bun.TLSOptions): Promise<RawClient> {
    const client = new RawClient();
    client.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: tls === undefined, // a TLS peer answers the server's end with its own
      ...(tls === undefined ? {} : { tls }),
      socket: {
        data: (_socket, chunk) => {
          client.chunks.push(Buffer.from(chunk));
          client.wake();
        },
        drain: () => client.drained(),
        end: () => client.onEnd(),
        close: () => client.onEnd(),
        error: () => client.onEnd(),
      },
    });
    return client;
  }

  /** Connects and upgrades. @throws with the head when the server says anything but 101 */
  static async upgrade(port: number, options: RequestOptions = {}, tls?: Bun.TLSOptions): Promise<RawClient> {
    const client = await RawClient.open(port, tls);
    await client.write(upgradeRequest(options));
    const head = await client.head();
    if (head.status !== 101) throw new Error(head.line);
    return client;
  }

  async write(bytes: string | Uint8Array): Promise<void> {
    const all = Buffer.from(bytes as string);
    let at = 0;
    while (!this.ended) {
      const taken = this.socket.write(all, at, all.length - at);
      if (taken < 0) return;
      at += taken;
      this.written += taken;
      if (at >= all.length) return;
      await this.waiting(resolve => (this.drained = resolve), "room for more");
    }
  }

  /** Waits for the head of the response; the bytes after it stay in the buffer. */
  async head(): Promise<ResponseHead> {
    await this.until(() => this.buffered().includes("\r\n\r\n"), "a response");
    const end = this.buffered().indexOf("\r\n\r\n");
    if (end === -1) throw new Error(`no response: ${JSON.stringify(this.received.toString("latin1"))}`);
    const [line = "", ...lines] = this.take(end + 4)
      .toString("latin1")
      .trimEnd()
      .split("\r\n");
    const headers: Record<string, string> = {};
    for (const text of lines) {
      const colon = text.indexOf(":");
      headers[text.slice(0, colon).toLowerCase()] = text.slice(colon + 1).trim();
    }
    return { status: Number(line.split(" ")[1]), line, headers };
  }

  /** Waits for `size` bytes of a body. */
  async body(size: number): Promise<string> {
    await this.until(() => this.buffered().length >= size, `${size} bytes`);
    return this.take(size).toString();
  }

  /** Waits for the next frame. @returns null when the server ends the connection without another one */
  async nextFrame(): Promise<ReceivedFrame | null> {
    await this.until(() => this.frameSize() > 0, "a frame");
    const size = this.frameSize();
    if (size === 0) return null;
    const bytes = this.take(size);
    if ((bytes[1] & 0x80) !== 0) throw new Error("a server's frame is masked");
    const short = bytes[1] & 0x7f;
    return {
      opcode: bytes[0] & 0x0f,
      final: (bytes[0] & 0x80) !== 0,
      compressed: (bytes[0] & 0x40) !== 0,
      payload: bytes.subarray(short < 126 ? 2 : short === 126 ? 4 : 10),
    };
  }

  /** The next message, its fragments joined and inflated. Control frames in between are an error. */
  async nextMessage(): Promise<Buffer> {
    const first = await this.nextFrame();
    if (first === null) throw new Error("the server has ended");
    if (first.opcode !== BINARY) throw new Error(`a frame with opcode ${first.opcode}: ${closeText(first)}`);
    const parts = [first.payload];
    for (let last = first; !last.final; ) {
      last = (await this.nextFrame())!;
      if (last.opcode !== CONTINUATION || last.compressed) throw new Error(`a fragment with opcode ${last.opcode}`);
      parts.push(last.payload);
    }
    const payload = Buffer.concat(parts);
    return first.compressed ? inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff])])) : payload;
  }

  /**
   * Reads messages until their text ends with `end`. Without `keepsPings` the server's PING lines are left out: it sends one to measure
   * the round trip two seconds after CONNECT, which may fall into any test on a busy machine.
   */
  async textUntil(end: string, { keepsPings = false } = {}): Promise<string> {
    let text = "";
    while (!text.endsWith(end)) {
      text += (await this.nextMessage()).toString("latin1");
      if (!keepsPings) text = withoutPings(text);
    }
    return text;
  }

  /** Waits for the server's close frame and its end. @returns `code text`, empty for a close frame without, null for an end without close frame */
  async closed(): Promise<string | null> {
    let text: string | null = null;
    for (let frame = await this.nextFrame(); frame !== null; frame = await this.nextFrame())
      if (frame.opcode === CLOSE) text = closeText(frame);
    return text;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  endInput(): void {
    this.socket.shutdown();
  }

  terminate(): void {
    this.socket.terminate();
  }

  [Symbol.dispose](): void {
    this.terminate();
  }

  private buffered(): Buffer {
    if (this.chunks.length > 0) this.received = Buffer.concat([this.received, ...this.chunks.splice(0)]);
    return this.received;
  }

  private take(size: number): Buffer {
    const all = this.buffered();
    this.received = all.subarray(size);
    return all.subarray(0, size);
  }

  /** Bytes of the first frame in the buffer; 0 while it is not complete. */
  private frameSize(): number {
    const bytes = this.buffered();
    if (bytes.length < 2) return 0;
    const short = bytes[1] & 0x7f;
    if (short < 126) return bytes.length >= 2 + short ? 2 + short : 0;
    const headSize = short === 126 ? 4 : 10;
    if (bytes.length < headSize) return 0;
    const size = headSize + (short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)));
    return bytes.length >= size ? size : 0;
  }

  private async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition() && !this.ended) await this.waiting(resolve => (this.wake = resolve), what);
  }

  private async waiting(subscribe: (resolve: () => void) => void, what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    subscribe(resolve);
    const timer = setTimeout(
      () => reject(new Error(`timeout: no ${what}; received so far: ${JSON.stringify(this.buffered().toString("latin1"))}`)),
      REPLY_TIMEOUT_MS,
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  private onEnd(): void {
    this.ended = true;
    this.drained();
    this.wake();
  }
}
