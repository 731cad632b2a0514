/**
 * The steps at the end of a turn, in a fixed order, and the work that waits for each.
 *
 *   Store ─▶ Deliver ─▶ Write ─▶ Close
 *     ▲                            │  work that a phase adds to an earlier one is done before a later phase begins
 *     └────────────────────────────┘
 * The order makes group commit possible: all messages of a turn are stored with one disk write, and the output that depends on it is sent with
 * the same socket write as the other output of the turn. Connections are closed last, so that their peers get all output.
 *
 * Writes cost a system call each. If one message has very many receivers, the writes that exceed a share of work are carried over to the next
 * slice of the scheduler (base/scheduling). The output of later turns is written first: a peer that asks for little does not wait for them.
 */
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";

export enum TurnPhase {
  /** Stores write the messages of the turn. */
  Store = 0,
  /** Deliveries and acknowledgements that had to wait, for example for a store. */
  Deliver,
  /** Each connection with new output writes it to its socket, once. */
  Write,
  /** Connections whose last output the kernel has end their transport. */
  Close,
}

const PHASES = 4;

/** Work for the end of the turn. */
export interface TurnWork {
  /** Called once for each time that it was added to that phase. It may add work, to any phase. */
  runPhase(phase: TurnPhase): void;
}

/** Work of one phase, first in, first out. `head` is the index of the next item; a field, so that a nested run continues there. */
class PhaseQueue {
  items: TurnWork[] = [];
  head = 0;

  clear(): void {
    this.items.length = 0;
    this.head = 0;
  }
}

export class TurnPhases {
  private readonly queues: readonly PhaseQueue[] = Array.from({ length: PHASES }, () => new PhaseQueue());
  private readonly meter: WorkMeter;
  /** Writes that exceeded a share. */
  private carried = new PhaseQueue();
  /** Phases below this one have no work. */
  private first = PHASES;

  /** @param meter writing ends when its share is used up */
  constructor(meter: WorkMeter) {
    this.meter = meter;
  }

  /** Whether writes were carried over. */
  get hasCarried(): boolean {
    return this.carried.items.length > 0;
  }

  /** The caller makes sure that it adds the same work once, not twice. */
  add(phase: TurnPhase, work: TurnWork): void {
    this.queues[phase].items.push(work);
    if (phase < this.first) this.first = phase;
  }

  /** Runs the phases until none has work, apart from writes that are carried over. */
  run(): void {
    while (this.first < PHASES) {
      const phase = this.first;
      this.drain(phase, this.queues[phase]);
      // Unless the phase added work to an earlier one.
      if (this.first === phase) this.first++;
    }
  }

  /** Writes what was carried over, as far as the share goes. Call `run` afterwards. */
  runCarried(): void {
    const { carried, meter } = this;
    while (carried.head < carried.items.length && !meter.exhausted) carried.items[carried.head++].runPhase(TurnPhase.Write);
    if (carried.head === carried.items.length) carried.clear();
    else if (carried.head >= 1024 && carried.head * 2 > carried.items.length) {
      carried.items = carried.items.slice(carried.head);
      carried.head = 0;
    }
  }

  private drain(phase: TurnPhase, queue: PhaseQueue): void {
    const { items } = queue;
    const { meter } = this;
    const divided = phase === TurnPhase.Write;
    while (queue.head < items.length) {
      items[queue.head++].runPhase(phase);
      if (divided && meter.exhausted) this.carry(queue);
    }
    queue.clear();
  }

  /** The rest of the writes waits for the next slice. */
  private carry(queue: PhaseQueue): void {
    const { items } = this.carried;
    while (queue.head < queue.items.length) items.push(queue.items[queue.head++]);
  }
}
