/**
 * Signals of a running server, logged as the reference logs them.
 *
 *   INT, TERM   stop, exit status 0
 *   HUP         reload of the configuration file, of which there is none
 *   USR1        a new log file, of which there is none
 *   USR2        lame duck, not there yet
 */
import type { Logger } from "../log/logger.ts";

/** How Go names them. */
const NAMES: Partial<Record<NodeJS.Signals, string>> = {
  SIGINT: "interrupt",
  SIGTERM: "terminated",
  SIGHUP: "hangup",
  SIGUSR1: "user defined signal 1",
  SIGUSR2: "user defined signal 2",
};

/** @param stop ends the program; called once */
export function handleSignals(log: Logger, stop: () => void): void {
  let stopping = false;
  const stopOnce = () => {
    if (!stopping) stop();
    stopping = true;
  };
  const actions: Partial<Record<NodeJS.Signals, () => void>> = {
    SIGINT: stopOnce,
    SIGTERM: stopOnce,
    SIGHUP: () => {
      log.error("Failed to reload server configuration: can only reload config when a file is provided using -c or --config");
    },
    SIGUSR1: () => log.notice("File log re-open ignored, not a file logger"),
    SIGUSR2: () => log.error("Lame duck mode is not supported yet"),
  };
  for (const [signal, act] of Object.entries(actions) as [NodeJS.Signals, () => void][]) {
    process.on(signal, () => {
      log.notice(`Trapped "${NAMES[signal]}" signal`);
      act();
    });
  }
}
