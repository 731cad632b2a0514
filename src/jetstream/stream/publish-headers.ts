/**
 * Finds the headers of a message that mean something to a stream, in one pass over the block. Keys are compared byte by byte; the first value of a
 * key counts. Source: reference, jetstream §4.1.
 */
import { CR, LF, latin1, SPACE, ZERO } from "../../base/bytes/ascii.ts";

export enum PublishHeader {
  MsgId = 0,
  ExpectedStream,
  ExpectedLastSequence,
  ExpectedLastSubjectSequence,
  ExpectedLastSubjectSequenceSubject,
  ExpectedLastMsgId,
  Rollup,
  Ttl,
  Increment,
  Schedule,
  ScheduleNext,
  Scheduler,
  StreamSource,
  BatchId,
  MarkerReason,
  RequestInfo,
  KvOperation,
  ScheduleTimeZone,
}

const KEYS: Record<PublishHeader, string> = {
  [PublishHeader.MsgId]: "Nats-Msg-Id",
  [PublishHeader.ExpectedStream]: "Nats-Expected-Stream",
  [PublishHeader.ExpectedLastSequence]: "Nats-Expected-Last-Sequence",
  [PublishHeader.ExpectedLastSubjectSequence]: "Nats-Expected-Last-Subject-Sequence",
  [PublishHeader.ExpectedLastSubjectSequenceSubject]: "Nats-Expected-Last-Subject-Sequence-Subject",
  [PublishHeader.ExpectedLastMsgId]: "Nats-Expected-Last-Msg-Id",
  [PublishHeader.Rollup]: "Nats-Rollup",
  [PublishHeader.Ttl]: "Nats-TTL",
  [PublishHeader.Increment]: "Nats-Incr",
  [PublishHeader.Schedule]: "Nats-Schedule",
  [PublishHeader.ScheduleNext]: "Nats-Schedule-Next",
  [PublishHeader.Scheduler]: "Nats-Scheduler",
  [PublishHeader.StreamSource]: "Nats-Stream-Source",
  [PublishHeader.BatchId]: "Nats-Batch-Id",
  [PublishHeader.MarkerReason]: "Nats-Marker-Reason",
  [PublishHeader.RequestInfo]: "Nats-Request-Info",
  [PublishHeader.KvOperation]: "KV-Operation",
  [PublishHeader.ScheduleTimeZone]: "Nats-Schedule-Time-Zone",
};

const COUNT = Object.keys(KEYS).length;
const COLON = 0x3a;
const NINE = ZERO + 9;
const KEYS_BY_SIZE: readonly (readonly { readonly header: PublishHeader; readonly bytes: Uint8Array }[] | undefined)[] = (() => {
  const bySize: { header: PublishHeader; bytes: Uint8Array }[][] = [];
  for (let header = 0; header < COUNT; header++) {
    const bytes = new Uint8Array(Buffer.from(KEYS[header as PublishHeader]));
    bySize[bytes.length] ??= [];
    bySize[bytes.length]!.push({ header, bytes });
  }
  return bySize;
})();

/** The positions of known values in one block. Reused. */
export class PublishHeaders {
  private source: Uint8Array = new Uint8Array(0);
  private readonly starts = new Int32Array(COUNT).fill(-1);
  private readonly ends = new Int32Array(COUNT);
  /** At least one known key is there. */
  any = false;

  /** Forgets the block. */
  clear(): void {
    if (!this.any) return;
    this.starts.fill(-1);
    this.any = false;
  }

  /** Reads the block from `start` to `end`; its bytes are borrowed until the next call. */
  read(source: Uint8Array, start: number, end: number): void {
    this.clear();
    this.source = source;
    let at = nextLine(source, start, end);
    while (at < end) {
      const stop = nextLine(source, at, end);
      let colon = at;
      while (colon < stop && source[colon] !== COLON) colon++;
      if (colon < stop) this.note(source, at, colon, stop);
      at = stop;
    }
  }

  /** Whether the key is there with a value that is not empty. */
  has(header: PublishHeader): boolean {
    return this.starts[header] !== -1 && this.ends[header] > this.starts[header];
  }

  /** Whether the key is there, also with an empty value. */
  hasKey(header: PublishHeader): boolean {
    return this.starts[header] !== -1;
  }

  start(header: PublishHeader): number {
    return this.starts[header];
  }

  end(header: PublishHeader): number {
    return this.ends[header];
  }

  /** The value; empty: the key is absent. */
  text(header: PublishHeader): string {
    return this.has(header) ? latin1(this.source, this.starts[header], this.ends[header]) : "";
  }

  /** A value of UTF-8 bytes as text. */
  utf8(header: PublishHeader): string {
    if (!this.has(header)) return "";
    return Buffer.from(
      this.source.buffer,
      this.source.byteOffset + this.starts[header],
      this.ends[header] - this.starts[header],
    ).toString();
  }

  /** The value as a whole number: digits only, up to 2^63 - 1; -1: it is not one. */
  number(header: PublishHeader): number {
    const { source } = this;
    let value = 0;
    for (let at = this.starts[header]; at < this.ends[header]; at++) {
      const digit = source[at];
      if (digit < ZERO || digit > NINE) return -1;
      value = value * 10 + digit - ZERO;
    }
    return value;
  }

  private note(source: Uint8Array, start: number, colon: number, stop: number): void {
    const candidates = KEYS_BY_SIZE[colon - start];
    if (candidates === undefined) return;
    for (const { bytes, header } of candidates) {
      let i = 0;
      while (i < bytes.length && source[start + i] === bytes[i]) i++;
      if (i < bytes.length) continue;
      if (this.starts[header] !== -1) return;
      let valueStart = colon + 1;
      let valueEnd = stop;
      if (valueEnd - 2 >= valueStart && source[valueEnd - 1] === LF && source[valueEnd - 2] === CR) valueEnd -= 2;
      while (valueStart < valueEnd && source[valueStart] === SPACE) valueStart++;
      this.starts[header] = valueStart;
      this.ends[header] = valueEnd;
      this.any = true;
      return;
    }
  }
}

/** The offset after the next CRLF; `end`: there is none. */
function nextLine(source: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 1 < end; at++) if (source[at] === CR && source[at + 1] === LF) return at + 2;
  return end;
}
