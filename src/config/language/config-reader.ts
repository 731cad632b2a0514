/**
 * Reads the configuration language: text in, events out, in one pass.
 *
 *   top     port: 4222          pairs, ended by a new line, `,`, `;` or `}`
 *   block   { port: 4222 }      the whole file in braces, as in JSON
 *   map     tls { … }           pairs, ended by a new line, `,` or `;`
 *   array   [ 1, 2 ]            values, ended by a new line or `,`
 *
 * In the reference the end of a pair, the positions of comments and the meaning of a single `/` differ between these contexts, and files
 * rely on that. So each context has its own method with the reference's rules. Maps and arrays nest as calls, at most `NESTING_MAX` deep,
 * so that a hostile file cannot exhaust the stack.
 */
import { Cursor, END, isBlank, isDigit, isNewLine, isSpace, shown } from "./cursor.ts";
import type { ConfigEvents, ValueEvents } from "./events.ts";
import { EndOfFile, type Refuse, ValueReader } from "./value-reader.ts";

export const NESTING_MAX = 1_000;

const code = (character: string) => character.charCodeAt(0);
const COMMA = code(",");
const SEMICOLON = code(";");
const HASH = code("#");
const SLASH = code("/");
const MAP_START = code("{");
const MAP_END = code("}");
const ARRAY_START = code("[");
const ARRAY_END = code("]");
const BLOCK_START = code("(");
const SINGLE_QUOTE = code("'");
const DOUBLE_QUOTE = code('"');
const UNEXPECTED_END = "Unexpected EOF.";

/** What a key is followed by: a value, or nothing after an include. */
type KeyKind = "key" | "include";

export class ConfigReader {
  private readonly cursor: Cursor;
  private readonly values: ValueReader;
  private depth = 0;
  /** The key of the last event; null when the last event was not a key. */
  private lastKey: string | null = null;

  /** @param text one character per byte */
  constructor(
    text: string,
    private readonly events: ConfigEvents,
    private readonly refuse: (text: string, cursor: Cursor) => never,
  ) {
    this.cursor = new Cursor(text);
    const fail: Refuse = reason => this.fail(reason);
    const watched: ValueEvents = {
      onScalar: (kind, value, place) => this.other(() => events.onScalar(kind, value, place)),
      onVariable: (name, place) => this.other(() => events.onVariable(name, place)),
    };
    this.values = new ValueReader(this.cursor, watched, fail);
  }

  /** @returns the key without a value at the end of the file; null when the file is complete */
  read(): { readonly line: number; readonly column: number } | null {
    try {
      this.top();
    } catch (error) {
      if (!(error instanceof EndOfFile)) throw error;
    }
    return this.lastKey === null || this.lastKey === "}" ? null : this.cursor.placeOf(this.cursor.read().length);
  }

  private fail(text: string): never {
    return this.refuse(text, this.cursor);
  }

  /** Called for every event except keys. */
  private other(event: () => void): void {
    this.lastKey = null;
    event();
  }

  private key(): void {
    const text = this.cursor.read();
    const place = this.cursor.placeOf(text.length);
    this.cursor.skip();
    this.lastKey = text;
    this.events.onKey(text, place);
  }

  /** Reads a comment after its `#` or `//`. */
  private comment(): void {
    this.lastKey = null;
    let next: number;
    do next = this.cursor.take();
    while (next !== END && !isNewLine(next));
    this.cursor.putBack();
    this.cursor.skip();
  }

  /** Reads a comment if the character just taken starts one. @returns whether it did */
  private commentFrom(first: number): boolean {
    if (first === SLASH) {
      if (this.cursor.take() !== SLASH) {
        this.cursor.putBack();
        return false;
      }
    } else if (first !== HASH) return false;
    this.comment();
    return true;
  }

  private top(): void {
    for (;;) {
      const next = this.cursor.take();
      if (isSpace(next)) this.cursor.skip();
      else if (next === MAP_START) this.blocks();
      else if (this.commentFrom(next)) continue;
      else if (next === END || next === SLASH) this.endOfFile();
      else {
        this.cursor.putBack();
        this.pair();
        this.endTopPair();
      }
    }
  }

