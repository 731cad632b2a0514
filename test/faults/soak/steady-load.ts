/** Clients that do nothing wrong: they publish a little all the time, and check that everything arrives, in order, while others attack. */
import { connect, type NatsConnection } from "@nats-io/transport-node";

const SUBSCRIBERS = 3;
const PUBLISH_EVERY_MS = 10;
const MESSAGES_AT_ONCE = 10;
const PAYLOAD_SIZE = 128;

export class SteadyLoad {
  private readonly received: number[] = new Array(SUBSCRIBERS).fill(0);
  private sent = 0;
  private failure: Error | null = null;
  private paused = false;
  private readonly timer: Timer;

  private constructor(
    private readonly publisher: NatsConnection,
    private readonly subscribers: readonly NatsConnection[],
  ) {
    for (const [number, subscriber] of subscribers.entries()) {
      subscriber.subscribe("steady", {
        callback: (error, message) => {
          const expected = this.received[number]!++;
          const text = message.string();
          if (error) this.failure ??= error;
          else if (Number(text.slice(0, 10)) !== expected)
            this.failure ??= new Error(`message ${text.slice(0, 10)} instead of ${expected}`);
        },
      });
    }
    this.timer = setInterval(() => this.publish(), PUBLISH_EVERY_MS);
  }

  static async start(port: number): Promise<SteadyLoad> {
    const open = () => connect({ servers: `nats://127.0.0.1:${port}`, reconnect: false });
    const [publisher, ...subscribers] = await Promise.all(Array.from({ length: SUBSCRIBERS + 1 }, open));
    const load = new SteadyLoad(publisher!, subscribers);
    await Promise.all(subscribers.map(subscriber => subscriber.flush()));
    return load;
  }

  /** Waits until everything sent so far has arrived. @throws Error when a message is missing, doubled or out of order, or a client was closed */
  async check(): Promise<void> {
    this.paused = true;
    await this.publisher.flush();
    await Promise.all(this.subscribers.map(subscriber => subscriber.flush()));
    const failure =
      this.failure ??
      (this.received.some(count => count !== this.sent) ? new Error(`${this.received} of ${this.sent} messages came`) : null);
    if (failure !== null) throw failure;
    this.paused = false;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([this.publisher, ...this.subscribers].map(connection => connection.close()));
  }

  private publish(): void {
    if (this.paused) return;
    for (let message = 0; message < MESSAGES_AT_ONCE; message++) {
      this.publisher.publish(
        "steady",
        String(this.sent++)
          .padStart(10, "0")
          .padEnd(PAYLOAD_SIZE, "."),
      );
    }
  }
}
