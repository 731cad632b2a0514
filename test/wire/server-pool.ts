/**
 * One server per set of options, started when the first scenario asks for it. Scenarios share it: their connections are independent.
 */
export interface Stoppable {
  stop(): Promise<void>;
}

export class ServerPool<Server extends Stoppable> {
  private readonly servers = new Map<string, Promise<Server>>();

  constructor(private readonly start: (config: readonly string[]) => Promise<Server>) {}

  /** The server with these options. A failed start fails every call with them. */
  get(config: readonly string[]): Promise<Server> {
    const key = config.join("\n");
    let server = this.servers.get(key);
    if (server === undefined) {
      server = this.start(config);
      this.servers.set(key, server);
    }
    return server;
  }

  /** Stops all servers that have started, even if others failed to. */
  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.servers.values());
    this.servers.clear();
    await Promise.all(started.map(result => (result.status === "fulfilled" ? result.value.stop() : undefined)));
  }
}
