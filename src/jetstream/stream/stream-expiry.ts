/** Removes messages of a stream whose age or time to live has ended, and stores markers for subjects that lost their last message. */
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { goDuration } from "../../base/go/duration.ts";
import { buildHeader } from "../../messaging/header/header-write.ts";
import type { Message } from "../../store/contract/message.ts";
import type { StreamCore } from "./stream-core.ts";

const NANOS_PER_MS = 1_000_000n;
/** As in the reference, so that many messages that expire soon one after the other are removed together. */
const INTERVAL_MIN_MS = 250;
/** Longest time for which a timer is set; then it is set again. */
const INTERVAL_MAX_MS = 2 ** 30;

export class StreamExpiry {
  private readonly stream: StreamCore;
  private readonly timer = new WheelTimer(() => void this.run());
  /** When the timer fires; null: it is not set. Nanoseconds. */
  private due: bigint | null = null;
  private running = false;
  private stopped = false;
  private lastRun = 0n;
  /** Subjects whose markers wait to be stored. */
  private readonly markers = new Set<string>();

  constructor(stream: StreamCore) {
    this.stream = stream;
  }

  /** Sets the timer for the next message that expires. */
  schedule(): void {
    const { config, host, store } = this.stream;
    if (this.running || this.stopped || (config.ageMaxNs === 0 && !config.allowTtl)) return;
    const next = store.nextExpiry;
    if (next === null || (this.due !== null && this.due <= next)) return;
    this.due = next;
    const now = host.nanoseconds.read().toBigInt();
    const earliest = this.lastRun + BigInt(INTERVAL_MIN_MS) * NANOS_PER_MS;
    const at = next > earliest ? next : earliest;
    const delay = at > now ? Number((at - now + NANOS_PER_MS - 1n) / NANOS_PER_MS) : 0;
    host.timers.set(this.timer, Math.min(delay, INTERVAL_MAX_MS));
  }

  stop(): void {
    this.stopped = true;
    this.stream.host.timers.cancel(this.timer);
  }

  private async run(): Promise<void> {
    const { stream } = this;
    if (this.stopped || this.running) return;
    this.running = true;
    this.due = null;
    const now = new Nanoseconds();
    const { high, low } = stream.host.nanoseconds.read();
    now.set(high, low);
    this.lastRun = now.toBigInt();
    if (stream.waiting === 0) this.markers.clear();
    try {
      if (stream.store.failure === null) await stream.change(stream.store.expire(now.high, now.low, message => this.storeMarker(message)));
    } catch (error) {
      // An error of the disk has frozen the store, which is logged.
      if (stream.store.failure === null) throw error;
    } finally {
      this.running = false;
    }
    this.schedule();
  }

  /** Publishes a marker in place of the last message of a subject; its roll-up removes that message. */
  private storeMarker({ subject, subjectEnd, subjectStart }: Message): void {
    const { stream } = this;
    const copy = Buffer.from(subject.subarray(subjectStart, subjectEnd));
    const text = copy.toString("latin1");
    if (this.markers.has(text)) return;
    this.markers.add(text);
    const header = buildHeader([
      ["Nats-Marker-Reason", "MaxAge"],
      ["Nats-TTL", goDuration(BigInt(stream.config.markerTtlNs))],
      ["Nats-Rollup", "sub"],
    ]);
    stream.publishOwn(copy, header);
  }
}
