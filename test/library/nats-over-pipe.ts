/** The official client over `server.connect()`, through its interface for transports: there is no socket. */
import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";
import { NatsConnectionImpl, setTransportFactory, type Transport } from "@nats-io/nats-core/internal";
import type { InProcessConnection, NatsServer } from "../../src/index.ts";

export function connectInside(server: NatsServer, options: ConnectionOptions = {}): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new PipeTransport(server) });
  return NatsConnectionImpl.connect({ ...options, servers: "pipe", reconnect: false });
}

class PipeTransport implements Transport {
  readonly lang = "nats.js";
  readonly version = "pipe";
  isClosed = false;
  private connection: InProcessConnection | null = null;
  private received: Uint8Array[] = [];
  private wake = Promise.withResolvers<void>();
  private readonly ended = Promise.withResolvers<void>();

  constructor(private readonly server: NatsServer) {}

  async connect(): Promise<void> {
    const connection = this.server.connect();
    connection.onData = bytes => {
      this.received.push(bytes);
      this.wake.resolve();
    };
    connection.onClose = () => this.discard();
    this.connection = connection;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (true) {
      if (this.received.length === 0) {
        if (this.isClosed) return;
        await this.wake.promise;
        this.wake = Promise.withResolvers();
      }
      yield* this.received.splice(0);
    }
  }

  isEncrypted(): boolean {
    return false;
  }

  send(frame: Uint8Array): void {
    this.connection!.write(frame);
  }

  async close(): Promise<void> {
    this.discard();
  }

  disconnect(): void {
    this.discard();
  }

  closed(): Promise<void> {
    return this.ended.promise;
  }

  discard(): void {
    this.isClosed = true;
    this.connection?.close();
    this.wake.resolve();
    this.ended.resolve();
  }
}
