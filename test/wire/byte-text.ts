/**
 * Bytes written as text, for scenario files and for the messages of failed tests.
 *
 *   \r \n \t \\        the usual ones            \xHH     one byte
 *   \(…\)*N            … N times, may nest       \#       inside it: the number of the repetition, from 1
 *   \|                 a cut: what follows is a separate write (nothing by itself)
 *
 * Any other character stands for its UTF-8 bytes. Not JSON strings: their quotes would have to be escaped in every CONNECT.
 */

/** The bytes of `text`, in pieces: one more than there are cuts. Throws on an unknown escape or an unclosed repetition. */
export function piecesOf(text: string): Uint8Array[] {
  const reader = new TextReader(text);
  const parts = reader.readUntilEnd(0);
  const pieces: Uint8Array[][] = [[]];
  for (const part of parts) {
    if (part === CUT) pieces.push([]);
    else pieces[pieces.length - 1]!.push(part);
  }
  return pieces.map(piece => new Uint8Array(Buffer.concat(piece)));
}

/** The bytes of `text`; cuts are not allowed. */
export function bytesOf(text: string): Uint8Array {
  const pieces = piecesOf(text);
  if (pieces.length !== 1) throw new Error(`a cut has no meaning here: ${text}`);
  return pieces[0]!;
}

/** Bytes as one line of text that `bytesOf` reads back; long runs are shortened to keep a failure readable. */
export function textOf(bytes: Uint8Array, charactersMax = 2_000): string {
  let text = "";
  for (const byte of bytes) {
    if (byte === 0x0d) text += "\\r";
    else if (byte === 0x0a) text += "\\n";
    else if (byte === 0x09) text += "\\t";
    else if (byte === 0x5c) text += "\\\\";
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, "0").toUpperCase()}`;
    if (text.length > charactersMax) return `${text} … (${bytes.length} bytes)`;
  }
  return text;
}

const CUT = Symbol("cut");
type Part = Uint8Array | typeof CUT;

class TextReader {
  private at = 0;

  constructor(private readonly text: string) {}

  /** Reads to the end of the text, or to the `\)` of the repetition it is in. `count` is what `\#` stands for; 0 outside a repetition. */
  readUntilEnd(count: number): Part[] {
    const parts: Part[] = [];
    let plain = "";
    const endPlain = (): void => {
      if (plain !== "") parts.push(Buffer.from(plain, "utf8"));
      plain = "";
    };
    while (this.at < this.text.length) {
      const character = this.text[this.at++]!;
      if (character !== "\\") {
        plain += character;
        continue;
      }
      const code = this.text[this.at++];
      const simple = SIMPLE_ESCAPES[code ?? ""];
      if (simple !== undefined) plain += simple;
      else if (code === "#" && count > 0) plain += String(count);
      else {
        endPlain();
        if (code === ")" && count > 0) return parts;
        else if (code === "|") parts.push(CUT);
        else if (code === "x") parts.push(this.readHexByte());
        else if (code === "(") for (const part of this.readRepetition()) parts.push(part);
        else throw new Error(`unknown escape \\${code ?? ""} in: ${this.text}`);
      }
    }
    if (count > 0) throw new Error(`a repetition is not closed in: ${this.text}`);
    endPlain();
    return parts;
  }

  private readHexByte(): Uint8Array {
    const digits = this.text.slice(this.at, this.at + 2);
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw new Error(`\\x needs two hex digits in: ${this.text}`);
    this.at += 2;
    return Uint8Array.of(Number.parseInt(digits, 16));
  }

  private readRepetition(): Part[] {
    const start = this.at;
    const once = this.readUntilEnd(1);
    const times = /^\*(\d+)/.exec(this.text.slice(this.at));
    if (times === null) throw new Error(`\\) needs *N after it in: ${this.text}`);
    const body = this.text.slice(start, this.at);
    const end = this.at + times[0].length;
    const parts: Part[] = [];
    if (!body.includes("\\#")) parts.push(...repeated(once, Number(times[1])));
    else {
      for (let count = 1; count <= Number(times[1]); count++) {
        this.at = start;
        parts.push(...this.readUntilEnd(count));
      }
    }
    this.at = end;
    return parts;
  }
}

/** The parts, repeated `times` times. Without a cut among them they become one part: a megabyte may be one byte repeated a million times. */
function repeated(parts: readonly Part[], times: number): Part[] {
  if (parts.includes(CUT)) return Array.from({ length: times }, () => parts).flat();
  const once = Buffer.concat(parts as Uint8Array[]);
  return once.length === 0 || times === 0 ? [] : [Buffer.alloc(once.length * times, once)];
}

const SIMPLE_ESCAPES: Record<string, string> = { r: "\r", n: "\n", t: "\t", "\\": "\\" };
