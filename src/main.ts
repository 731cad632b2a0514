#!/usr/bin/env bun
/** The program `nats-server`, alias `bunats`. The server itself is loaded only when the arguments ask for one. */
import { parseCommandLine } from "./cli/command-line.ts";

async function main(args: readonly string[]): Promise<void> {
  const command = parseCommandLine(args);
  switch (command.kind) {
    case "run": {
      const { runServer } = await import("./cli/run-server.ts");
      return runServer(command.options);
    }
    case "version": {
      const { NATS_VERSION, OWN_VERSION } = await import("./protocol/version.ts");
      process.stdout.write(`nats-server: v${NATS_VERSION}\nbunats: v${OWN_VERSION} (Bun ${Bun.version})\n`);
      return;
    }
    case "help":
      return showHelp();
    case "misused":
      process.stderr.write(`${command.error}\n`);
      return showHelp();
    case "refused":
      process.stderr.write(`nats-server: ${command.error}\n`);
      process.exitCode = 1;
  }
}

async function showHelp(): Promise<void> {
  const { helpText } = await import("./cli/help-text.ts");
  process.stdout.write(helpText());
}

void main(process.argv.slice(2)); // no top-level await: `bun build --bytecode` has none
