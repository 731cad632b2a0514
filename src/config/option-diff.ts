/** What a reload would change. */
import { isDeepStrictEqual } from "node:util";
import type { Options } from "./options.ts";

export interface OptionChange {
  readonly name: keyof Options;
  /** Why it cannot be changed while the server runs; null when it can. */
  readonly refusal: string | null;
}

export function diffOptions(before: Options, after: Options): OptionChange[] {
  const names = Object.keys(after) as (keyof Options)[];
  return names.filter(name => !isDeepStrictEqual(before[name], after[name])).map(name => ({ name, refusal: null }));
}
