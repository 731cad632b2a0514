/** The program from its options to its end: log, server, signals, exit status. */
import { OptionError } from "../config/options.ts";
import { NatsServer, type StartOptions } from "../index.ts";
import { ServerLogger } from "../log/server-logger.ts";
import { handleSignals } from "./signals.ts";

/** Runs until a signal ends the process. */
export async function runServer(given: Omit<StartOptions, "log">): Promise<void> {
  const { debug = false, trace = false, logTime = true, logTimeUtc = false } = given;
  const log = new ServerLogger({ debug, trace, logTime, logTimeUtc });
  process.on("exit", () => log.flush());
  const started = Promise.withResolvers<NatsServer>();
  handleSignals(log, started.promise);
  try {
    const server = await NatsServer.start({ ...given, log });
    started.resolve(server);
    await server.closed;
    process.exit(0);
  } catch (error) {
    if (error instanceof OptionError) process.stderr.write(`nats-server: ${error.message}\n`);
    else log.fatal((error as Error).message);
    process.exit(1);
  }
}
