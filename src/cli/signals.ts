/**
 * Handles signals that a running server receives, and logs them as the reference does.
 *
 *   INT    stop, exit status 0
 *   TERM   the same, unless the server is in lame duck mode
 *   HUP    reload the configuration file; while the server starts, after its start
 *   USR1   reopen the log file
 *   USR2   enter lame duck mode
 *   QUIT   write what the server is doing to standard error, exit status 2 (stack-dump.ts)
 * Source: reference, core §6.13.
 */
import { isConfigurable, type Logger } from "../base/log/logger.ts";
import type { HandledSignal } from "./held-signals.ts";

/** Go's names of the signals that are logged. */
const NAMES: Record<Exclude<HandledSignal, "SIGQUIT">, string> = {
  SIGINT: "interrupt",
  SIGTERM: "terminated",
  SIGHUP: "hangup",
  SIGUSR1: "user defined signal 1",
  SIGUSR2: "user defined signal 2",
};

export interface SignalledServer {
  readonly log: Logger;
  readonly inLameDuck: boolean;
  /** Resolves when the start is complete; null: it is. */
  readonly starting: Promise<void> | null;
  reload(): void;
  enterLameDuck(): unknown;
  stop(): unknown;
}

/** @param dump writes what the server is doing, and ends the process */
export function handleSignal(server: SignalledServer, signal: HandledSignal, dump: () => void): void {
  if (signal === "SIGQUIT") return dump();
  server.log.notice(`Trapped "${NAMES[signal]}" signal`);
  ACTIONS[signal](server);
}

const ACTIONS: Record<Exclude<HandledSignal, "SIGQUIT">, (server: SignalledServer) => unknown> = {
  SIGINT: server => server.stop(),
  SIGTERM: server => server.inLameDuck || server.stop(),
  SIGHUP: server => {
    if (server.starting === null) return reload(server);
    server.log.notice("Server is still starting, config reload will run once startup completes");
    return server.starting.then(() => reload(server));
  },
  SIGUSR1: ({ log }) => {
    if (isConfigurable(log)) log.reopen();
    else log.notice("File log re-open ignored, not a file logger");
  },
  SIGUSR2: server => server.enterLameDuck(),
};

function reload(server: SignalledServer): void {
  try {
    server.reload();
  } catch (error) {
    server.log.error(`Failed to reload server configuration: ${(error as Error).message}`);
  }
}
