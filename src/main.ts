#!/usr/bin/env bun
/** The program `nats-server`, alias `bunats`. Loads the server only when the arguments start one. */
import { HeldSignals } from "./cli/held-signals.ts";

async function main(args: readonly string[], signals: HeldSignals): Promise<void> {
  const { parseCommandLine } = await import("./cli/command-line.ts");
  const command = parseCommandLine(args);
  if (command.kind !== "run") signals.release();
  switch (command.kind) {
    case "run": {
      const { runServer } = await import("./cli/run-server.ts");
      return runServer(command.options, command.configFile, signals);
    }
    case "check": {
      const { checkConfig } = await import("./cli/check-config.ts");
      const { status, lines } = checkConfig(command);
      process.stderr.write(lines.map(line => `nats-server: ${line}\n`).join(""));
      process.exitCode = status;
      return;
    }
    case "signal": {
      const { sendSignal } = await import("./cli/send-signal.ts");
      const error = sendSignal(command.given);
      return error === null ? undefined : refuse(error);
    }
    case "version": {
      const { NATS_VERSION } = await import("./wire/protocol/version.ts");
      process.stdout.write(`nats-server: v${NATS_VERSION}\n`); // one line, because programs read all of it
      return;
    }
    case "help":
      return showHelp();
    case "helpTls": {
      const { tlsHelpText } = await import("./cli/help-text.ts");
      process.stdout.write(tlsHelpText());
      return;
    }
    case "misused":
      process.stderr.write(`${command.error}\n`);
      return showHelp();
    case "refused":
      refuse(command.error);
  }
}

function refuse(error: string): void {
  process.stderr.write(`nats-server: ${error}\n`);
  process.exitCode = 1;
}

async function showHelp(): Promise<void> {
  const { helpText } = await import("./cli/help-text.ts");
  process.stdout.write(helpText());
}

void main(process.argv.slice(2), new HeldSignals()); // no top-level await: `bun build --bytecode` does not support it
