/**
 * Unique ids: 22 letters and digits. The first 12 are random, the last 10 count up in a random step.
 * Not a random number per id, because that costs a system call and may repeat.
 * Source: github.com/nats-io/nuid (behaviour).
 */
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX_DIGITS = 12;
const COUNT_DIGITS = 10;
/** Range of one half of the counter. */
const HALF = DIGITS.length ** (COUNT_DIGITS / 2);
const STEP_MIN = 33;
const STEP_MAX = 333;

export class Nuid {
  private prefix = "";
  /** The counter in two halves, because 62^10 exceeds exact numbers. */
  private high = 0;
  private low = 0;
  private step = 0;

  constructor() {
    this.drawPrefix();
  }

  next(): string {
    this.low += this.step;
    if (this.low >= HALF) {
      this.low -= HALF;
      if (++this.high === HALF) this.drawPrefix();
    }
    return this.prefix + digits(this.high) + digits(this.low);
  }

  private drawPrefix(): void {
    this.prefix = "";
    for (const byte of crypto.getRandomValues(new Uint8Array(PREFIX_DIGITS))) this.prefix += DIGITS[byte % DIGITS.length];
    const [high, low, step] = crypto.getRandomValues(new Uint32Array(3));
    this.high = high % HALF;
    this.low = low % HALF;
    this.step = STEP_MIN + (step % (STEP_MAX - STEP_MIN));
  }
}

function digits(count: number): string {
  let text = "";
  let rest = count;
  for (let i = 0; i < COUNT_DIGITS / 2; i++) {
    text = DIGITS[rest % DIGITS.length] + text;
    rest = Math.floor(rest / DIGITS.length);
  }
  return text;
}
