/**
 * Divides the time of one event loop, so that nobody holds up the others.
 *
 *   event of a socket ─▶ a share of work ─┬─ done
 *                                         └─ share used up ─▶ the rest is a task ─▶ queue
 *   slice:  task, task, … round robin, a share each, about 2 ms in all ─▶ the loop looks at its sockets and timers ─▶ next slice …
 * A peer that asks for little is served at its event, before the tasks. A peer that asks for more than its share waits for the others: each
 * gets one share per round. Work of every kind is divided in this way: the rest of a read, a delivery to many receivers, the removal of many
 * subscriptions, an answer of monitoring.
 *
 * Many events between two slices are bounded too: once they have used a slice's worth of work, each further event gets only a small share.
 */
import { assert } from "../assert/assert.ts";
import { SHARE_UNITS, WorkMeter } from "./work-meter.ts";

/** A slice ends after this time, or after that work, whichever is first. The clock is looked at after each share. */
const SLICE_MS = 2;
/** Shares per slice. */
const SLICE_SHARES = 4;
/** Part of a share that an event gets when the events since the last slice have used up a slice's worth of work. */
const SMALL_SHARE = 1 / 16;

/** Work that can be done in parts. */
export interface Task {
  /**
   * Works until it is done or the share is used up (`WorkMeter.exhausted`). Must make progress in each call.
   * @returns whether work is left: it is called again after the other tasks had their share
   */
  work(): boolean;
}

/** The loop in which it works. */
export interface SchedulerLoop {
  /** Runs code after the event loop has looked at its sockets and timers once. */
  defer(code: () => void): void;
  /** Monotonic, ms. */
  monotonic(): number;
  /** Called at the end of each slice. @returns whether it has work left, for the next slice */
  endSlice(): boolean;
  /** A task threw. It is not called again. */
  onDefect(error: Error): void;
}

export class Scheduler {
  readonly meter: WorkMeter;
  /** Rises with each slice. Code that counts work per round begins again then. */
  round = 0;
  private readonly loop: SchedulerLoop;
  /** Units of a share. Tests make it smaller while a server runs. */
  shareUnits: number;
  private readonly slice = () => this.runSlice();
  private queue: (Task | null)[] = [];
  private head = 0;
  private scheduled = false;
  private running = false;
  /** `meter.done` at the end of the last slice. */
  private doneAtSlice = 0;

  /** @param shareUnits size of a share; tests choose small ones, or Infinity, with which nothing is divided */
  constructor(loop: SchedulerLoop, shareUnits = SHARE_UNITS) {
    this.loop = loop;
    this.meter = new WorkMeter(() => loop.monotonic());
    this.shareUnits = shareUnits;
  }

  /** Number of tasks that wait. */
  get waiting(): number {
    return this.queue.length - this.head;
  }

  /** Adds a task behind the others. The caller makes sure that it is not in the queue already. */
  add(task: Task): void {
    this.queue.push(task);
    this.wake();
  }

  /** The next slice follows, also without a task. */
  wake(): void {
    if (this.scheduled || this.running) return;
    this.scheduled = true;
    this.loop.defer(this.slice);
  }

  /**
   * Begins the share of an event.
   * @param used work for the same peer in this round, units
   * @param newcomer a peer that has not logged in: its single commands are expensive, and there may be very many such peers
   * @returns false: its event should become a task. The peer has used its share of this round, or it is a newcomer and the loop is busy
   */
  beginEvent(used: number, newcomer: boolean): boolean {
    const { meter, shareUnits } = this;
    const busy = this.checkBusy();
    if (used >= shareUnits || (busy && newcomer)) return false;
    meter.begin(busy ? SMALL_SHARE * shareUnits : shareUnits - used);
    return true;
  }

  /**
   * Whether the events since the last slice have used up a slice's worth of work. If they used a share of it, a slice follows, so that the count
   * begins again when the loop has looked at its sockets.
   */
  checkBusy(): boolean {
    const used = this.meter.done - this.doneAtSlice;
    if (used >= this.shareUnits) this.wake();
    return used >= SLICE_SHARES * this.shareUnits;
  }

  private runSlice(): void {
    const { loop, meter } = this;
    assert(!this.running, "one slice at a time");
    this.scheduled = false;
    this.running = true;
    const endsAt = loop.monotonic() + SLICE_MS;
    const endsDone = meter.done + SLICE_SHARES * this.shareUnits;
    let more = false;
    try {
      while (this.head < this.queue.length) {
        const task = this.queue[this.head]!;
        this.queue[this.head++] = null;
        meter.begin(this.shareUnits);
        if (this.share(task)) this.queue.push(task);
        if (meter.done >= endsDone || loop.monotonic() >= endsAt) break;
      }
      more = loop.endSlice();
    } finally {
      this.running = false;
      this.tidy();
      this.doneAtSlice = meter.done;
      this.round++;
      if (more || this.head < this.queue.length) this.wake();
    }
  }

  private share(task: Task): boolean {
    try {
      return task.work();
    } catch (error) {
      this.loop.onDefect(error as Error);
      return false;
    }
  }

  private tidy(): void {
    if (this.head === this.queue.length) {
      this.queue.length = 0;
      this.head = 0;
    } else if (this.head >= 1024 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
  }
}
