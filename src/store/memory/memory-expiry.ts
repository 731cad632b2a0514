/**
 * Messages of a memory store whose time has ended: by age (the stream's limit) or by their own time to live.
 *
 *   age    in the order of sequences, up to the first message that is young enough; messages that never expire are passed over
 *   TTL    in the order of their times
 * `neverBelow` remembers how many messages at the front never expire, so that they are passed over once and not at every call.
 * Source of behaviour: formats.md §10.11 (age and TTL), jetstream.md §4.4 (markers).
 */
import { compareTimes, Nanoseconds, nanosecondsOf } from "../../base/clock/nanoseconds.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import { HeaderKey, headerText } from "../../messaging/header/header-read.ts";
import { Message } from "../contract/message.ts";
import { RemovalReason } from "../contract/message-store.ts";
import { Ending, expireEnded, findFirstEnd } from "../expiry/expire-ended.ts";
import { endOfTtl } from "../expiry/message-ttl.ts";
import type { StoredMessages } from "./stored-messages.ts";

const MARKER_REASON = new HeaderKey("Nats-Marker-Reason");
const KV_OPERATION = new HeaderKey("KV-Operation");

export class MemoryExpiry {
  /** No message below this sequence expires by age. */
  private neverBelow = 0;
  private rewinds = 0;

  private readonly time = new Nanoseconds();

  constructor(private readonly stored: StoredMessages) {}

  /** A message was stored. */
  add({ sequence, timeHigh, timeLow }: Message, ttlSeconds: number): void {
    if (ttlSeconds <= 0 || !endOfTtl(timeHigh, timeLow, ttlSeconds, this.time)) return;
    this.stored.deadlines.add(sequence, this.time.high, this.time.low);
  }

  /** When the first message expires, nanoseconds since 1970; null: none does. */
  next(): bigint | null {
    const { deadlines } = this.stored;
    const byAge = this.nextByAge();
    if (!this.stored.limits.allowTtl || !findFirstEnd(deadlines, sequence => this.stored.has(sequence))) return byAge;
    const byTtl = nanosecondsOf(deadlines.timeHigh, deadlines.timeLow);
    return byAge !== null && byAge < byTtl ? byAge : byTtl;
  }

  private nextByAge(): bigint | null {
    const { index, records, limits } = this.stored;
    if (limits.ageMaxNs <= 0n || !this.seekFirstAging()) return null;
    const { row, segment } = index;
    const chunk = segment.chunk[row];
    const offset = segment.offset[row];
    return nanosecondsOf(records.timeHigh(chunk, offset), records.timeLow(chunk, offset)) + limits.ageMaxNs;
  }

  /** As `MessageStore.expire`. @param changed called when a part is complete */
  *expire(timeHigh: number, timeLow: number, onLast: (message: Message) => void, changed: () => void): Job<bigint | null> {
    const { index, limits } = this.stored;
    if (limits.ageMaxNs > 0n && this.seekFirstAging()) {
      const oldest = new Nanoseconds().setBigInt(nanosecondsOf(timeHigh, timeLow) - limits.ageMaxNs);
      const pace = new Pace();
      let at = index.sequence;
      while (index.seekAtOrAfter(at)) {
        const { sequence } = index;
        at = sequence + 1;
        if (this.stored.ttl() !== NEVER) {
          if (this.stored.compareTime(oldest.high, oldest.low) > 0) break;
          this.end(sequence, RemovalReason.Age, onLast);
        }
        if (!pace.due()) continue;
        changed();
        yield PAUSE;
      }
      changed();
    }
    if (limits.allowTtl && this.stored.deadlines.count > 0) {
      yield* expireEnded(this.stored.deadlines, timeHigh, timeLow, {
        end: sequence => this.endByTtl(sequence, timeHigh, timeLow, onLast),
        changed,
        warm: async () => {},
      });
    }
    return this.next();
  }

  private endByTtl(sequence: number, nowHigh: number, nowLow: number, onLast: (message: Message) => void): Ending {
    const { stored, time } = this;
    const { deadlines, index, records } = stored;
    if (!index.seek(sequence)) return Ending.Done;
    const chunk = index.segment.chunk[index.row];
    const offset = index.segment.offset[index.row];
    // The entry may be of another message that had this sequence before.
    if (!endOfTtl(records.timeHigh(chunk, offset), records.timeLow(chunk, offset), stored.ttl(), time)) return Ending.Done;
    if (compareTimes(time.high, time.low, nowHigh, nowLow) > 0) {
      deadlines.add(sequence, time.high, time.low);
      return Ending.Done;
    }
    this.end(sequence, RemovalReason.Ttl, onLast);
    return stored.has(sequence) ? Ending.Stays : Ending.Done;
  }

  /** Removes a message; with markers, the owner is asked to replace the last message of a subject that is not a marker itself. */
  private end(sequence: number, reason: RemovalReason, onLast: (message: Message) => void): void {
    const { index, limits, subjects } = this.stored;
    if (limits.markerTtlSeconds > 0 && subjects.totalOf(index.segment.subject[index.row]) === 1) {
      const message = new Message();
      this.stored.read(message);
      if (!isMarker(message)) return onLast(message);
    }
    this.stored.remove(sequence, reason);
  }

  /** Stands on the first message that expires by age. */
  private seekFirstAging(): boolean {
    const { index, rewinds } = this.stored;
    if (rewinds !== this.rewinds) this.neverBelow = 0;
    this.rewinds = rewinds;
    while (index.seekAtOrAfter(this.neverBelow)) {
      if (this.stored.ttl() !== NEVER) return true;
      this.neverBelow = index.sequence + 1;
    }
    return false;
  }
}

/** The time to live of a message that never expires. */
const NEVER = -1;

function isMarker(message: Message): boolean {
  const { header, headerEnd, headerStart } = message;
  if (headerStart === headerEnd) return false;
  if (headerText(header, headerStart, headerEnd, MARKER_REASON)) return true;
  return headerText(header, headerStart, headerEnd, KV_OPERATION) === "PURGE";
}
