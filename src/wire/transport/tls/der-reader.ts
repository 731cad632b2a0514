/**
 * Reads DER, as far as certificates need it. The bytes are untrusted: every length is checked against its container, nothing recurses,
 * nothing is copied.
 */

export const TAG_BOOLEAN = 0x01;
export const TAG_INTEGER = 0x02;
export const TAG_BIT_STRING = 0x03;
export const TAG_OCTET_STRING = 0x04;
export const TAG_OBJECT_IDENTIFIER = 0x06;
export const TAG_UTF8_STRING = 0x0c;
export const TAG_PRINTABLE_STRING = 0x13;
export const TAG_T61_STRING = 0x14;
export const TAG_IA5_STRING = 0x16;
export const TAG_UTC_TIME = 0x17;
export const TAG_GENERALIZED_TIME = 0x18;
export const TAG_BMP_STRING = 0x1e;
export const TAG_SEQUENCE = 0x30;
export const TAG_SET = 0x31;

/** The bytes are not DER, or lack an element that a certificate must have. */
export class DerError extends Error {
  override name = "DerError";
}

/** Position of one element's contents. */
export interface DerElement {
  readonly tag: number;
  /** The element including its tag and length. */
  readonly whole: Uint8Array;
  readonly contents: Uint8Array;
}

/** Walks consecutive elements in `bytes`. */
export class DerReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** The tag of the next element; -1 at the end. */
  peek(): number {
    return this.done ? -1 : this.bytes[this.at];
  }

  /** @throws DerError when the next element is missing or cut */
  next(): DerElement {
    const { bytes, at } = this;
    if (at + 2 > bytes.length) throw new DerError("an element is cut off");
    const tag = bytes[at];
    if ((tag & 0x1f) === 0x1f) throw new DerError("a tag of several bytes");
    let size = bytes[at + 1];
    let start = at + 2;
    if (size >= 0x80) {
      const digits = size & 0x7f;
      if (digits === 0 || digits > 4 || start + digits > bytes.length) throw new DerError("an invalid length");
      size = 0;
      for (let i = 0; i < digits; i++) size = size * 256 + bytes[start + i];
      if (size < 0x80 || bytes[start] === 0) throw new DerError("a length with more bytes than it needs");
      start += digits;
    }
    if (size > bytes.length - start) throw new DerError("an element is longer than its container");
    this.at = start + size;
    return { tag, whole: bytes.subarray(at, this.at), contents: bytes.subarray(start, this.at) };
  }

  /** The next element, which must have this tag. */
  take(tag: number): DerElement {
    const element = this.next();
    if (element.tag !== tag) throw new DerError(`tag 0x${element.tag.toString(16)} instead of 0x${tag.toString(16)}`);
    return element;
  }

  /** A reader for the contents of the next element. */
  into(tag: number): DerReader {
    return new DerReader(this.take(tag).contents);
  }

  skip(): void {
    this.next();
  }
}

/** Dotted, as Go prints it. */
export function objectIdentifierText(contents: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of contents) {
    if (arc > 2 ** 45) throw new DerError("an object identifier with a huge arc");
    arc = arc * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (arcs.length > 0) arcs.push(arc);
    else if (arc < 80) arcs.push(Math.floor(arc / 40), arc % 40);
    else arcs.push(2, arc - 80);
    arc = 0;
  }
  return arcs.join(".");
}

/** The text of a string element; null for any other element. */
export function stringText({ tag, contents }: DerElement): string | null {
  switch (tag) {
    case TAG_UTF8_STRING:
      return Buffer.from(contents).toString("utf8");
    case TAG_PRINTABLE_STRING:
    case TAG_IA5_STRING:
    case 0x12: // NumericString
    case TAG_T61_STRING:
      return Buffer.from(contents).toString("latin1");
    case TAG_BMP_STRING: {
      const text = Buffer.from(contents.subarray(0, contents.length & ~1))
        .swap16()
        .toString("utf16le");
      return text.endsWith("\0\0") ? text.slice(0, -2) : text;
    }
    default:
      return null;
  }
}

/** Milliseconds since 1970 of a UTCTime or GeneralizedTime. */
export function timeMs({ tag, contents }: DerElement): number {
  const text = Buffer.from(contents).toString("latin1");
  const digits = tag === TAG_UTC_TIME ? (Number(text.slice(0, 2)) < 50 ? "20" : "19") + text : tag === TAG_GENERALIZED_TIME ? text : "";
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? [];
  if (year === undefined) throw new DerError("an invalid time");
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}
