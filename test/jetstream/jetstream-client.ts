/** A client for tests of JetStream: sends requests and returns the text of the answers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { ReferenceServer } from "../reference/reference-server.ts";

const ANSWER_MS = 60_000;

export class JetStreamClient {
  private constructor(readonly connection: NatsConnection) {}

  static async open(port: number): Promise<JetStreamClient> {
    return new JetStreamClient(await connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: ANSWER_MS }));
  }

  /** @param subject after `$JS.API.` @returns the body of the answer */
  async ask(subject: string, body: string | Uint8Array = ""): Promise<string> {
    const answer = await this.connection.request(`$JS.API.${subject}`, body, { timeout: ANSWER_MS });
    return answer.string();
  }

  /** @returns code and text of the status that answers a direct get; `found`: a message */
  async status(subject: string, body: string): Promise<string> {
    const { headers } = await this.connection.request(`$JS.API.${subject}`, body, { timeout: ANSWER_MS });
    return headers === undefined || headers.code === 0 ? "found" : `${headers.code} ${headers.description}`;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

/**
 * Starts nats-server with JetStream.
 * @param config its configuration: in the `jetstream` block, and outside of it
 */
export async function withJetStream<T>(
  { jetstream, rest }: { readonly jetstream: string; readonly rest: string },
  ask: (client: JetStreamClient) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-jetstream-"));
  const server = await ReferenceServer.start(`jetstream { store_dir: "${directory}", ${jetstream} }\n${rest}`);
  const client = await JetStreamClient.open(server.port);
  try {
    return await ask(client);
  } finally {
    await client.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
