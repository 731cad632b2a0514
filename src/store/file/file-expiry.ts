/**
 * Messages of a file store whose time has ended: by age (the stream's limit) or by their own time to live.
 *
 *   age    in the order of sequences, up to the first message that is young enough; messages that never expire are passed over
 *   TTL    from `StoredBlocks.deadlines`, by time; the message's own header decides
 * `agingFrom` remembers how many messages at the front never expire, so that they are passed over once and not at every call. When the first message
 * expires by age is known after a call; before, and when that message was removed, an earlier time is given, so that the next call finds out.
 * Source of behaviour: formats.md §10.11 (age and TTL), jetstream.md §4.4 (markers).
 */
import { compareTimes, Nanoseconds, nanosecondsOf } from "../../base/clock/nanoseconds.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import { Message } from "../contract/message.ts";
import { Read, RemovalReason } from "../contract/message-store.ts";
import { Ending, expireEnded, findFirstEnd, type TtlOwner } from "../expiry/expire-ended.ts";
import { endOfTtl } from "../expiry/message-ttl.ts";
import { isForever, isMarker, ttlOf } from "./message-expiry.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

export class FileExpiry {
  private readonly stored: StoredBlocks;
  private readonly message = new Message();
  private readonly time = new Nanoseconds();
  /** No message below this sequence expires by age, and the first one that does is not older than this time. */
  private agingFrom = 0;
  private agingHigh = 0;
  private agingLow = 0;
  private rewinds = 0;

  constructor(stored: StoredBlocks) {
    this.stored = stored;
  }

  /** A message was stored. */
  add({ sequence, timeHigh, timeLow }: Message, ttlSeconds: number): void {
    if (ttlSeconds === 0) return;
    this.stored.active.block.ttlCount++;
    if (ttlSeconds > 0 && endOfTtl(timeHigh, timeLow, ttlSeconds, this.time)) {
      this.stored.deadlines.add(sequence, this.time.high, this.time.low);
    }
  }

  /** When the first message expires or earlier, nanoseconds since 1970; null: none does. */
  next(): bigint | null {
    const byAge = this.nextByAge();
    const { deadlines, limits } = this.stored;
    if (!limits.allowTtl || !findFirstEnd(deadlines, sequence => this.stored.has(sequence))) return byAge;
    const byTtl = nanosecondsOf(deadlines.timeHigh, deadlines.timeLow);
    return byAge !== null && byAge < byTtl ? byAge : byTtl;
  }

  private nextByAge(): bigint | null {
    const { deleted, limits, state } = this.stored;
    if (limits.ageMaxNs <= 0n || state.messages === 0) return null;
    this.noteRewinds();
    if (this.agingFrom <= state.firstSequence) return nanosecondsOf(state.firstTimeHigh, state.firstTimeLow) + limits.ageMaxNs;
    if (deleted.nextMissing(this.agingFrom) > state.lastSequence) return null;
    return nanosecondsOf(this.agingHigh, this.agingLow) + limits.ageMaxNs;
  }

  /** As `MessageStore.expire`. */
  *expire(timeHigh: number, timeLow: number, onLast: (message: Message) => void): Job<bigint | null> {
    const { limits } = this.stored;
    if (limits.ageMaxNs > 0n) {
      const oldest = new Nanoseconds().setBigInt(nanosecondsOf(timeHigh, timeLow) - limits.ageMaxNs);
      yield* this.expireByAge(oldest, onLast);
    }
    if (limits.allowTtl && this.stored.deadlines.count > 0) yield* this.expireByTtl(timeHigh, timeLow, onLast);
    return this.next();
  }

  private *expireByTtl(timeHigh: number, timeLow: number, onLast: (message: Message) => void): Job<void> {
    const { stored } = this;
    const owner: TtlOwner = {
      end: sequence => this.endByTtl(sequence, timeHigh, timeLow, onLast),
      changed: () => this.completePart(),
      warm: () => stored.loader.warm(),
    };
    yield* expireEnded(stored.deadlines, timeHigh, timeLow, owner);
  }

  /** A part of a change must not become durable without its end, so nothing is left unwritten when the job pauses. */
  private completePart(): void {
    try {
      this.stored.settleWritten();
    } catch (error) {
      this.stored.onFailure(error as Error);
    }
  }

  private endByTtl(sequence: number, nowHigh: number, nowLow: number, onLast: (message: Message) => void): Ending {
    const { message, stored, time } = this;
    const read = stored.reading.load(sequence, message);
    if (read === Read.Cold) return Ending.Cold;
    if (read !== Read.Found) return Ending.Done;
    // The entry may come from a damaged file, or be of another message that had this sequence before.
    const ttl = ttlOf(message.header, message.headerStart, message.headerEnd);
    if (!endOfTtl(message.timeHigh, message.timeLow, ttl, time)) return Ending.Done;
    if (compareTimes(time.high, time.low, nowHigh, nowLow) > 0) {
      stored.deadlines.add(sequence, time.high, time.low);
      return Ending.Done;
    }
    this.end(sequence, RemovalReason.Ttl, onLast);
    return stored.has(sequence) ? Ending.Stays : Ending.Done;
  }

  private *expireByAge(oldest: Nanoseconds, onLast: (message: Message) => void): Job<void> {
    const { message, stored } = this;
    const { deleted, state } = stored;
    const pace = new Pace();
    const end = state.lastSequence;
    let allStay = true;
    this.noteRewinds();
    for (let at = this.agingFrom; state.messages > 0; at++) {
      at = deleted.nextMissing(Math.max(at, state.firstSequence));
      if (at > end) break;
      let read = stored.reading.load(at, message);
      while (read === Read.Cold) {
        stored.settlePart();
        yield stored.loader.warm();
        read = stored.reading.load(at, message);
      }
      if (read === Read.Missing) continue;
      const ages = read === Read.Found && !isForever(message.header, message.headerStart, message.headerEnd);
      if (allStay) this.noteAging(ages ? at : at + 1);
      if (ages) {
        if (compareTimes(message.timeHigh, message.timeLow, oldest.high, oldest.low) > 0) break;
        allStay = this.end(at, RemovalReason.Age, onLast) && allStay;
      }
      if (!pace.due()) continue;
      stored.settlePart();
      yield PAUSE;
    }
    stored.settlePart();
  }

  /** What `message` says about the first message that expires. */
  private noteAging(from: number): void {
    this.agingFrom = from;
    this.agingHigh = this.message.timeHigh;
    this.agingLow = this.message.timeLow;
  }

  private noteRewinds(): void {
    const { rewinds } = this.stored;
    if (rewinds !== this.rewinds) this.agingFrom = 0;
    this.rewinds = rewinds;
  }

  /** Removes `message`; with markers, the owner is asked to replace the last message of a subject that is not a marker itself. @returns whether it is gone */
  private end(sequence: number, reason: RemovalReason, onLast: (message: Message) => void): boolean {
    const { message, stored } = this;
    const { limits, subjects } = stored;
    if (limits.markerTtlSeconds > 0) {
      const id = subjects.find(message.subject, message.subjectStart, message.subjectEnd);
      if (subjects.totalOf(id) === 1 && !isMarker(message.header, message.headerStart, message.headerEnd)) {
        onLast(message);
        return false;
      }
    }
    stored.messageRemoval.take(sequence, reason, reason === RemovalReason.Ttl);
    return true;
  }
}
