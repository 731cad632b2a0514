/** One message on its way into a store, or read from it: ranges of bytes that belong to somebody else. Reused, so nothing is allocated per message. */
const EMPTY = new Uint8Array(0);

export class Message {
  /** Assigned by the store; 0: none yet. A safe integer. */
  sequence = 0;
  /** Nanoseconds since 1970, see base/clock/nanoseconds.ts. */
  timeHigh = 0;
  timeLow = 0;
  subject: Uint8Array = EMPTY;
  subjectStart = 0;
  subjectEnd = 0;
  /** The whole header block, from `NATS/1.0` to its blank line; an empty range: none. */
  header: Uint8Array = EMPTY;
  headerStart = 0;
  headerEnd = 0;
  payload: Uint8Array = EMPTY;
  payloadStart = 0;
  payloadEnd = 0;

  get subjectSize(): number {
    return this.subjectEnd - this.subjectStart;
  }
  get headerSize(): number {
    return this.headerEnd - this.headerStart;
  }
  get payloadSize(): number {
    return this.payloadEnd - this.payloadStart;
  }

  setSubject(source: Uint8Array, start: number, end: number): void {
    this.subject = source;
    this.subjectStart = start;
    this.subjectEnd = end;
  }

  setHeader(source: Uint8Array, start: number, end: number): void {
    this.header = source;
    this.headerStart = start;
    this.headerEnd = end;
  }

  setPayload(source: Uint8Array, start: number, end: number): void {
    this.payload = source;
    this.payloadStart = start;
    this.payloadEnd = end;
  }

  /** Lets go of the bytes. */
  release(): void {
    this.subject = EMPTY;
    this.header = EMPTY;
    this.payload = EMPTY;
  }
}
