import { type Nanoseconds, nanosecondsOf } from "../../base/clock/nanoseconds.ts";
import type { Random } from "../../base/random/random.ts";

export class MessageIds {
  private readonly known = new Map<string, number>();
  private fifo: { id: string; at: bigint }[] = [];
  constructor(
    _random: Random,
    private windowNs: bigint,
  ) {}
  setWindow(windowNs: bigint): void {
    this.windowNs = windowNs;
  }
  find(source: Uint8Array, start: number, end: number, now: Nanoseconds): number {
    const at = nanosecondsOf(now.high, now.low);
    while (this.fifo.length > 0 && at - this.fifo[0].at >= this.windowNs) this.known.delete(this.fifo.shift()!.id);
    return this.known.get(Buffer.from(source.subarray(start, end)).toString("latin1")) ?? 0;
  }
  remember(source: Uint8Array, start: number, end: number, sequence: number, now: Nanoseconds): void {
    if (this.windowNs === 0n) return;
    const id = Buffer.from(source.subarray(start, end)).toString("latin1");
    this.known.set(id, sequence);
    this.fifo.push({ id, at: nanosecondsOf(now.high, now.low) });
  }
}
