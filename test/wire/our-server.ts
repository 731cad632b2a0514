/** Our server in this process, with options written as lines of nats-server's configuration file. */
import { loadConfigText } from "../../src/config/schema/load-config.ts";
import type { Options } from "../../src/config/schema/options.ts";
import type { ServerAddress } from "./play.ts";

export interface RunningServer extends ServerAddress {
  stop(): Promise<void>;
}

/**
 * Starts a server on free ports of 127.0.0.1.
 * @param config lines as in a scenario, such as `max_payload: 1024`
 * @throws on a line that sets no valid option
 */
export async function startOurServer(config: readonly string[]): Promise<RunningServer> {
  const library = "../../src/index.ts"; // by name, so that the tests of the reference run even when our server does not build
  const { NatsServer } = (await import(library)) as { NatsServer: { start(options: Partial<Options>): Promise<OurServer> } };
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, httpPort: 0, ...optionsOf(config) });
  return { port: server.port, monitorPort: server.monitorPort, stop: () => server.stop() };
}

interface OurServer {
  readonly port: number;
  readonly monitorPort: number;
  stop(): Promise<void>;
}

/** @param config lines of a configuration file */
export function optionsOf(config: readonly string[]): Partial<Options> {
  return loadConfigText(config.join("\n"), {}).options;
}
