/**
 * A position in the text of a file that moves character by character and tracks line and column as the reference counts them.
 *
 *   start ──▶ [ what is being read ] ◀── at
 * `take` moves forward, `putBack` moves back by the character just taken, `skip` starts a new token, and `mark` returns the place where
 * the token began. Text has one character per byte. The end of the file is character 0; like the reference, a byte 0 also ends the file.
 */
import { runeAt, textOfBytes } from "../../base/go/text.ts";

export const END = 0;

/** A line, from 1, and a column in bytes: from 0 on the first line, from 1 on others. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export class Cursor {
  /** Offset of the next character. */
  at = 0;
  /** Offset of the first character of the current token. */
  start = 0;
  line = 1;
  private width = 0;
  /** Offset of the line feed before the line of `at`; 0 on the first line. */
  private lineStart = 0;
  /** Offset of the line feed before the line of `start`; 0 on the first line. */
  private startLineStart = 0;

  constructor(private readonly text: string) {}

  /** The next character's code point; `END` after the last one. */
  take(): number {
    if (this.at >= this.text.length) {
      this.width = 0;
      return END;
    }
    const first = this.text.charCodeAt(this.at);
    if (first === 0x0a) {
      this.line++;
      this.lineStart = this.at;
    }
    const { code, width } = runeAt(this.text, this.at);
    this.width = width;
    this.at += width;
    return code;
  }

  /** Moves back by the last character; a second call in a row moves back by as many bytes again. */
  putBack(): void {
    this.at -= this.width;
    if (this.text[this.at] === "\n") this.line--;
  }

  peek(): number {
    const code = this.take();
    this.putBack();
    return code;
  }

  /** Starts a new token here. */
  skip(): void {
    this.start = this.at;
    this.startLineStart = this.lineStart;
  }

  /** The bytes since `start`. A copy: a slice would keep the whole text in memory, with all its secrets, as long as any of its values. */
  read(): string {
    return Buffer.from(this.text.slice(this.start, this.at), "latin1").toString("latin1");
  }

  /** Bytes of the text. */
  slice(from: number, to: number): string {
    return this.text.slice(from, to);
  }

  /** Whether anything was read since `start`. */
  get hasRead(): boolean {
    return this.at > this.start;
  }

  /** Place of a value with that many bytes that ends here. */
  placeOf(bytes: number): Place {
    return { line: this.line, column: this.at - this.startLineStart - bytes };
  }

  /** Place of the current character. */
  get here(): Place {
    return { line: this.line, column: this.at - this.lineStart };
  }
}

/** A character in an error text. */
export function shown(code: number): string {
  return code === 0x0a ? "\\n" : String.fromCodePoint(code);
}

/** Bytes in an error text. */
export function shownBytes(bytes: string): string {
  return textOfBytes(bytes);
}

/** Space or tab. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

export function isNewLine(code: number): boolean {
  return code === 0x0a || code === 0x0d;
}

/** White space as Unicode defines it. */
export function isSpace(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return code === 0x85 || (code !== 0xfeff && /\s/.test(String.fromCodePoint(code)));
}

/** A decimal digit of any script. Every digit begins a number; only ASCII digits form a valid one. */
export function isDigit(code: number): boolean {
  return code < 0x80 ? code >= 0x30 && code <= 0x39 : /\p{Nd}/u.test(String.fromCodePoint(code));
}
