/**
 * Writes JSON like json-writer.ts, piece by piece: a value may contain lists and maps whose items are produced while it is written.
 *
 *   { total, list: new StreamedList(items) } ─▶ jsonPieces ─▶ `{"total":2,"list":[` … `]}`
 * A long list needs neither a copy in memory nor a long pause. Producers yield `PAUSE` where they have worked without a result.
 */
import { PAUSE } from "../scheduling/sliced.ts";
import { goJson } from "./json-writer.ts";

/** A list. `items` is read once; it may contain pauses. */
export class StreamedList {
  constructor(readonly items: Iterable<unknown>) {}
}

/** An object. `entries` is read once; the caller makes sure that keys are unique. It may contain pauses. */
export class StreamedMap {
  constructor(readonly entries: Iterable<readonly [key: string, value: unknown] | typeof PAUSE>) {}
}

/** Length of a piece of text from which it is handed on, in characters. */
const PIECE_CHARS = 16 * 1024;
/** Items per piece. */
const ITEMS_MAX = 128;

/**
 * @param value plain JSON values, streamed lists and maps; these only directly in objects, lists and maps of the same kind
 * @param indent spaces per level; 0: one line
 * @returns pieces of at most some 16,000 characters plus one item; may be empty, after a pause
 */
export function* jsonPieces(value: unknown, indent: number): Generator<string, void> {
  const writer = new PieceWriter(indent);
  yield* writer.write(value, indent === 0 ? "" : "\n");
  yield writer.take();
}

class PieceWriter {
  private text = "";
  private items = 0;
  private readonly step: string;
  private readonly colon: string;

  constructor(private readonly indent: number) {
    this.step = " ".repeat(indent);
    this.colon = indent === 0 ? ":" : ": ";
  }

  take(): string {
    const { text } = this;
    this.text = "";
    this.items = 0;
    return text;
  }

  private get full(): boolean {
    return this.text.length >= PIECE_CHARS || ++this.items >= ITEMS_MAX;
  }

  /** @param line end of a line and the indentation of the value; empty for one line */
  *write(value: unknown, line: string): Generator<string, void> {
    if (!isStreamed(value)) {
      this.writePlain(value, line);
      return;
    }
    if (value instanceof StreamedList) yield* this.writeList(value.items, line);
    else if (value instanceof StreamedMap) yield* this.writeEntries(value.entries, line);
    else yield* this.writeEntries(Object.entries(value as object), line);
  }

  private writePlain(value: unknown, line: string): void {
    if (line.length <= 1 || typeof value !== "object" || value === null) this.text += goJson(value, this.indent);
    else this.writeIndented(value, (line.length - 1) / this.indent);
  }

  /** Writes the value in so many lists and cuts them off, so that `JSON.stringify` indents it. */
  private writeIndented(value: object, depth: number): void {
    let nested: unknown = value;
    for (let level = 0; level < depth; level++) nested = [nested];
    const json = goJson(nested, this.indent);
    // Each list is a bracket at its beginning and its end, and a line feed with the indentation of its level.
    const before = 2 * depth + (this.indent * depth * (depth + 1)) / 2;
    const after = 2 * depth + (this.indent * depth * (depth - 1)) / 2;
    this.text += json.slice(before, json.length - after);
  }

  private *writeList(items: Iterable<unknown>, line: string): Generator<string, void> {
    const inner = line === "" ? "" : line + this.step;
    let separator = "[";
    for (const item of items) {
      if (item === PAUSE) {
        yield this.take();
        continue;
      }
      this.text += separator + inner;
      separator = ",";
      if (isStreamed(item)) yield* this.write(item, inner);
      else this.writePlain(item, inner);
      if (this.full) yield this.take();
    }
    this.text += separator === "[" ? "[]" : `${line}]`;
  }

  private *writeEntries(entries: Iterable<readonly [string, unknown] | typeof PAUSE>, line: string): Generator<string, void> {
    const inner = line === "" ? "" : line + this.step;
    let separator = "{";
    for (const entry of entries) {
      if (entry === PAUSE) {
        yield this.take();
        continue;
      }
      const [key, value] = entry;
      if (value === undefined) continue;
      this.text += `${separator}${inner}${goJson(key, 0)}${this.colon}`;
      separator = ",";
      if (isStreamed(value)) yield* this.write(value, inner);
      else this.writePlain(value, inner);
      if (this.full) yield this.take();
    }
    this.text += separator === "{" ? "{}" : `${line}}`;
  }
}

/** Whether a value is, or contains in an object, something that is produced while it is written. */
export function isStreamed(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (value instanceof StreamedList || value instanceof StreamedMap) return true;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) if (isStreamed((value as Record<string, unknown>)[key])) return true;
  return false;
}
