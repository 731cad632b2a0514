/**
 * The steps at the end of a turn, in a fixed order, and the work that waits for each.
 *
 *   Store ─▶ Deliver ─▶ Write ─▶ Close
 *     ▲                            │  work that a phase adds to an earlier one is done before a later phase begins
 *     └────────────────────────────┘
 * The order makes group commit possible: all messages of a turn are stored with one disk write, and the output that depends on it is sent with
 * the same socket write as the other output of the turn. Connections are closed last, so that their peers get all output.
 */

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
  readonly items: TurnWork[] = [];
  head = 0;
}

export class TurnPhases {
  private readonly queues: readonly PhaseQueue[] = Array.from({ length: PHASES }, () => new PhaseQueue());
  /** Phases below this one have no work. */
  private first = PHASES;

  /** The caller makes sure that it adds the same work once, not twice. */
  add(phase: TurnPhase, work: TurnWork): void {
    this.queues[phase].items.push(work);
    if (phase < this.first) this.first = phase;
  }

  /** Runs the phases until none has work. */
  run(): void {
    while (this.first < PHASES) {
      const phase = this.first;
      this.drain(phase, this.queues[phase]);
      // Unless the phase added work to an earlier one.
      if (this.first === phase) this.first++;
    }
  }

  private drain(phase: TurnPhase, queue: PhaseQueue): void {
    const { items } = queue;
    while (queue.head < items.length) items[queue.head++].runPhase(phase);
    items.length = 0;
    queue.head = 0;
  }
}
