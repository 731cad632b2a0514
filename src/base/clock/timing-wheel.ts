/**
 * Timing wheel: all timers of a server on one `setTimeout`.
 *
 *   near   256 slots × 1 ms   ┐ a timer is in the slot of its due time; after each full turn of the near wheel, the
 *   far    256 slots × 256 ms ┘ timers of the next far slot move to the near wheel; beyond 65 s they stay in the far wheel
 * Ten thousand keepalives cost ten thousand list nodes and one timer of the runtime. Setting and cancelling are O(1).
 * The wheel sleeps until the next slot with a timer, so an idle server wakes only for its timers.
 * Invariant: a timer never fires early. It fires at most 3 ms late (every rounding is up), plus the delay of the runtime's own timer.
 */
import { assert } from "../assert/assert.ts";
import type { Clock } from "./clock.ts";

const SLOTS = 256;
const SLOT_MASK = SLOTS - 1;
const FAR_TICKS = SLOTS * SLOTS;

/** One timer. Its creator owns it and may set it again after it fired or was cancelled. */
export class WheelTimer {
  readonly task: () => void;
  /** Tick at which the timer is due. */
  due = 0;
  list: WheelTimer[] | null = null;
  index = 0;

  constructor(task: () => void) {
    this.task = task;
  }

  get active(): boolean {
    return this.list !== null;
  }
}

export class TimingWheel {
  private readonly clock: Clock;
  private readonly near: WheelTimer[][] = Array.from({ length: SLOTS }, () => []);
  private readonly far: WheelTimer[][] = Array.from({ length: SLOTS }, () => []);
  private readonly origin: number;
  /** Ticks handled so far. */
  private tick = 0;
  /** Number of active timers. */
  private count = 0;
  private sleepUntil = -1;
  private wake: (() => void) | null = null;
  private stopped = false;
  /** Timers are being fired; `tick` is the tick that is being handled. */
  private advancing = false;

  constructor(clock: Clock) {
    this.clock = clock;
    this.origin = clock.monotonic();
  }

  get size(): number {
    return this.count;
  }

  /** Sets a timer; an active one gets the new time. Does nothing after `stop`. */
  set(timer: WheelTimer, delayMs: number): void {
    this.cancel(timer);
    if (this.stopped) return;
    const now = this.currentTick();
    // An empty wheel skips to the current tick. Not while a slot is being fired, because the new timer may belong to it.
    if (this.count === 0 && !this.advancing) this.tick = now;
    // One tick more than requested, because a part of the current tick has passed.
    timer.due = Math.max(this.tick, now) + Math.max(0, Math.ceil(delayMs)) + 1;
    this.place(timer);
    this.count++;
    if (this.sleepUntil === -1 || timer.due < this.sleepUntil) this.sleep(timer.due, now);
  }

  cancel(timer: WheelTimer): void {
    if (timer.list === null) return;
    this.unlink(timer);
    this.count--;
    assert(this.count >= 0, "a timing wheel has no negative number of timers", this.count);
    if (this.count === 0) this.stopSleeping();
  }

  /** Cancels all timers; the wheel cannot be used again. */
  stop(): void {
    this.stopped = true;
    this.stopSleeping();
    for (const list of [...this.near, ...this.far]) {
      for (const timer of list) timer.list = null;
      list.length = 0;
    }
    this.count = 0;
  }

  private currentTick(): number {
    return Math.floor(this.clock.monotonic() - this.origin);
  }

  private place(timer: WheelTimer): void {
    assert(timer.list === null, "a timer is in one slot", timer.due);
    const distance = timer.due - this.tick;
    const list = distance < SLOTS ? this.near[timer.due & SLOT_MASK] : this.far[this.farSlot(timer, distance)];
    timer.list = list;
    timer.index = list.length;
    list.push(timer);
  }

  private farSlot(timer: WheelTimer, distance: number): number {
    // Too far for one turn: the timer waits in the last slot, and is placed again when that slot is distributed.
    const due = distance < FAR_TICKS ? timer.due : this.tick + FAR_TICKS - SLOTS;
    return (due >> 8) & SLOT_MASK;
  }

  private unlink(timer: WheelTimer): void {
    const list = timer.list!;
    assert(list[timer.index] === timer, "a timer is where it was put", timer.due, timer.index);
    const last = list.pop()!;
    if (last !== timer) {
      list[timer.index] = last;
      last.index = timer.index;
    }
    timer.list = null;
  }

  private sleep(due: number, now: number): void {
    this.stopSleeping();
    this.sleepUntil = due;
    this.wake = this.clock.after(Math.max(0, due - now), () => this.advance());
  }

  private stopSleeping(): void {
    this.wake?.();
    this.wake = null;
    this.sleepUntil = -1;
  }

  /** Fires the due timers, then sleeps until the next slot with a timer. */
  private advance(): void {
    this.wake = null;
    this.sleepUntil = -1;
    this.advancing = true;
    this.fireUntil(this.currentTick());
    this.advancing = false;
    if (this.count === 0) return this.stopSleeping(); // a task may have set and cancelled a timer while another was active
    const next = this.nextTick();
    if (this.sleepUntil === -1 || next < this.sleepUntil) this.sleep(next, this.currentTick());
  }

  private fireUntil(now: number): void {
    while (this.tick < now && this.count > 0) {
      this.tick++;
      if ((this.tick & SLOT_MASK) === 0) this.distribute((this.tick >> 8) & SLOT_MASK);
      const slot = this.near[this.tick & SLOT_MASK];
      while (slot.length > 0) {
        const timer = slot[slot.length - 1];
        this.unlink(timer);
        this.count--;
        timer.task();
      }
    }
  }

  private distribute(slot: number): void {
    const timers = this.far[slot].splice(0);
    for (const timer of timers) {
      timer.list = null;
      this.place(timer);
    }
  }

  /** The next tick at which a timer is due or a far slot with timers must be distributed. */
  private nextTick(): number {
    const boundary = (this.tick | SLOT_MASK) + 1; // the next far slot is distributed at this tick
    let near = Number.POSITIVE_INFINITY;
    for (let ahead = 1; ahead < SLOTS && near === Number.POSITIVE_INFINITY; ahead++) {
      if (this.near[(this.tick + ahead) & SLOT_MASK].length > 0) near = this.tick + ahead;
    }
    if (near < boundary) return near;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.far[((boundary >> 8) + slot) & SLOT_MASK].length > 0) return Math.min(near, boundary + slot * SLOTS);
    }
    return near;
  }
}