  private endOfFile(): never {
    if (this.cursor.hasRead) this.fail(UNEXPECTED_END);
    throw new EndOfFile();
  }

  /** Reads the end of a top-level pair. A single `/` counts as white space. */
  private endTopPair(): void {
    for (;;) {
      const next = this.cursor.take();
      if (this.commentFrom(next)) return;
      if (isNewLine(next) || next === END || next === SEMICOLON || next === COMMA || next === MAP_END) return this.cursor.skip();
      if (!isBlank(next) && next !== SLASH) {
        this.fail(`Expected a top-level value to end with a new line, comment or EOF, but got '${shown(next)}' instead.`);
      }
    }
  }

  /** Reads a block after a `{` in the position of a top-level key. Nested blocks without a name are allowed and have no meaning. */
  private blocks(): void {
    this.cursor.skip();
    let open = 1;
    while (open > 0) {
      const next = this.cursor.take();
      if (isSpace(next)) this.cursor.skip();
      else if (next === MAP_START) {
        this.cursor.skip();
        open++;
      } else if (next === MAP_END) {
        this.cursor.skip();
        open = this.closeBlocks(open - 1);
      } else if (this.commentFrom(next)) continue;
      else if (next === END || next === SLASH) this.endOfFile();
      else {
        this.cursor.putBack();
        this.pair();
        if (this.endBlockPair()) open = this.closeBlocks(open);
      }
    }
  }

  /** Reads the end of a pair in a block. @returns whether a `}` follows */
  private endBlockPair(): boolean {
    for (;;) {
      const next = this.cursor.take();
      if (this.commentFrom(next)) continue;
      if (isNewLine(next) || next === SEMICOLON || next === COMMA) {
        this.cursor.skip();
        return false;
      }
      if (next === MAP_END) {
        this.cursor.putBack();
        return true;
      }
      if (!isBlank(next) && next !== SLASH) {
        this.fail(`Expected a block-level value to end with a new line, comment or EOF, but got '${shown(next)}' instead.`);
      }
    }
  }

  /** Reads the ends of blocks. @returns the number of blocks still open; the next pairs belong to the innermost */
  private closeBlocks(open: number): number {
    while (open > 0) {
      const next = this.cursor.take();
      if (this.commentFrom(next)) return open;
      if (next === SEMICOLON || next === COMMA) {
        this.cursor.skip();
        return open;
      }
      if (next === MAP_END) {
        this.cursor.skip();
        open--;
      } else if (!isNewLine(next) && !isBlank(next) && next !== SLASH) {
        this.fail(`Expected a block-level to end with a '}', but got '${shown(next)}' instead.`);
      }
    }
    return open;
  }

