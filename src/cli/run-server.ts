/** Runs a server as a program: reads the configuration, opens the log, handles signals and sets the exit status. */

import { writeSync } from "node:fs";
import { SYSTEM_CLOCK } from "../base/clock/clock.ts";
import { secondText } from "../base/log/log-line.ts";
import { ServerLogger } from "../base/log/server-logger.ts";
import type { Options } from "../config/schema/options.ts";
import { OptionError } from "../config/schema/row/problems.ts";
import { readStartOptions } from "../server/process/config-source.ts";
import { hasCompiler, NO_COMPILER } from "../server/process/engine-warning.ts";
import { Server } from "../server/process/server.ts";
import type { HeldSignals } from "./held-signals.ts";
import { handleSignal } from "./signals.ts";
import { stackDump } from "./stack-dump.ts";

/** Runs until a signal ends the process. @param signals received since the start of the process */
export async function runServer(given: Partial<Options>, configFile: string | null, signals: HeldSignals): Promise<void> {
  const { options, config } = orExit(() => readStartOptions(given, configFile));
  process.stderr.write((config?.warnings ?? []).map(warning => `${warning}\n`).join(""));
  const log = orExit(() => new ServerLogger(options));
  await log.connected.catch(exit);
  process.on("exit", () => log.flush());
  try {
    const server = new Server(options, { log, config });
    signals.deliverTo(signal => handleSignal(server, signal, () => quit(server)));
    await Promise.race([server.open(), server.stopped]);
    if (!server.stops) {
      await server.start();
      if (!hasCompiler()) log.warn(NO_COMPILER);
    }
    await server.stopped;
    process.exit(0);
  } catch (error) {
    log.fatal((error as Error).message);
    process.exit(1);
  }
}

/** Go's exit status after SIGQUIT. */
const QUIT_STATUS = 2;

function quit(server: Server): never {
  writeSync(2, stackDump(server));
  process.exit(QUIT_STATUS);
}

function orExit<T>(attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    return exit(error as Error);
  }
}

/** Writes an error that occurs before the log is open to standard error; like the reference, with the time unless an option is wrong. */
function exit(error: Error): never {
  const { message } = error;
  process.stderr.write(
    error instanceof OptionError ? `nats-server: ${message}\n` : `${secondText(new Date(SYSTEM_CLOCK.now()), false)} ${message}\n`,
  );
  process.exit(1);
}
