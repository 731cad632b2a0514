/** The options that a reload would change, and whether a running server can take each change. */

import { isDeepStrictEqual } from "node:util";
import { goValue } from "../../../base/go/format.ts";
import { OPTIONS, type Options } from "../options.ts";
import type { Row } from "../row/option-row.ts";
import { reloadRefusal } from "./reload-refusal.ts";

export interface OptionChange {
  readonly name: keyof Options;
  readonly row: Row<never>;
  readonly before: unknown;
  readonly after: unknown;
  /** Why it cannot be changed while the server runs, in the reference's words; null when it can. */
  readonly refusal: string | null;
}

/**
 * Compares two complete sets of options, deeply: the order of tags and of pinned certificates counts, that of names in a map does not.
 * Port 0 (any free one) keeps the port that was bound.
 */
export function diffOptions(before: Options, after: Options): OptionChange[] {
  const changes: OptionChange[] = [];
  for (const name of Object.keys(OPTIONS) as (keyof Options)[]) {
    if (isDeepStrictEqual(before[name], after[name]) || (name === "port" && after.port === 0)) continue;
    const row = OPTIONS[name] as unknown as Row<never>;
    const [old, fresh] = row.compared?.(before, after) ?? [before[name], after[name]];
    if (isDeepStrictEqual(old, fresh)) continue;
    const allowed = row.mayChange?.(before, after) ?? false;
    changes.push({ name, row, before: old, after: fresh, refusal: allowed ? null : refusalOf(row, old as never, fresh as never) });
  }
  return changes;
}

function refusalOf<T>({ reload, goName, shown, refuse }: Row<T>, before: T, after: T): string | null {
  if (refuse !== undefined) return refuse(before, after);
  if (reload === "live") return null;
  const text = shown ?? goValue;
  return reloadRefusal(goName, text(before), text(after));
}
