/**
 * Counts work, so that long work can be divided into shares.
 *
 *   done ────────────▶ limit      one share: `SHARE_UNITS`, about one millisecond
 * Code that can take long adds what it did to `done` and stops once `exhausted`, at a place where it can continue. Work is counted and not
 * timed, because reading a clock costs more than a delivery, and because tests can then say exactly who waits for how much.
 * Some work takes longer than it counts, for example the first commands of a kind, whose code is not compiled yet. So the clock is looked at a few
 * times per share, and a share ends when it has taken too long.
 */

/** One unit is about 50 ns: the delivery of one small message, or a few steps in the trie. */
export const SHARE_UNITS = 20_000;
/** A share ends after this time, with less work. */
const SHARE_MS = 1;
/** Looks at the clock per share. From the second one on the share may end. */
const LOOKS = 8;

/**
 * Units of things that are not a delivery. They are estimates, not measurements: what they decide is where work is divided. A share that takes
 * too long shows in `make faults`, as the wait of a bystander.
 */
export const UnitsOf = {
  /** One system call that writes to a socket. The bytes count besides. */
  write: 80,
  /** A PING is answered. */
  ping: 4,
  /** The receivers of a subject are looked up. Steps in the trie count besides. */
  match: 1,
  /** The messages of a batch are published; each message counts besides. */
  flush: 8,
  /** One receiver of a traced message. */
  traced: 10,
  /** Code inside the process handles a message. */
  step: 20,
  /** A line such as SUB or UNSUB, without what it changes. */
  line: 20,
  /** A SUB changes the interest. Steps in the trie count besides. */
  subscription: 40,
  /** JSON is read and a login checked. */
  login: 400,
  /** A signature is verified. */
  signature: 2_000,
  /** A TLS handshake: key exchange and signature. */
  handshake: 14_000,
  /** A connection is accepted, or turned away. */
  accept: 400,
  /** An error is sent to a peer, and a line written to the log. */
  refusal: 60,
} as const;

/** Bytes that are copied for one unit, as a shift: 512. */
export const UNIT_BYTES_SHIFT = 9;

export class WorkMeter {
  /** Units done since the start. */
  done = 0;
  /** The current share ends when `done` has reached this. */
  limit = SHARE_UNITS;
  private readonly monotonic: () => number;
  /** The clock is looked at when `done` has reached this. */
  private lookAt = Number.POSITIVE_INFINITY;
  private lookUnits = Number.POSITIVE_INFINITY;
  /** Time of the first look in this share; -1: there was none. */
  private lookedAt = -1;

  /** @param monotonic a clock, ms; absent: time does not count */
  constructor(monotonic = () => 0) {
    this.monotonic = monotonic;
  }

  get exhausted(): boolean {
    if (this.done >= this.lookAt) this.look();
    return this.done >= this.limit;
  }

  add(units: number): void {
    this.done += units;
  }

  /** Begins a new share. */
  begin(units: number): void {
    this.limit = this.done + units;
    this.lookUnits = units / LOOKS;
    this.lookAt = this.done + this.lookUnits;
    this.lookedAt = -1;
  }

  private look(): void {
    const now = this.monotonic();
    this.lookAt = this.done + this.lookUnits;
    if (this.lookedAt === -1) this.lookedAt = now;
    else if (now - this.lookedAt >= SHARE_MS && this.limit > this.done) this.limit = this.done;
  }
}
