/** What a reload would change, and which of it a running server cannot. */
import { isDeepStrictEqual } from "node:util";
import { goValue } from "./go-format.ts";
import type { OptionRow } from "./option-row.ts";
import { OPTIONS, type Options } from "./options.ts";
import { reloadRefusal } from "./reload-refusal.ts";

export interface OptionChange {
  readonly name: keyof Options;
  readonly row: OptionRow<never>;
  readonly before: unknown;
  readonly after: unknown;
  /** Why it cannot be changed while the server runs, in the reference's words; null when it can. */
  readonly refusal: string | null;
}

/**
 * Compares two complete sets of options, deeply: the order of tags and of pinned certificates counts, that of names in a map does not.
 * A port that is any free one now stays what it was.
 */
export function diffOptions(before: Options, after: Options): OptionChange[] {
  const changes: OptionChange[] = [];
  for (const name of Object.keys(OPTIONS) as (keyof Options)[]) {
    if (isDeepStrictEqual(before[name], after[name]) || (name === "port" && after.port === 0)) continue;
    const row = OPTIONS[name] as unknown as OptionRow<never>;
    changes.push({
      name,
      row,
      before: before[name],
      after: after[name],
      refusal: refusalOf(row, before[name] as never, after[name] as never),
    });
  }
  return changes;
}

function refusalOf<T>({ reload, goName, shown, refuse }: OptionRow<T>, before: T, after: T): string | null {
  if (refuse !== undefined) return refuse(before, after);
  if (reload === "live") return null;
  const text = shown ?? goValue;
  return reloadRefusal(goName, text(before), text(after));
}
