/**
 * Single values of the language: numbers and strings that begin like one; quoted, bare and block strings.
 *
 *   4222  -1  8k  1.5  2026-01-31T10:00:00Z  127.0.0.1:4222  8222s  "a\tb"  'a\tb'  bare  $NAME  (
 *                                                                                                    a block
 *                                                                                                  )
 * Text that begins with a digit is read as a number until a character cannot belong to a number; then it is a string. Some rules are
 * irregular, as in the reference, because files may rely on them: `]` ends a bare string but not a number, and bare strings have escapes.
 */
import { type Cursor, END, isDigit, isNewLine, shown, shownBytes } from "./cursor.ts";
import type { ScalarKind, ValueEvents } from "./events.ts";

const code = (character: string) => character.charCodeAt(0);
const BACKSLASH = code("\\");
const SINGLE_QUOTE = code("'");
const DOUBLE_QUOTE = code('"');
const BLOCK_END = code(")");
const LINE_FEED = code("\n");
const ENDS_BARE_STRING = new Set([..."\r\n\t ;,]}\0"].map(code));
const ENDS_NUMBER = new Set([..."\r\n\t ;,}\0"].map(code));
const SIZES = new Set([..."kKmMgGtTpPeE"].map(code));
const SIZE_TAIL = new Set([..."bBiI"].map(code));
const IN_ADDRESS = new Set([...".:-"].map(code));
const ESCAPES = new Map([...'tnr"\\'].map((character, at) => [code(character), '\t\n\r"\\'[at]]));
const BOOLEANS = new Set(["true", "false", "on", "off", "yes", "no"]);
/** `0` stands for any digit. */
const DATE_AFTER_YEAR = "00-00T00:00:00Z";

/** The file ends at a valid position; the value read so far is used. */
export class EndOfFile extends Error {}

/** @throws always; reports a syntax error at the current place */
export type Refuse = (text: string) => never;

export class ValueReader {
  constructor(
    private readonly cursor: Cursor,
    private readonly events: ValueEvents,
    private readonly refuse: Refuse,
  ) {}

  private emit(kind: ScalarKind, text = this.cursor.read()): void {
    const place = this.cursor.placeOf(text.length);
    this.cursor.skip();
    this.events.onScalar(kind, text, place);
  }

  /** Takes the quote that ends a string. */
  private closeQuote(): void {
    this.cursor.take();
    this.cursor.skip();
  }

  /** Reads a string after its `'`. It has no escapes. */
  singleQuoted(): void {
    for (;;) {
      const next = this.cursor.take();
      if (next === SINGLE_QUOTE) break;
      if (next === END) this.unclosed();
    }
    this.cursor.putBack();
    this.emit("string");
    this.closeQuote();
  }

  /** Reads a string after its `"`. */
  doubleQuoted(): void {
    let before = "";
    for (;;) {
      const next = this.cursor.take();
      if (next === DOUBLE_QUOTE) break;
      if (next === END) this.unclosed();
      if (next === BACKSLASH) before += this.escape();
    }
    this.cursor.putBack();
    this.emit("string", before + this.cursor.read());
    this.closeQuote();
  }

  private unclosed(): never {
    if (this.cursor.hasRead) this.refuse("Unexpected EOF.");
    throw new EndOfFile();
  }

  /** Reads an escape after its backslash. Returns the text before it plus the escaped character; the next token starts after it. */
  private escape(): string {
    const before = this.cursor.read().slice(0, -1);
    const next = this.cursor.take();
    const stands = next === code("x") ? this.hexadecimal() : ESCAPES.get(next);
    if (stands === undefined) {
      this.refuse(
        `Invalid escape character '${shown(next)}'. Only the following escape characters are allowed: \\xXX, \\t, \\n, \\r, \\", \\\\.`,
      );
    }
    this.cursor.start = this.cursor.at;
    return before + stands;
  }

