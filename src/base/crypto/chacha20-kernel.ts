/**
 * The WebAssembly kernel of ChaCha20: four blocks of 64 bytes at once, one in each lane of a vector.
 *
 *   vector i = word i of the state of blocks n, n+1, n+2, n+3            16 vectors, 20 rounds on all of them at once
 *   after the rounds, four vectors at a time are transposed: one vector has four words of one block, and is combined with the data
 *
 *   memory    │ state: constants, key, counter, nonce │ subkey │ window of data … │
 * Only whole groups of 256 bytes are processed: the window is as long as that.
 * Source: RFC 8439 (ChaCha20), draft-irtf-cfrg-xchacha (HChaCha20).
 */
import {
  block,
  type Code,
  FunctionCode,
  get,
  i32,
  i32x4,
  type Local,
  leave,
  leaveIf,
  loop,
  moduleBytes,
  sequence,
  set,
  ValueType,
  v128,
} from "../bytes/wasm-module.ts";

/** Sixteen words: 4 constants, 8 of the key, the counter, 3 of the nonce. HChaCha20 takes 4 words of nonce instead of the last two. */
export const STATE_AT = 64;
export const SUBKEY_AT = 128;
export const WINDOW_AT = 256;
export const BLOCK_BYTES = 64;
/** Bytes that are processed at once. */
export const GROUP_BYTES = 4 * BLOCK_BYTES;
const ROUND_PAIRS = 10;
const WORDS = 16;

/** The kernel's functions. All numbers are addresses or sizes in its memory. */
export interface ChaCha20KernelExports {
  /** Combines data with the key stream. @param from address of the first block @param counter its number */
  xor(from: number, to: number, counter: number): void;
  /** HChaCha20 of the state: eight words, at `SUBKEY_AT`. */
  subkey(): void;
}

/** @param pages of memory, in units of 64 KiB */
export function chaCha20Module(pages: number): Uint8Array<ArrayBuffer> {
  return moduleBytes(pages, [xorCode(), subkeyCode()]);
}

const number = i32.const;
const ROTATED_16 = [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13];
const ROTATED_8 = [3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14];

/** The rounds, in variables of a function. */
class Rounds {
  /** One vector for each word of the state. */
  readonly words: Local[];
  private readonly pairs: Local;

  constructor(code: FunctionCode) {
    this.words = Array.from({ length: WORDS }, () => code.local(ValueType.V128));
    this.pairs = code.local(ValueType.I32);
  }

  /** All lanes have the word of the state. */
  splatOf(word: number): Code {
    return i32x4.splat(i32.load(number(STATE_AT), 4 * word));
  }

  run(): Code {
    const { pairs } = this;
    return sequence(
      set(pairs, number(ROUND_PAIRS)),
      loop(
        this.quarter(0, 4, 8, 12),
        this.quarter(1, 5, 9, 13),
        this.quarter(2, 6, 10, 14),
        this.quarter(3, 7, 11, 15),
        this.quarter(0, 5, 10, 15),
        this.quarter(1, 6, 11, 12),
        this.quarter(2, 7, 8, 13),
        this.quarter(3, 4, 9, 14),
        set(pairs, i32.subtract(get(pairs), number(1))),
        leaveIf(0, get(pairs)),
      ),
    );
  }

  private quarter(...numbers: [number, number, number, number]): Code {
    const [a, b, c, d] = numbers.map(index => this.words[index]) as [Local, Local, Local, Local];
    const step = (sum: Local, other: Local, mixed: Local, rotated: (value: Local) => Code): Code =>
      sequence(set(sum, i32x4.add(get(sum), get(other))), set(mixed, v128.xor(get(mixed), get(sum))), set(mixed, rotated(mixed)));
    const bytes =
      (order: readonly number[]) =>
      (value: Local): Code =>
        v128.shuffle(get(value), get(value), order);
    const bits =
      (count: number) =>
      (value: Local): Code =>
        v128.or(i32x4.shiftLeft(get(value), number(count)), i32x4.shiftRight(get(value), number(32 - count)));
    return sequence(step(a, b, d, bytes(ROTATED_16)), step(c, d, b, bits(12)), step(a, b, d, bytes(ROTATED_8)), step(c, d, b, bits(7)));
  }
}

