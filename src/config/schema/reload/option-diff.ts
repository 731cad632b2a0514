/** The options that a reload would change, and whether each change is possible without a restart. */

import { isDeepStrictEqual } from "node:util";
import { goValue } from "../../../base/go/format.ts";
import { OPTIONS, type Options } from "../options.ts";
import type { ReloadChange, Row } from "../row/option-row.ts";
import { reloadPosition } from "./reload-order.ts";
import { reloadRefusal } from "./reload-refusal.ts";

export interface OptionChange {
  readonly name: keyof Options;
  readonly row: Row<never>;
  readonly before: unknown;
  readonly after: unknown;
  /** Why the change needs a restart, with the reference's text; null when it does not. */
  readonly refusal: string | null;
}

/**
 * Compares two complete sets of options by value: the order in lists counts, the order of names in a map does not.
 * Port 0 (any free port) keeps the bound port.
 * @returns the changes in the reference's order
 */
export function diffOptions(before: Options, after: Options): OptionChange[] {
  const changes: OptionChange[] = [];
  for (const name of Object.keys(OPTIONS) as (keyof Options)[]) {
    if (isDeepStrictEqual(before[name], after[name]) || (name === "port" && after.port === 0)) continue;
    const row = OPTIONS[name] as unknown as Row<never>;
    const [old, fresh] = row.compared?.(before, after) ?? [before[name], after[name]];
    if (isDeepStrictEqual(old, fresh)) continue;
    const allowed = row.mayChange?.(before, after) ?? false;
    changes.push({
      name,
      row,
      before: old,
      after: fresh,
      refusal: allowed ? null : refusalOf(row, old as never, fresh as never, { before, after }),
    });
  }
  return changes.sort((left, right) => reloadPosition(left.row.goName) - reloadPosition(right.row.goName));
}

function refusalOf<T>({ reload, goName, shown, refuse }: Row<T>, before: T, after: T, change: ReloadChange): string | null {
  if (refuse !== undefined) return refuse(before, after, change);
  if (reload === "live") return null;
  const text = shown ?? goValue;
  return reloadRefusal(goName, text(before), text(after));
}
