/**
 * Log lines that many connections cause at once: the same text about the same account is written at most once per second, with the
 * connection that caused it first.
 *
 *   <label> - maximum connections exceeded - Account:$G - user:derek
 *             └─ compared with the lines of the last second ┘
 * Source: reference, core §9.4.
 */
import type { Logger } from "../../base/log/logger.ts";
import type { RepeatFilter } from "../../base/log/repeat-filter.ts";
import type { Turn } from "./turn.ts";

/** The connection that a line is about. */
export interface LoggedConnection {
  readonly host: { readonly turn: Turn; readonly repeats: RepeatFilter };
  readonly log: Logger;
  readonly label: string;
  /** The account that it has logged in to; empty: none. */
  readonly loggedAccount: string;
  /** The user as log lines name it; empty: none. */
  readonly loggedUser: string;
}

/** @param key compared in place of the text, when the text contains a number that changes */
export function logLimited(connection: LoggedConnection, level: "error" | "warn" | "debug", text: string, key = text): void {
  const { host, label, log, loggedAccount, loggedUser } = connection;
  const account = loggedAccount === "" ? "" : ` - Account:${loggedAccount}`;
  if (!host.repeats.passes(key + account, host.turn.clock.monotonic())) return;
  log[level](`${label} - ${text}${account}${loggedUser === "" ? "" : ` - ${loggedUser}`}`);
}
