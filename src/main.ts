#!/usr/bin/env bun
/** The program `nats-server`, alias `bunats`. The server itself is loaded only when the arguments ask for one. */
import { parseCommandLine } from "./cli/command-line.ts";

async function main(args: readonly string[]): Promise<void> {
  const command = parseCommandLine(args);
  switch (command.kind) {
    case "run": {
      const { runServer } = await import("./cli/run-server.ts");
      return runServer(command.options, command.configFile);
    }
    case "check": {
      const { checkConfig } = await import("./cli/check-config.ts");
      return end(checkConfig(command.configFile));
    }
    case "signal": {
      const { sendSignal } = await import("./cli/send-signal.ts");
      const error = sendSignal(command.given);
      return error === null ? undefined : refuse(error);
    }
    case "version": {
      const { NATS_VERSION, OWN_VERSION } = await import("./wire/protocol/version.ts");
      process.stdout.write(`nats-server: v${NATS_VERSION}\nbunats: v${OWN_VERSION} (Bun ${Bun.version})\n`);
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

/** Says what a check found, and sets the exit status by it. */
function end({ valid, text }: { readonly valid: boolean; readonly text: string }): void {
  if (!valid) return refuse(text);
  process.stderr.write(`nats-server: ${text}\n`);
}

function refuse(error: string): void {
  process.stderr.write(`nats-server: ${error}\n`);
  process.exitCode = 1;
}

async function showHelp(): Promise<void> {
  const { helpText } = await import("./cli/help-text.ts");
  process.stdout.write(helpText());
}

void main(process.argv.slice(2)); // no top-level await: `bun build --bytecode` has none
