/** What a reload would change, and which of it a running server cannot. */

import { isDeepStrictEqual } from "node:util";
import { SYSTEM_ACCOUNT } from "../../../accounts/account/account.ts";
import { goValue } from "../../../base/go/format.ts";
import { OPTIONS, type Options } from "../options.ts";
import type { OptionRow } from "../row/option-row.ts";
import { reloadRefusal } from "./reload-refusal.ts";

export interface OptionChange {
  readonly name: keyof Options;
  readonly row: OptionRow<never>;
  readonly before: unknown;
  readonly after: unknown;
  /** Why it cannot be changed while the server runs, in the reference's words; null when it can. */
  readonly refusal: string | null;
}

/** Where monitoring listens, by http or https. */
const MONITORING_HOSTS: readonly string[] = ["httpHost", "httpsHost"] satisfies (keyof Options)[];
const monitoringHost = ({ httpHost, httpsHost, host }: Options) => httpHost ?? httpsHost ?? host;

/** Changes of what else is fixed that a reload may make, as the reference does. */
const EXCEPTIONS: { readonly [K in keyof Options]?: (before: Options, after: Options) => boolean } = {
  noAuthUser: ({ noAuthUser }, after) => after.noAuthUser === null && !hasUserNamed(after, noAuthUser!),
  systemAccount: ({ systemAccount }, after) => systemAccount === SYSTEM_ACCOUNT && after.systemAccount === null,
};

/** An account that is called so is the system account without anybody saying it. */
function systemAccountOf({ systemAccount, accounts }: Options): string | null {
  return systemAccount ?? (accounts.some(({ name }) => name === SYSTEM_ACCOUNT) ? SYSTEM_ACCOUNT : null);
}

function hasUserNamed({ accounts, authorization }: Options, name: string): boolean {
  return [...(authorization?.users ?? []), ...accounts.flatMap(({ users }) => users)].some(({ user }) => user === name);
}

/**
 * Compares two complete sets of options, deeply: the order of tags and of pinned certificates counts, that of names in a map does not.
 * A port that is any free one now stays what it was.
 */
export function diffOptions(before: Options, after: Options): OptionChange[] {
  const changes: OptionChange[] = [];
  for (const name of Object.keys(OPTIONS) as (keyof Options)[]) {
    if (isDeepStrictEqual(before[name], after[name]) || (name === "port" && after.port === 0)) continue;
    const [old, fresh] = comparable(name, before, after);
    if (isDeepStrictEqual(old, fresh)) continue;
    const row = OPTIONS[name] as unknown as OptionRow<never>;
    const allowed = EXCEPTIONS[name]?.(before, after) ?? false;
    changes.push({ name, row, before: old, after: fresh, refusal: allowed ? null : refusalOf(row, old as never, fresh as never) });
  }
  return changes;
}

/** What is used of an option, where it is not the option itself. */
function comparable(name: keyof Options, before: Options, after: Options): [old: unknown, fresh: unknown] {
  if (MONITORING_HOSTS.includes(name)) return [monitoringHost(before), monitoringHost(after)];
  return [name === "systemAccount" ? systemAccountOf(before) : before[name], after[name]];
}

function refusalOf<T>({ reload, goName, shown, refuse }: OptionRow<T>, before: T, after: T): string | null {
  if (refuse !== undefined) return refuse(before, after);
  if (reload === "live") return null;
  const text = shown ?? goValue;
  return reloadRefusal(goName, text(before), text(after));
}
