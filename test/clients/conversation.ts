import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";

/** The server of a conversation; it runs in this process or in the parent process. */
export interface ConversationServer {
  readonly url: string;
  /** Stops the server and starts another one on the same port. */
  restart(): Promise<void>;
}

export interface ConversationTools {
  readonly server: ConversationServer;
  /** Connects to the server; closed when the conversation ends. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>;
}

export type Conversation = (tools: ConversationTools) => Promise<void>;

export async function converse(
  conversation: Conversation,
  server: ConversationServer,
  connect: (options: ConnectionOptions) => Promise<NatsConnection>,
): Promise<void> {
  const connections: NatsConnection[] = [];
  try {
    await conversation({
      server,
      connect: async options => {
        const connection = await connect({ servers: server.url, ...options });
        connections.push(connection);
        return connection;
      },
    });
  } finally {
    await Promise.all(connections.map(connection => connection.close()));
  }
}
