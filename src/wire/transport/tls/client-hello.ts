/**
 * Reads a TLS client's first message (ClientHello), as far as choosing a certificate needs it.
 *
 *   reads ─▶ HelloCollector ─┬─ more is needed
 *                            ├─ not TLS: plain text on a TLS port
 *                            └─ a whole ClientHello, or bytes that BoringSSL will refuse with an alert
 * Bun takes one certificate per connection, so the requested name must be known before Bun starts the handshake. The bytes are
 * collected over as many reads and records as they take, at most `HELLO_BYTES_MAX`, then handed over whole.
 * Source: RFC 8446 §4.1.2, §5.1; RFC 6066 §3.
 */
import { GrowingBytes } from "../../../base/bytes/growing-bytes.ts";

/** Generous: a hello with post-quantum key shares takes about 2 KiB. */
const HELLO_BYTES_MAX = 32 * 1024;
const RECORD_HEADER_BYTES = 5;
const RECORD_BYTES_MAX = 16 * 1024 + 2048;
const HANDSHAKE_RECORD = 0x16;
const CLIENT_HELLO = 1;

const EXTENSION_SERVER_NAME = 0;
const EXTENSION_SUPPORTED_GROUPS = 10;
const EXTENSION_SIGNATURE_ALGORITHMS = 13;
const EXTENSION_SUPPORTED_VERSIONS = 43;

export const TLS_1_2 = 0x0303;
export const TLS_1_3 = 0x0304;

export interface ClientHello {
  /** Empty when the client did not ask for a name. */
  readonly serverName: string;
  /** Versions offered, in the client's order of preference. */
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly signatureSchemes: readonly number[];
  readonly groups: readonly number[];
}

export type HelloOutcome =
  | { readonly kind: "more" }
  /** `notTls`: not even the first record; `asksForHttp`: it is a request for HTTP without TLS. */
  | { readonly kind: "notTls"; readonly asksForHttp: boolean }
  | { readonly kind: "tooLarge" }
  /** `hello` is null when it could not be read. */
  | { readonly kind: "hello"; readonly hello: ClientHello | null };

/** The first bytes of HTTP requests, as many as a record header has. */
const HTTP_STARTS: ReadonlySet<string> = new Set(["GET /", "HEAD ", "POST ", "PUT /", "OPTIO"]);

const MORE: HelloOutcome = { kind: "more" };
const UNREADABLE: HelloOutcome = { kind: "hello", hello: null };

/** Collects bytes until the hello is whole. Resumes where it stopped, so a hello that arrives byte by byte costs no more than one in a single read. */
export class HelloCollector {
  private readonly raw = new GrowingBytes();
  /** The handshake message, without the records' headers. */
  private readonly message = new GrowingBytes();
  private at = 0;
  /** Bytes of the current record not examined yet. */
  private recordLeft = 0;

  /** All bytes received, as they are passed on to BoringSSL. */
  get bytes(): Buffer {
    return this.raw.bytes;
  }

  /** The bytes so far end within a record. */
  get withinRecord(): boolean {
    return this.recordLeft > 0 || this.at < this.raw.size;
  }

  add(chunk: Uint8Array): HelloOutcome {
    this.raw.append(chunk);
    const outcome = this.scan();
    return outcome.kind === "more" && this.raw.size > HELLO_BYTES_MAX ? { kind: "tooLarge" } : outcome;
  }

  private scan(): HelloOutcome {
    const bytes = this.raw.bytes;
    while (this.at < bytes.length) {
      if (this.recordLeft === 0) {
        const outcome = this.readRecordHeader(bytes);
        if (outcome !== null) return outcome;
        continue;
      }
      const take = Math.min(this.recordLeft, bytes.length - this.at);
      this.message.append(bytes.subarray(this.at, this.at + take));
      this.at += take;
      this.recordLeft -= take;
      const message = this.message.bytes;
      if (message[0] !== CLIENT_HELLO) return UNREADABLE;
      if (message.length < 4) continue;
      const wanted = 4 + ((message[1] << 16) | (message[2] << 8) | message[3]);
      if (wanted > HELLO_BYTES_MAX) return { kind: "tooLarge" };
      if (message.length >= wanted) return { kind: "hello", hello: readHello(message.subarray(4, wanted)) };
    }
    return MORE;
  }

