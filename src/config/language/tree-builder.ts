/**
 * Builds the tree from the reader's events.
 *
 * As in the reference, keys wait for their values on a stack that is separate from the stack of open maps and arrays. So a key without a
 * value (`tls { verify }`) becomes the key of the map around it. This rule decides which files are valid and what their digest is.
 *
 * A variable is looked up when it is read: first in the open maps, innermost first, then in the environment, whose text is parsed as a
 * value of the language. So a variable must be set before it is used.
 */

import { textOfBytes } from "../../base/go/text.ts";
import { type ConfigData, type ConfigMap, type ConfigValue, LanguageError, ZuluTime } from "./config-value.ts";
import type { Place } from "./cursor.ts";
import type { ConfigEvents, ScalarKind } from "./events.ts";
import { INVALID_NUMBER, integerOf } from "./integer.ts";

/** Access to included files and the environment. */
export interface Surroundings {
  /** Reads an included file. */
  include(path: string): ConfigMap;
  /** The value of an environment variable; undefined when it is not set. */
  environment(name: string): ConfigData | undefined;
}

/** Beginning of an unquoted bcrypt hash after its `$`; it looks like a variable. */
const BCRYPT = "2a$";

interface WaitingKey {
  readonly name: string;
  readonly place: Place;
}

export class TreeBuilder implements ConfigEvents {
  readonly root: ConfigMap = new Map();
  private readonly open: (ConfigMap | ConfigValue[])[] = [this.root];
  private readonly keys: WaitingKey[] = [];

  /** @param file name of the file, for the places of values */
  constructor(
    private readonly file: string,
    private readonly surroundings: Surroundings,
  ) {}

  onKey(text: string, place: Place): void {
    this.keys.push({ name: textOfBytes(text), place });
  }

  onScalar(kind: ScalarKind, bytes: string, place: Place): void {
    const data = scalarOf(kind, textOfBytes(bytes));
    if (data !== undefined) this.add(data, place);
  }

  onMapStart(): void {
    this.open.push(new Map());
  }

  onMapEnd(place: Place): void {
    this.add(this.open.pop()!, place);
  }

  onArrayStart(): void {
    this.open.push([]);
  }

  onArrayEnd(place: Place): void {
    this.add(this.open.pop()!, place);
  }

  onVariable(bytes: string, place: Place): void {
    const name = textOfBytes(bytes);
    const data = this.valueOf(name, place.line);
    if (data === undefined) throw new LanguageError(`variable reference for '${name}' on line ${place.line} can not be found`);
    this.add(data, place);
  }

  private valueOf(name: string, line: number): ConfigData | undefined {
    if (name.startsWith(BCRYPT)) return `$${name}`;
    for (const scope of this.open.toReversed()) {
      const value = scope instanceof Map ? scope.get(name) : undefined;
      if (value === undefined) continue;
      value.usedAsVariable = true;
      return value.data;
    }
    try {
      return this.surroundings.environment(name);
    } catch (error) {
      if (!(error instanceof LanguageError)) throw error;
      throw new LanguageError(`variable reference for '${name}' on line ${line} could not be parsed: ${error.message}`);
    }
  }

  onInclude(bytes: string): void {
    const path = textOfBytes(bytes);
    let included: ConfigMap;
    try {
      included = this.surroundings.include(path);
    } catch (error) {
      if (!(error instanceof LanguageError)) throw error;
      throw new LanguageError(`error parsing include file '${path}', ${error.message}`);
    }
    const map = this.open.at(-1);
    if (map instanceof Map) for (const [name, value] of included) put(map, name, value);
  }

  private add(data: ConfigData, { line, column }: Place): void {
    const value: ConfigValue = { data, file: this.file, line, column, usedAsVariable: false };
    const holder = this.open.at(-1)!;
    if (Array.isArray(holder)) {
      holder.push(value);
      return;
    }
    const key = this.keys.pop();
    if (key === undefined) throw new Error("a value without a key"); // the reader gives a key before every value of a map
    value.line = key.place.line;
    value.column = key.place.column;
    put(holder, key.name, value);
  }
}

/** Replaces an earlier value of the key and moves the key to the end. */
function put(map: ConfigMap, name: string, value: ConfigValue): void {
  map.delete(name);
  map.set(name, value);
}

const TRUE = new Set(["true", "yes", "on"]);

/** @returns undefined for a number with an unknown unit (`1kbib`), which the reference drops */
function scalarOf(kind: ScalarKind, text: string): ConfigData | undefined {
  switch (kind) {
    case "string":
      return text;
    case "boolean":
      return TRUE.has(text.toLowerCase());
    case "integer": {
      const value = integerOf(text);
      if (value !== INVALID_NUMBER) return value;
      throw new LanguageError(`expected integer, but got '${text}'`);
    }
    case "float": {
      const value = /^[\x20-\x7e]*$/.test(text) ? Number(text) : Number.NaN;
      if (Number.isNaN(value)) throw new LanguageError(`expected float, but got '${text}'`);
      if (!Number.isFinite(value)) throw new LanguageError(`float '${text}' is out of the range`);
      return value;
    }
    case "datetime":
      if (isDate(text)) return new ZuluTime(text);
      throw new LanguageError(`expected Zulu formatted DateTime, but got '${text}'`);
  }
}

const DATE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** Whether the date exists: JavaScript would read 31 February as 3 March. */
function isDate(text: string): boolean {
  const date = new Date(text);
  return DATE.test(text) && !Number.isNaN(date.getTime()) && date.toISOString() === text.replace("Z", ".000Z");
}