  private hexadecimal(): string {
    for (let digit = 0; digit < 2; digit++) {
      if (isNewLine(this.cursor.take())) this.refuse("Expected two hexadecimal digits after '\\x', but hit end of line");
    }
    const digits = this.cursor.slice(this.cursor.at - 2, this.cursor.at);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
      this.refuse(`Expected two hexadecimal digits after '\\x', but got '${shownBytes(digits)}'`);
    }
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** A word without quotes: a boolean, a variable, or a string. A `'` ends it and is dropped. */
  bare(): void {
    let before = "";
    let escaped = false;
    for (;;) {
      const next = this.cursor.take();
      if (next === BACKSLASH) {
        before += this.escape();
        escaped = true;
      } else if (next === SINGLE_QUOTE || ENDS_BARE_STRING.has(next)) {
        this.cursor.putBack();
        if (next === SINGLE_QUOTE) {
          this.emit("string", before + this.cursor.read());
          return this.closeQuote();
        }
        return escaped ? this.emit("string", before + this.cursor.read()) : this.word();
      }
    }
  }

  private word(): void {
    const text = this.cursor.read();
    if (BOOLEANS.has(text.toLowerCase())) return this.emit("boolean");
    if (!text.startsWith("$")) return this.emit("string");
    this.cursor.start++;
    const place = this.cursor.placeOf(text.length - 1);
    this.cursor.skip();
    this.events.onVariable(text.slice(1), place);
  }

  /** Reads a block string after its `(`, up to a `)` alone on its line. */
  block(): void {
    for (;;) {
      const next = this.cursor.take();
      if (next === END) this.refuse("Unexpected EOF processing block.");
      if (next !== BLOCK_END) continue;
      this.cursor.putBack();
      this.cursor.putBack();
      const before = this.cursor.take();
      this.cursor.take();
      if (before !== LINE_FEED) continue;
      const after = this.cursor.take();
      this.cursor.putBack();
      if (after !== LINE_FEED && after !== END) continue;
      this.cursor.putBack(); // does nothing after the last byte of the file; the bracket is part of the text then
      this.emit("string");
      return this.closeQuote();
    }
  }

  /** Reads a number after its `-`. */
  negative(): void {
    this.firstDigit();
    let next: number;
    do next = this.cursor.take();
    while (isDigit(next));
    if (next === code(".")) return this.fraction();
    if (SIZES.has(next)) return this.sized();
    this.cursor.putBack();
    this.emit("integer");
  }

  /** Reads a number from its first digit. */
  number(): void {
    this.firstDigit();
    let next: number;
    do next = this.cursor.take();
    while (isDigit(next));
    if (next === code("-")) return this.datetime();
    if (next === code(".")) return this.fraction();
    if (SIZES.has(next)) return this.sized();
    if (!ENDS_NUMBER.has(next)) return this.bare();
    this.cursor.putBack();
    this.emit("integer");
  }

  private firstDigit(): void {
    const next = this.cursor.take();
    if (isDigit(next)) return;
    this.refuse(next === code(".") ? "Floats must start with a digit, not '.'." : `Expected a digit but got '${shown(next)}'.`);
  }

  /** Reads the rest of a unit after its first letter. */
  private sized(): void {
    let next: number;
    do next = this.cursor.take();
    while (SIZE_TAIL.has(next));
    this.cursor.putBack();
    if (ENDS_NUMBER.has(next)) this.emit("integer");
    else this.bare();
  }

  /** Reads digits after a point: a float, or an address if a second point follows. */
  private fraction(): void {
    let next = this.cursor.take();
    if (!isDigit(next)) this.refuse(`Floats must have a digit after the '.', but got '${shown(next)}' instead.`);
    do next = this.cursor.take();
    while (isDigit(next));
    if (next !== code(".")) {
      this.cursor.putBack();
      return this.emit("float");
    }
    do next = this.cursor.take();
    while (isDigit(next) || IN_ADDRESS.has(next));
    this.cursor.putBack();
    this.emit("string");
  }

  /** Reads a date or text after a number and `-`. */
  private datetime(): void {
    if (this.cursor.at - this.cursor.start !== "YYYY-".length) this.refuse("All ISO8601 dates must be in full Zulu form.");
    for (const wanted of DATE_AFTER_YEAR) {
      const next = this.cursor.take();
      if (wanted === "0" ? isDigit(next) : next === code(wanted)) continue;
      this.refuse(`Expected ${wanted === "0" ? "digit" : `'${wanted}'`} in ISO8601 datetime, but found '${shown(next)}' instead.`);
    }
    this.emit("datetime");
  }
}