  /** @returns null when the record header was read and the record's contents follow */
  private readRecordHeader(bytes: Buffer): HelloOutcome | null {
    const at = this.at;
    if (at + RECORD_HEADER_BYTES > bytes.length) return MORE;
    if (at === 0 && (bytes[0] !== HANDSHAKE_RECORD || bytes[1] >= 0x10)) {
      return { kind: "notTls", asksForHttp: HTTP_STARTS.has(bytes.toString("latin1", 0, RECORD_HEADER_BYTES)) };
    }
    const size = (bytes[at + 3] << 8) | bytes[at + 4];
    if (bytes[at] !== HANDSHAKE_RECORD || size === 0 || size > RECORD_BYTES_MAX) return UNREADABLE;
    this.at += RECORD_HEADER_BYTES;
    this.recordLeft = size;
    return null;
  }
}

/** @returns null when its nested lengths contradict each other */
export function readHello(body: Uint8Array): ClientHello | null {
  const reader = new Fields(body);
  const legacyVersion = reader.number(2);
  reader.bytes(32);
  reader.vector(1); // session id
  const cipherSuites = reader.vector(2);
  reader.vector(1); // compression methods
  let serverName = "";
  let versions: number[] = [];
  let signatureSchemes: number[] = [];
  let groups: number[] = [];
  if (!reader.failed && !reader.done) {
    for (const extensions = new Fields(reader.vector(2)); !extensions.done; ) {
      const type = extensions.number(2);
      const contents = new Fields(extensions.vector(2));
      if (extensions.failed) return null;
      if (type === EXTENSION_SERVER_NAME) serverName = serverNameIn(new Fields(contents.vector(2)));
      else if (type === EXTENSION_SUPPORTED_GROUPS) groups = pairsOf(contents.vector(2));
      else if (type === EXTENSION_SIGNATURE_ALGORITHMS) signatureSchemes = pairsOf(contents.vector(2));
      else if (type === EXTENSION_SUPPORTED_VERSIONS) versions = pairsOf(contents.vector(1));
    }
  }
  if (reader.failed) return null;
  if (versions.length === 0) versions = [legacyVersion];
  return { serverName, versions, cipherSuites: pairsOf(cipherSuites), signatureSchemes, groups };
}

function serverNameIn(list: Fields): string {
  while (!list.done) {
    const type = list.number(1);
    const name = list.vector(2);
    if (list.failed) return "";
    if (type === 0) return Buffer.from(name).toString("latin1").replace(/\.$/, "");
  }
  return "";
}

function pairsOf(bytes: Uint8Array): number[] {
  const pairs: number[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) pairs.push((bytes[at] << 8) | bytes[at + 1]);
  return pairs;
}

const NO_BYTES = new Uint8Array(0);

/** Reads numbers and length-prefixed vectors. After the first one that does not fit, `failed` is set and all further reads return empty. */
class Fields {
  failed = false;
  private at = 0;

  constructor(private readonly source: Uint8Array) {}

  get done(): boolean {
    return this.failed || this.at >= this.source.length;
  }

  number(size: number): number {
    let value = 0;
    for (const byte of this.bytes(size)) value = value * 256 + byte;
    return value;
  }

  bytes(size: number): Uint8Array {
    if (this.failed || size > this.source.length - this.at) {
      this.failed = true;
      return NO_BYTES;
    }
    this.at += size;
    return this.source.subarray(this.at - size, this.at);
  }

  /** @param lengthSize size of the length prefix, in bytes */
  vector(lengthSize: number): Uint8Array {
    return this.bytes(this.number(lengthSize));
  }
}
