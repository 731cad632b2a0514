/** An attack on a server in the same process, scaled down. It is over when a number of units of work were done, not after a time. */
import { AttackClient, linesOf } from "./attack-client.ts";
import type { Attack, Flood, Ports } from "./row.ts";

const FLOOD_BLOCK = 1 << 18;

export class LocalAttack implements Attack {
  readonly notes: string[] = [];
  private readonly clients: AttackClient[] = [];
  private over = Promise.withResolvers<void>();
  isOver = false;

  /** @param scale the part of each count of the table */
  constructor(
    readonly ports: Ports,
    private readonly scale: number,
  ) {}

  count(full: number): number {
    return Math.ceil(full * this.scale);
  }

  async connect(fields?: object): Promise<AttackClient> {
    const client = await AttackClient.connect(this.ports.client, fields);
    this.clients.push(client);
    return client;
  }

  async flood({ subscribers, size, ...users }: Flood): Promise<void> {
    const { publisherUser, publisherPassword, subscriberUser, subscriberPassword } = users;
    for (let number = 0; number < subscribers; number++) {
      const subscriber = await this.connect(subscriberUser ? { user: subscriberUser, pass: subscriberPassword } : {});
      await subscriber.write("SUB bench 1\r\n");
      await subscriber.confirmed();
    }
    const publisher = await this.connect(publisherUser ? { user: publisherUser, pass: publisherPassword } : {});
    const line = `PUB bench ${size}\r\n${"x".repeat(size)}\r\n`;
    const block = linesOf(Math.ceil(FLOOD_BLOCK / line.length), () => line);
    while (!this.isOver) await publisher.write(block);
  }

  async floodConnects(atOnce: number): Promise<void> {
    const connect = async () => {
      while (!this.isOver) (await AttackClient.open(this.ports.client)).close();
    };
    await Promise.all(Array.from({ length: atOnce }, connect));
  }

  async get(path: string): Promise<number> {
    const client = await AttackClient.open(this.ports.monitor);
    await client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    await client.closed();
    return client.receivedBytes;
  }

  timeOver(): Promise<void> {
    return this.over.promise;
  }

  note(text: string): void {
    this.notes.push(text);
  }

  /** Ends a load without an end of its own. */
  end(): void {
    this.isOver = true;
    this.over.resolve();
  }

  close(): void {
    for (const client of this.clients) client.close();
  }
}
