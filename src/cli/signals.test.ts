import { expect, test } from "bun:test";
import type { Logger } from "../base/log/logger.ts";
import { SILENT } from "../base/log/silent-logger.ts";
import { type HandledSignal, HeldSignals } from "./held-signals.ts";
import { handleSignal, type SignalledServer } from "./signals.ts";

function server(starting: Promise<void> | null = null) {
  const calls: string[] = [];
  const lines: string[] = [];
  const log: Logger = { ...SILENT, notice: text => void lines.push(text) };
  const signalled: SignalledServer & { starting: Promise<void> | null; inLameDuck: boolean } = {
    log,
    inLameDuck: false,
    starting,
    reload: () => void calls.push("reload"),
    enterLameDuck() {
      calls.push("lame duck");
      signalled.inLameDuck = true;
    },
    stop: () => void calls.push("stop"),
  };
  const send = (...signals: HandledSignal[]) => {
    for (const signal of signals) handleSignal(signalled, signal, () => calls.push("dump"));
  };
  return { calls, lines, send };
}

test("a reload during the start waits for its end; other signals do not", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { calls, lines, send } = server(promise);
  send("SIGHUP", "SIGTERM");
  expect(calls).toEqual(["stop"]);
  expect(lines).toEqual([
    'Trapped "hangup" signal',
    "Server is still starting, config reload will run once startup completes",
    'Trapped "terminated" signal',
  ]);
  resolve();
  await promise;
  expect(calls).toEqual(["stop", "reload"]);
});

test("lame duck mode is in force when USR2 has been handled, so a TERM right after it is ignored, and INT is not", () => {
  const { calls, send } = server();
  send("SIGUSR2", "SIGTERM");
  expect(calls).toEqual(["lame duck"]);
  send("SIGINT");
  expect(calls).toEqual(["lame duck", "stop"]);
});

test("signals are held until there is a server, in their order", async () => {
  const held = new HeldSignals();
  try {
    process.kill(process.pid, "SIGHUP");
    process.kill(process.pid, "SIGUSR2");
    const { promise, resolve } = Promise.withResolvers<void>();
    process.once("SIGUSR2", () => resolve()); // called after the listener of the held signals
    await promise;
    const delivered: HandledSignal[] = [];
    held.deliverTo(signal => delivered.push(signal));
    expect(delivered.toSorted()).toEqual(["SIGHUP", "SIGUSR2"]);
  } finally {
    held.release();
  }
});
