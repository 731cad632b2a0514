/** Ours and the reference with one and the same configuration file text, for tests that hold what they answer side by side. */
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

/** Ours, from a file: as an operator starts it. */
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

/** Does the same to both, and gives back what it saw. */
export async function lookAtBoth<T>(config: string, look: (server: MonitoredBoth) => Promise<T>): Promise<[ours: T, reference: T]> {
  const lookAt = async (server: MonitoredBoth) => {
    try {
      return await look(server);
    } finally {
      await server.stop();
    }
  };
  return askBoth(
    async () => lookAt(await startOursWith(config)),
    async () => lookAt(await ReferenceServer.start(config)),
  );
}
