/**
 * Checks passwords and tokens of the configuration, which are plain text or bcrypt hashes.
 *
 * A bcrypt check takes 50 ms or more, so it runs on the runtime's threads; otherwise all clients would wait while one logs in. One thread
 * stays free, because the threads also write log files. Further checks wait in a queue that is fair to addresses and users (`FairQueue`), so
 * wrong logins of one client do not hold up the right ones of others. A check that has waited for the whole time limit of the login leaves the queue.
 * When the queue is full, a check is refused as if the password were wrong. A waiting check is skipped if its client has disconnected.
 *
 * Results are those of Go's bcrypt, which differs from the runtime's ("here"):
 *
 *   password      cut after 72 bytes (here hashed first); an empty password is allowed (here refused)
 *   $2x$ $2y$     the same as $2a$ and $2b$
 *   salt          unused bits of its last character are ignored (here refused); text after 60 characters is ignored
 *   hash          malformed, or a cost outside 4 to 31: no password matches, and no error is thrown
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";

import { assert } from "../../base/assert/assert.ts";
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import { addressGroup, FairQueue, type Queued } from "./fair-queue.ts";

/** Most checks waiting for a thread, over all clients. */
export const CHECKS_WAITING_MAX = 4096;

const PASSWORD_BYTES_MAX = 72;
const COST_MIN = 4;
const COST_MAX = 31;
const ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** The used bits of a salt's last character. */
const SALT_END_BITS = 0b110000;
/** An empty password for the runtime: only the NUL that bcrypt appends to every password. */
const EMPTY = new Uint8Array(1);

/** Who wants a check. */
export interface CheckOrigin {
  /** Peer address. */
  readonly address: string;
  /** The configured user whose password it is; empty for an unknown name. */
  readonly user: string;
  /** Longest time in the queue; infinity: no limit. */
  readonly timeoutMs: number;
  /** Whether the result is still needed; called before a check begins. Omitted: it is. */
  readonly isWanted?: (() => boolean) | undefined;
}

/** `late`: the check did not begin within its time limit. */
export type CheckResult = boolean | "late";

interface WaitingCheck extends Queued {
  readonly given: string;
  readonly stored: string;
  readonly isWanted: () => boolean;
  readonly timer: WheelTimer;
  readonly settle: (result: CheckResult) => void;
}

/** The checks of one server. */
export class PasswordChecks {
  private readonly waiting = new FairQueue<WaitingCheck>(CHECKS_WAITING_MAX);
  private running = 0;

  /**
   * @param atOnceMax most threads used at the same time
   * @param verify checks a password against a hash; never rejects
   */
  constructor(
    private readonly timers: TimingWheel,
    private readonly atOnceMax: number = Math.max(1, availableParallelism() - 1),
    private readonly verify: (given: string, stored: string) => Promise<boolean> = bcryptMatches,
  ) {}

  /** Whether the password or token matches the stored one. Synchronous for plain text; never rejects. */
  matches(given: string, stored: string, origin: CheckOrigin): boolean | Promise<CheckResult> {
    if (!isBcrypt(stored)) return secretEquals(given, stored);
    const { promise, resolve } = Promise.withResolvers<CheckResult>();
    const { address, isWanted = () => true, timeoutMs, user } = origin;
    const check: WaitingCheck = {
      address: addressGroup(address),
      user,
      given,
      stored,
      isWanted,
      timer: new WheelTimer(() => {
        this.waiting.delete(check);
        resolve("late");
      }),
      settle: resolve,
    };
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.timers.set(check.timer, timeoutMs);
    const left = this.waiting.add(check);
    if (left !== null) this.settle(left, false);
    this.runNext();
    return promise;
  }

  private settle({ settle, timer }: WaitingCheck, result: CheckResult): void {
    this.timers.cancel(timer);
    settle(result);
  }

  private runNext(): void {
    while (this.running < this.atOnceMax) {
      const check = this.waiting.next();
      if (check === undefined) return;
      if (check.isWanted()) void this.run(check);
      else this.settle(check, false);
    }
  }

  private async run({ given, stored, timer, settle }: WaitingCheck): Promise<void> {
    this.timers.cancel(timer);
    this.running++;
    const matches = await this.verify(given, stored);
    assert(this.running > 0 && this.running <= this.atOnceMax, "as many password checks run as there are threads for", this.running);
    this.running--;
    settle(matches);
    this.runNext();
  }
}

/** Whether a stored password is treated as a hash: it has the prefix of one, even if the rest is malformed. */
export function isBcrypt(stored: string): boolean {
  return /^\$2[abxy]\$\d{2}\$/.test(stored);
}

/** Compares in constant time, also for different lengths. */
export function secretEquals(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

async function bcryptMatches(given: string, stored: string): Promise<boolean> {
  const hash = runtimeHash(stored);
  if (hash === null) return false;
  const bytes = Buffer.from(given);
  try {
    return await Bun.password.verify(bytes.length === 0 ? EMPTY : bytes.subarray(0, PASSWORD_BYTES_MAX), hash, "bcrypt");
  } catch {
    return false; // the runtime rejects the hash as malformed
  }
}

/** The hash in the runtime's form; null: malformed. */
function runtimeHash(stored: string): string | null {
  const parts = /^\$2[abxy]\$(\d{2})\$([./A-Za-z0-9]{21})([./A-Za-z0-9])([./A-Za-z0-9]{31})/.exec(stored);
  if (parts === null) return null;
  const [, cost, salt, saltEnd, hash] = parts;
  if (Number(cost) < COST_MIN || Number(cost) > COST_MAX) return null;
  return `$2b$${cost}$${salt}${ALPHABET[ALPHABET.indexOf(saltEnd) & SALT_END_BITS]}${hash}`;
}