  /** A key and its value, or an include, at the top level or in a block. */
  private pair(): void {
    let first = this.cursor.peek();
    while (isSpace(first)) {
      this.cursor.take();
      this.cursor.skip();
      first = this.cursor.peek();
    }
    if (isSeparator(first)) this.fail(`Unexpected key separator '${shown(first)}'`);
    if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) this.quotedKey(first);
    else {
      this.cursor.skip();
      this.cursor.take();
      if (this.bareKey() === "include") return;
    }
    for (;;) {
      const next = this.cursor.take();
      if (isSpace(next)) this.cursor.skip();
      else if (next === END) throw new EndOfFile();
      else {
        if (isSeparator(next)) this.cursor.skip();
        else this.cursor.putBack();
        return this.value();
      }
    }
  }

  private quotedKey(quote: number): void {
    this.cursor.take();
    this.cursor.skip();
    for (;;) {
      const next = this.cursor.peek();
      if (next === quote) break;
      if (next === END) this.endOfFile();
      this.cursor.take();
    }
    this.key();
    this.cursor.take();
    this.cursor.skip();
  }

  /** Called after the first character. */
  private bareKey(): KeyKind {
    for (;;) {
      const next = this.cursor.peek();
      if (isSpace(next)) return this.keyOrInclude();
      if (isSeparator(next) || next === END) {
        this.key();
        return "key";
      }
      this.cursor.take();
    }
  }

  private keyOrInclude(): KeyKind {
    if (this.cursor.read().toLowerCase() !== "include") {
      this.key();
      return "key";
    }
    this.include();
    return "include";
  }

  private include(): void {
    this.cursor.skip();
    let first = this.cursor.take();
    while (isBlank(first)) {
      this.cursor.skip();
      first = this.cursor.take();
    }
    if (first === SINGLE_QUOTE) return this.quotedInclude(first, "Unexpected EOF in quoted include");
    if (first === DOUBLE_QUOTE) return this.quotedInclude(first, "Unexpected EOF in double quoted include");
    const found = isDigit(first) ? "start of a number" : NOT_INCLUDED.get(first);
    if (found !== undefined) this.fail(`Expected include value but found ${found}`);
    this.cursor.putBack();
    for (;;) {
      const next = this.cursor.take();
      if (next !== SINGLE_QUOTE && !isNewLine(next) && !isBlank(next) && next !== END && next !== SEMICOLON && next !== MAP_END) continue;
      this.cursor.putBack();
      return this.endInclude(next === SINGLE_QUOTE);
    }
  }

  private quotedInclude(quote: number, atEnd: string): void {
    this.cursor.skip();
    for (;;) {
      const next = this.cursor.take();
      if (next === END) this.fail(atEnd);
      if (next !== quote) continue;
      this.cursor.putBack();
      return this.endInclude(true);
    }
  }

  private endInclude(quoted: boolean): void {
    const path = this.cursor.read();
    this.cursor.skip();
    this.other(() => this.events.onInclude(path));
    if (!quoted) return;
    this.cursor.take();
    this.cursor.skip();
  }

  /** Reads a value after the separator. A new line before a value is an error, except in maps and arrays, which skip it. */
  private value(): void {
    let first = this.cursor.take();
    while (isBlank(first)) {
      this.cursor.skip();
      first = this.cursor.take();
    }
    if (first === ARRAY_START) return this.nested(() => this.array());
    if (first === MAP_START) return this.nested(() => this.map());
    if (first === SINGLE_QUOTE || first === DOUBLE_QUOTE || first === BLOCK_START) {
      this.cursor.skip();
      if (first === BLOCK_START) return this.values.block();
      return first === SINGLE_QUOTE ? this.values.singleQuoted() : this.values.doubleQuoted();
    }
    if (first === code("-")) return this.values.negative();
    if (first === code(".")) this.fail("Floats must start with a digit");
    if (isNewLine(first)) this.fail("Expected value but found new line");
    this.cursor.putBack();
    if (isDigit(first)) this.values.number();
    else this.values.bare();
  }

  private nested(read: () => void): void {
    if (this.depth >= NESTING_MAX) this.fail(`more than ${NESTING_MAX} maps and arrays within each other`);
    this.depth++;
    this.cursor.skip();
    read();
    this.depth--;
  }

  private array(): void {
    this.other(() => this.events.onArrayStart());
    do this.skipSpaceAndComments();
    while (this.element());
    this.cursor.skip();
    const place = this.cursor.placeOf(0);
    this.other(() => this.events.onArrayEnd(place));
  }

  /** Reads the position of an array value. */
  private skipSpaceAndComments(): void {
    for (;;) {
      const next = this.cursor.take();
      if (isSpace(next)) this.cursor.skip();
      else if (!this.commentFrom(next)) {
        if (next === SLASH || next === COMMA) this.fail("Unexpected array value terminator ','.");
        return this.cursor.putBack();
      }
    }
  }

  /** Reads a value or the end of the array. @returns whether another value may follow */
  private element(): boolean {
    if (this.cursor.take() === ARRAY_END) return false;
    this.cursor.putBack();
    this.value();
    for (;;) {
      const next = this.cursor.take();
      if (isBlank(next)) this.cursor.skip();
      else if (this.commentFrom(next)) continue;
      else if (next === COMMA || next === SLASH || isNewLine(next)) {
        this.cursor.skip();
        return true;
      } else if (next === ARRAY_END) return false;
      else this.fail(`Expected an array value terminator "," or an array terminator "]", but got '${shown(next)}' instead.`);
    }
  }

  private map(): void {
    this.other(() => this.events.onMapStart());
    while (this.mapPair()) {}
    this.cursor.skip();
    const place = this.cursor.placeOf(0);
    this.other(() => this.events.onMapEnd(place));
  }

  /** Reads the position of a map key. @returns false after the `}` that ends the map */
  private mapPair(): boolean {
    for (;;) {
      const first = this.cursor.peek();
      if (isSeparator(first)) this.fail(`Unexpected key separator '${shown(first)}'.`);
      if (first === ARRAY_END) this.fail("Unexpected array end ']' processing map.");
      if (first === END) this.fail("Unexpected EOF processing map.");
      if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) {
        this.quotedMapKey(first);
        return this.mapValue();
      }
      this.cursor.take();
      if (first === MAP_END) return false;
      if (isSpace(first)) this.cursor.skip();
      else if (!this.commentFrom(first)) {
        if (first === SLASH) this.cursor.take(); // a single `/` is ignored
        return this.bareMapPair();
      }
    }
  }

  /** Reads the rest of a key after its first character. */
  private bareMapPair(): boolean {
    this.cursor.putBack();
    this.cursor.skip();
    this.cursor.take();
    for (;;) {
      const next = this.cursor.peek();
      if (next === END) this.fail("Unexpected EOF processing map key.");
      if (isSpace(next)) {
        if (this.keyOrInclude() === "include") return this.endMapPair();
        break;
      }
      if (isSeparator(next)) {
        this.key();
        break;
      }
      this.cursor.take();
    }
    return this.mapValue();
  }

  private quotedMapKey(quote: number): void {
    this.cursor.take();
    this.cursor.skip();
    for (;;) {
      const next = this.cursor.peek();
      if (next === END) this.fail(`Unexpected EOF processing ${quote === DOUBLE_QUOTE ? "double " : ""}quoted map key.`);
      if (next === quote) break;
      this.cursor.take();
    }
    this.key();
    this.cursor.take();
    this.cursor.skip();
  }

  /** Reads what follows a key of a map: its value, or the end of the map. @returns false after the `}` that ends the map */
  private mapValue(): boolean {
    let separated = false;
    for (;;) {
      const next = this.cursor.take();
      if (isSpace(next)) this.cursor.skip();
      else if (!separated && isSeparator(next)) {
        separated = true;
        this.cursor.skip();
      } else if (next === COMMA) this.fail('Unexpected map value terminator ",".');
      else if (next === MAP_END) return false;
      else {
        this.cursor.putBack();
        this.value();
        return this.endMapPair();
      }
    }
  }

  private endMapPair(): boolean {
    for (;;) {
      const next = this.cursor.take();
      if (isBlank(next)) this.cursor.skip();
      else if (this.commentFrom(next)) continue;
      else if (next === SEMICOLON || next === COMMA || next === SLASH || isNewLine(next)) {
        this.cursor.skip();
        return true;
      } else if (next === MAP_END) return false;
      else this.fail(`Expected a map value terminator "," or a map terminator "}", but got '${shown(next)}' instead.`);
    }
  }
}

/** Characters that an included file name may not begin with, and the reference's names for them. */
const NOT_INCLUDED = new Map([
  [ARRAY_START, "start of an array"],
  [MAP_START, "start of a map"],
  [BLOCK_START, "start of a block"],
  [code("-"), "start of a number"],
  [code("\\"), "escape sequence"],
  [code("\n"), "new line"],
  [code("\r"), "new line"],
]);

function isSeparator(next: number): boolean {
  return next === code("=") || next === code(":");
}
