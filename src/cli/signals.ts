/**
 * Signals of a running server, logged as the reference logs them.
 *
 *   INT    stop, exit status 0
 *   TERM   the same, unless the server is in lame duck mode
 *   HUP    the configuration file is read again
 *   USR1   the log file is opened anew
 *   USR2   lame duck
 */
import { isConfigurable, type Logger } from "../base/log/logger.ts";

/** Go's names of them. */
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

/** @param started resolves when the server runs; signals received before are handled then */
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
