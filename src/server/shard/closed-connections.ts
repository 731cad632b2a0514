import type { ConnectionRecord } from "../../connections/client/connection-record.ts";

/** The last closed connections, for /connz, in a ring buffer: the oldest is overwritten first. */
export class ClosedConnections {
  private readonly ring: ConnectionRecord[] = [];
  private next = 0;
  private readonly limit: number;
  /** Number of all closed connections, including those no longer kept. */
  total = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(record: ConnectionRecord): void {
    this.total++;
    if (this.limit <= 0) return;
    if (this.ring.length < this.limit) this.ring.push(record);
    else this.ring[this.next] = record;
    this.next = (this.next + 1) % this.limit;
  }

  /** The kept connections, oldest first. */
  all(): ConnectionRecord[] {
    return this.ring.length < this.limit ? [...this.ring] : [...this.ring.slice(this.next), ...this.ring.slice(0, this.next)];
  }
}
