/**
 * Go's error texts for text that is not JSON. Answers to invalid requests contain them.
 *
 *   {"cid": 1,}  ─▶ invalid character '}' looking for beginning of object key string
 * One pass over the bytes, because Go counts bytes. It does not recurse, because a peer chooses the depth; a stack holds the open brackets.
 * Not a hot path: used only after `json-tree.ts` has failed, to find the reason.
 * Source: encoding/json (behaviour).
 */
import { latin1, SPACE } from "../bytes/ascii.ts";
import { JsonSyntaxError } from "./json-error.ts";

/** Levels of nesting; the limit of Go's decoder. */
const DEPTH_MAX = 10_000;
const ENDED = "unexpected end of JSON input";

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;

/** @returns the error; null when the text is JSON: one value with optional space around it */
export function syntaxFault(bytes: Uint8Array): JsonSyntaxError | null {
  return faultOf(new SyntaxScanner(bytes, false));
}

/** The same for a stream: any number of values, with or without space between them. */
export function streamFault(bytes: Uint8Array): JsonSyntaxError | null {
  return faultOf(new SyntaxScanner(bytes, true));
}

function faultOf(scanner: SyntaxScanner): JsonSyntaxError | null {
  try {
    scanner.scan();
    return null;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
    throw error;
  }
}

class SyntaxScanner {
  private at = 0;
  /** The expected closing brackets. */
  private readonly open: number[] = [];

  constructor(
    private readonly bytes: Uint8Array,
    private readonly isStream: boolean,
  ) {}

  scan(): void {
    if (!this.isStream) return this.document();
    for (this.skipSpace(); this.at < this.bytes.length; this.skipSpace()) this.documentValue();
  }

  private document(): void {
    this.documentValue();
    this.skipSpace();
    if (this.at < this.bytes.length) this.fail("after top-level value");
  }

  private documentValue(): void {
    do {
      if (this.value()) continue; // a list or object was opened and is not empty
      while (this.open.length > 0 && !this.hasNext());
    } while (this.open.length > 0);
  }

  /** @returns whether a list or an object was opened; the position is then before its first value */
  private value(): boolean {
    const byte = this.next();
    switch (byte) {
      case OPEN_OBJECT:
        this.enter(CLOSE_OBJECT);
        if (this.closesEmpty(CLOSE_OBJECT)) return false;
        this.name();
        return true;
      case OPEN_LIST:
        this.enter(CLOSE_LIST);
        return !this.closesEmpty(CLOSE_LIST);
      case QUOTE:
        this.string();
        return false;
      case 0x74:
        this.literal("true");
        return false;
      case 0x66:
        this.literal("false");
        return false;
      case 0x6e:
        this.literal("null");
        return false;
      default:
        if (byte !== MINUS && !isDigit(byte)) this.fail("looking for beginning of value", this.at - 1);
        this.number(byte);
        return false;
    }
  }

  private enter(close: number): void {
    if (this.open.length >= DEPTH_MAX) this.fail("exceeded max depth", this.at - 1);
    this.open.push(close);
  }

  /** Whether the opened list or object is empty; if so, it is closed. */
  private closesEmpty(close: number): boolean {
    this.skipSpace();
    if (this.bytes[this.at] !== close) return false;
    this.at++;
    this.open.pop();
    return true;
  }

  /** Reads what follows a value. @returns whether another value follows in the innermost open list or object */
  private hasNext(): boolean {
    const close = this.open[this.open.length - 1];
    const where = close === CLOSE_OBJECT ? "after object key:value pair" : "after array element";
    const byte = this.next();
    if (byte === COMMA) {
      if (close === CLOSE_OBJECT) this.name();
      return true;
    }
    if (byte !== close) this.fail(where, this.at - 1);
    this.open.pop();
    return false;
  }

  private name(): void {
    if (this.next() !== QUOTE) this.fail("looking for beginning of object key string", this.at - 1);
    this.string();
    if (this.next() !== COLON) this.fail("after object key", this.at - 1);
  }

  private string(): void {
    for (;;) {
      const byte = this.take();
      if (byte === QUOTE) return;
      if (byte < 0x20) this.fail("in string literal", this.at - 1);
      if (byte === BACKSLASH) this.escape();
    }
  }

  private escape(): void {
    const byte = this.take();
    if (!'bfnrt\\/"u'.includes(String.fromCharCode(byte))) this.fail("in string escape code", this.at - 1);
    if (byte !== 0x75) return;
    for (let digits = 0; digits < 4; digits++) {
      if (!/[0-9a-fA-F]/.test(String.fromCharCode(this.take()))) this.fail("in \\u hexadecimal character escape", this.at - 1);
    }
  }

  private literal(word: string): void {
    for (let index = 1; index < word.length; index++) {
      if (this.take() !== word.charCodeAt(index)) this.fail(`in literal ${word} (expecting '${word[index]}')`, this.at - 1);
    }
  }

  private number(first: number): void {
    let byte = first;
    if (byte === MINUS) {
      byte = this.take();
      if (!isDigit(byte)) this.fail("in numeric literal", this.at - 1);
    }
    if (byte !== ZERO) this.digits();
    if (this.bytes[this.at] === 0x2e) {
      this.at++;
      if (!isDigit(this.take())) this.fail("after decimal point in numeric literal", this.at - 1);
      this.digits();
    }
    if ((this.bytes[this.at] | 0x20) !== 0x65) return;
    this.at++;
    let exponent = this.take();
    if (exponent === 0x2b || exponent === MINUS) exponent = this.take();
    if (!isDigit(exponent)) this.fail("in exponent of numeric literal", this.at - 1);
    this.digits();
  }

  private digits(): void {
    while (isDigit(this.bytes[this.at])) this.at++;
  }

  /** The next byte that is not space. */
  private next(): number {
    this.skipSpace();
    if (this.at >= this.bytes.length) this.failAtEnd();
    return this.take();
  }

  /** Go adds a space at the end to detect whether a number is complete, so the error for a cut text may be about that space. */
  private take(): number {
    if (this.at > this.bytes.length || (this.isStream && this.at === this.bytes.length)) this.failAtEnd();
    return this.bytes[this.at++] ?? SPACE;
  }

  private failAtEnd(): never {
    throw this.isStream ? new JsonSyntaxError("unexpected EOF", null) : new JsonSyntaxError(ENDED, this.bytes.length);
  }

  private skipSpace(): void {
    for (; this.at < this.bytes.length; this.at++) {
      const byte = this.bytes[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
    }
  }

  private fail(where: string, at = this.at): never {
    throw new JsonSyntaxError(`invalid character ${quotedByte(this.bytes[at] ?? SPACE)} ${where}`, Math.min(at + 1, this.bytes.length));
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= 0x39;
}

const NAMED: Record<number, string> = { 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 39: "\\'", 92: "\\\\" };

/** Quotes a byte like Go, as a Latin-1 character. */
function quotedByte(byte: number): string {
  const named = NAMED[byte];
  if (named !== undefined) return `'${named}'`;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, "0")}'`;
  if ((byte >= 0x80 && byte < 0xa1) || byte === 0xad) return `'\\u00${byte.toString(16)}'`;
  return `'${latin1(Uint8Array.of(byte), 0, 1)}'`;
}