/** Bytes of lanes: 0 to 3 of the first vector, 4 to 7 of the second. */
const lanes = (...order: number[]): number[] => order.flatMap(lane => [0, 1, 2, 3].map(byte => 4 * lane + byte));
const LOW_PAIRS = lanes(0, 4, 1, 5);
const HIGH_PAIRS = lanes(2, 6, 3, 7);
const LOW_HALVES = lanes(0, 1, 4, 5);
const HIGH_HALVES = lanes(2, 3, 6, 7);

function xorCode(): FunctionCode {
  const code = new FunctionCode("xor", [ValueType.I32, ValueType.I32, ValueType.I32], null);
  const [at, to, counter] = [0, 1, 2];
  const rounds = new Rounds(code);
  const { words } = rounds;
  const counters = code.local(ValueType.V128);
  const [pair0, pair1, pair2, pair3] = [0, 1, 2, 3].map(() => code.local(ValueType.V128)) as [Local, Local, Local, Local];
  const COUNTER = 12;
  const initial = (word: number): Code => (word === COUNTER ? get(counters) : rounds.splatOf(word));
  const combine = (left: Local, right: Local, order: readonly number[], offset: number): Code =>
    v128.store(get(at), v128.xor(v128.load(get(at), offset), v128.shuffle(get(left), get(right), order)), offset);
  /** Words 4n to 4n+3 of each of the four blocks. */
  const quarterOfBlocks = (first: number): Code => {
    const [a, b, c, d] = [0, 1, 2, 3].map(index => words[first + index]) as [Local, Local, Local, Local];
    return sequence(
      ...[0, 1, 2, 3].map(index => set(words[first + index], i32x4.add(get(words[first + index]), initial(first + index)))),
      set(pair0, v128.shuffle(get(a), get(b), LOW_PAIRS)),
      set(pair1, v128.shuffle(get(c), get(d), LOW_PAIRS)),
      set(pair2, v128.shuffle(get(a), get(b), HIGH_PAIRS)),
      set(pair3, v128.shuffle(get(c), get(d), HIGH_PAIRS)),
      combine(pair0, pair1, LOW_HALVES, 4 * first),
      combine(pair0, pair1, HIGH_HALVES, 4 * first + BLOCK_BYTES),
      combine(pair2, pair3, LOW_HALVES, 4 * first + 2 * BLOCK_BYTES),
      combine(pair2, pair3, HIGH_HALVES, 4 * first + 3 * BLOCK_BYTES),
    );
  };
  return code.define(
    set(counters, i32x4.add(i32x4.splat(get(counter)), v128.const(0x1_0000_0000n, 0x3_0000_0002n))),
    block(
      loop(
        leaveIf(1, i32.atLeast(get(at), get(to))),
        ...words.map((local, word) => set(local, initial(word))),
        rounds.run(),
        quarterOfBlocks(0),
        quarterOfBlocks(4),
        quarterOfBlocks(8),
        quarterOfBlocks(12),
        set(counters, i32x4.add(get(counters), i32x4.splat(number(4)))),
        set(at, i32.add(get(at), number(GROUP_BYTES))),
        leave(0),
      ),
    ),
  );
}

/** The first and the last four words after the rounds, without the state added. All lanes do the same. */
function subkeyCode(): FunctionCode {
  const code = new FunctionCode("subkey", [], null);
  const rounds = new Rounds(code);
  const { words } = rounds;
  const group = (first: number, offset: number): Code => {
    const [a, b, c, d] = [0, 1, 2, 3].map(index => words[first + index]) as [Local, Local, Local, Local];
    const pairs = v128.shuffle(v128.shuffle(get(a), get(b), LOW_PAIRS), v128.shuffle(get(c), get(d), LOW_PAIRS), LOW_HALVES);
    return v128.store(number(SUBKEY_AT), pairs, offset);
  };
  return code.define(...words.map((local, word) => set(local, rounds.splatOf(word))), rounds.run(), group(0, 0), group(12, 16));
}
