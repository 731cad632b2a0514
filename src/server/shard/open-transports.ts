/** Clients whose transport is still open. The transport of a closed connection stays open until its last output is written. */
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Client } from "../../connections/client/client.ts";

export class OpenTransports {
  private readonly clients = new Set<Client>();
  private onEmpty: (() => void) | null = null;

  get size(): number {
    return this.clients.size;
  }

  add(client: Client): void {
    this.clients.add(client);
  }

  delete(client: Client): void {
    this.clients.delete(client);
    if (this.clients.size === 0) this.onEmpty?.();
  }

  /** Resolves when all transports are closed; terminates the rest after `timeoutMs`. */
  async empty(timers: TimingWheel, timeoutMs: number): Promise<void> {
    if (this.clients.size > 0) {
      await new Promise<void>(resolve => {
        timers.set(new WheelTimer(resolve), timeoutMs);
        this.onEmpty = resolve;
      });
    }
    for (const client of this.clients) client.transport.terminate();
  }
}
