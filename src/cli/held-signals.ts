/**
 * Holds signals from the first statement of the program on, so that none of them ends it while it loads and reads its configuration.
 *
 *   start ─ hold ─▶ server exists ─ deliverTo ─▶ held signals, then every later one
 *             └─▶ another command (--help, -t, …) ─ release ─▶ the system's default again, also for those that were held
 * This file imports nothing, because a signal can arrive while other files are loaded.
 */

export const HANDLED_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"] as const;
export type HandledSignal = (typeof HANDLED_SIGNALS)[number];

export class HeldSignals {
  private held: HandledSignal[] = [];
  private handle: (signal: HandledSignal) => void = signal => void this.held.push(signal);
  private readonly listener = (signal: NodeJS.Signals): void => this.handle(signal as HandledSignal);

  constructor() {
    for (const signal of HANDLED_SIGNALS) process.on(signal, this.listener);
  }

  deliverTo(handle: (signal: HandledSignal) => void): void {
    this.handle = handle;
    for (const signal of this.held.splice(0)) handle(signal);
  }

  release(): void {
    for (const signal of HANDLED_SIGNALS) process.off(signal, this.listener);
    for (const signal of this.held.splice(0)) process.kill(process.pid, signal);
  }
}
