/**
 * Passwords and tokens of the configuration: in the clear, or hashed by bcrypt.
 *
 * A bcrypt check is made to be slow, 50 ms and more, so it runs on the runtime's threads: the event loop would stand still for all
 * clients while one logs in. The threads write log files too, therefore some stay free; checks beyond wait, and beyond
 * `CHECKS_WAITING_MAX` they are refused as if the password were wrong. A check whose client has left is skipped when its turn comes.
 *
 * Checks agree with Go's bcrypt, which differs from the runtime's in this:
 *
 *   password      beyond 72 bytes cut off (the runtime hashes it first); an empty one is a password as any other (refused here)
 *   $2x$ $2y$     as $2a$ and $2b$: one and the same
 *   salt          bits that its last character has too many are ignored (refused here); what follows 60 characters too
 *   hash          malformed, or a cost outside of 4 to 31: nobody gets in, and nothing is thrown
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";

/** Checks that wait for a thread, over all clients. */
export const CHECKS_WAITING_MAX = 4096;

const PASSWORD_BYTES_MAX = 72;
const COST_MIN = 4;
const COST_MAX = 31;
const ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** The bits of a salt's last character that belong to it. */
const SALT_END_BITS = 0b110000;
/** The NUL that bcrypt puts behind a password, alone. */
const EMPTY = new Uint8Array(1);

interface WaitingCheck {
  readonly given: string;
  readonly stored: string;
  readonly isWanted: () => boolean;
  readonly settle: (matches: boolean) => void;
}

/** The checks of one server. */
export class PasswordChecks {
  private readonly atOnceMax: number;
  private readonly waiting: WaitingCheck[] = [];
  private running = 0;

  /** @param atOnceMax threads that may be busy with it */
  constructor(atOnceMax: number = Math.max(1, availableParallelism() - 1)) {
    this.atOnceMax = atOnceMax;
  }

  /**
   * Whether the password or token is the stored one. At once for one in the clear; never rejects.
   * @param isWanted whether anybody still waits for the answer; asked before a check begins
   */
  matches(given: string, stored: string, isWanted: () => boolean = () => true): boolean | Promise<boolean> {
    if (!isBcrypt(stored)) return secretEquals(given, stored);
    if (this.waiting.length >= CHECKS_WAITING_MAX) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.waiting.push({ given, stored, isWanted, settle: resolve });
    this.runNext();
    return promise;
  }

  private runNext(): void {
    while (this.running < this.atOnceMax) {
      const check = this.waiting.shift();
      if (check === undefined) return;
      if (check.isWanted()) void this.run(check);
      else check.settle(false);
    }
  }

  private async run({ given, stored, settle }: WaitingCheck): Promise<void> {
    this.running++;
    const matches = await bcryptMatches(given, stored);
    this.running--;
    settle(matches);
    this.runNext();
  }
}

/** Whether a stored password is a hash; what merely looks like one, too. */
export function isBcrypt(stored: string): boolean {
  return /^\$2[abxy]\$\d{2}\$/.test(stored);
}

/** Compares in constant time, whatever the lengths. */
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
    return false; // what the runtime finds malformed
  }
}

/** The hash as the runtime takes it; null: malformed. */
function runtimeHash(stored: string): string | null {
  const parts = /^\$2[abxy]\$(\d{2})\$([./A-Za-z0-9]{21})([./A-Za-z0-9])([./A-Za-z0-9]{31})/.exec(stored);
  if (parts === null) return null;
  const [, cost, salt, saltEnd, hash] = parts;
  if (Number(cost) < COST_MIN || Number(cost) > COST_MAX) return null;
  return `$2b$${cost}$${salt}${ALPHABET[ALPHABET.indexOf(saltEnd) & SALT_END_BITS]}${hash}`;
}
