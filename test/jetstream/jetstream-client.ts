/** A client for tests of JetStream: sends requests and returns the text of the answers. */
import { connect, type NatsConnection } from "@nats-io/transport-node";

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
