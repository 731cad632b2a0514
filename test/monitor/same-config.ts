/** Our server and the reference with the same configuration text, for tests that compare their answers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import { askBoth } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";

export interface MonitoredBoth {
  readonly port: number;
  readonly monitorPort: number;
  /** 0 without one. */
  readonly websocketPort: number;
  stop(): Promise<void>;
}

/** Starts our server with a configuration file, as an operator does. */
export async function startOursWith(config: string): Promise<MonitoredBoth> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-monitor-"));
  const configFile = join(directory, "server.conf");
  writeFileSync(configFile, `listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\n${config}\n`);
  const server = await NatsServer.start({ configFile });
  return {
    port: server.port,
    monitorPort: server.monitorPort!,
    websocketPort: server.websocketPort ?? 0,
    async stop() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Starts both servers, calls `ask` with each, and stops them. @returns both results */
export async function lookAtBoth<T>(config: string, ask: (server: MonitoredBoth) => Promise<T>): Promise<[ours: T, reference: T]> {
  const askAndStop = async (server: MonitoredBoth) => {
    try {
      return await ask(server);
    } finally {
      await server.stop();
    }
  };
  return askBoth(
    async () => askAndStop(await startOursWith(config)),
    async () => askAndStop(await ReferenceServer.start(config)),
  );
}
