/**
 * Handles signals that a running server receives, and logs them as the reference does.
 *
 *   INT    stop, exit status 0
 *   TERM   the same, unless the server is in lame duck mode
 *   HUP    reload the configuration file
 *   USR1   reopen the log file
 *   USR2   enter lame duck mode
 */
import { isConfigurable, type Logger } from "../base/log/logger.ts";

/** Go's names of the signals. */
const NAMES: Partial<Record<NodeJS.Signals, string>> = {
  SIGINT: "interrupt",
  SIGTERM: "terminated",
  SIGHUP: "hangup",
  SIGUSR1: "user defined signal 1",
  SIGUSR2: "user defined signal 2",
};

export interface SignalledServer {
  readonly log: Logger;
  readonly inLameDuck: boolean;
  reload(): void;
  enterLameDuck(): unknown;
  stop(): unknown;
}

/** @param started resolves when the server runs; signals received earlier are handled then */
export function handleSignals(started: Promise<SignalledServer>): void {
  const actions: Partial<Record<NodeJS.Signals, (server: SignalledServer) => unknown>> = {
    SIGINT: server => server.stop(),
    SIGTERM: server => server.inLameDuck || server.stop(),
    SIGHUP: server => {
      try {
        server.reload();
      } catch (error) {
        server.log.error(`Failed to reload server configuration: ${(error as Error).message}`);
      }
    },
    SIGUSR1: ({ log }) => {
      if (isConfigurable(log)) log.reopen();
      else log.notice("File log re-open ignored, not a file logger");
    },
    SIGUSR2: server => server.enterLameDuck(),
  };
  for (const [signal, act] of Object.entries(actions) as [NodeJS.Signals, (server: SignalledServer) => unknown][]) {
    process.on(signal, () => {
      void started.then(server => {
        server.log.notice(`Trapped "${NAMES[signal]}" signal`);
        act(server);
      });
    });
  }
}
