/**
 * The WebAssembly kernel of record checksums: HighwayHash-64 over records where they lie, many records per call.
 *
 *   one record   | length | sequence, time | subject size | subject | [header size] | header | payload | checksum |
 *   is hashed             └──── 16 B ────┘                └───┬───┘                 └─────┬─────────┘
 *                                                 (not contiguous: the begin is gathered in scratch space, the rest is hashed in place)
 * The state of the hash, four vectors of 4 × 64 bits, is eight variables of 128 bits. One packet of 32 bytes takes about 40 instructions of the
 * processor; a record of 200 B needs 6 packets, its tail and 4 packets that finish it.
 *
 * Measured (bench/micro/record.ts): see `record-hasher.ts`.
 * All reads may go up to 32 bytes beyond the end of what is hashed, so memory goes on behind every record. Everything is little-endian, as the
 * disk format is. Source of the algorithm: the published description of HighwayHash; test vectors in highway-hash.test.ts.
 */
import {
  block,
  type Code,
  FunctionCode,
  get,
  i32,
  i32x4,
  i64,
  i64x2,
  type Local,
  leave,
  leaveIf,
  loop,
  moduleBytes,
  sequence,
  set,
  tee,
  ValueType,
  v128,
  when,
} from "../../base/bytes/wasm-module.ts";
import { RECORD_BYTES_MAX } from "../contract/message-store.ts";
import { CHECKSUM_BYTES, RECORD_BYTES_MIN, RECORD_HEADER_BYTES, RecordFault } from "./record-format.ts";

/** Offsets in the kernel's memory. The host fills `MASKS` once, and `KEY` before a call. */
export const FAULT_AT = 0;
/** The running checksum of length words, 64 bits. */
export const LENGTHS_AT = 8;
/** The hash that `finish` made. */
export const RESULT_AT = 16;
/** 32 bytes of ones, then 32 bytes of zeros: read `MASKS + 32 - n`, the first n bytes are ones. */
export const MASKS_AT = 64;
/** State after the key: the first two vectors, 64 bytes. */
export const KEY_AT = 128;
const STATE_AT = 192;
const SCRATCH_AT = 512;
/** The scratch space holds sequence, time, the longest subject and one packet. */
export const SCRATCH_END = SCRATCH_AT + 16 + 0xffff + 33;

export const PACKET_BYTES = 32;
/** Initial words of the state: digits of pi and other irrational numbers, as the algorithm says. */
export const INITIAL_0 = [0xdbe6d5d5fe4cce2fn, 0xa4093822299f31d0n, 0x13198a2e03707344n, 0x243f6a8885a308d3n] as const;
export const INITIAL_1 = [0x3bd39e10cb0ef593n, 0xc0acf169b5f18a8cn, 0xbe5466cf34e90c6cn, 0x452821e638d01377n] as const;
/** Multiplier of the checksum of length words: odd, so that different words give different sums. */
export const LENGTHS_FACTOR = 0x9e3779b97f4a7c15n;

/** The kernel's functions. All numbers are addresses or sizes in its memory. */
export interface KernelExports {
  /**
   * Walks records. With `check` 0 it writes the checksum of each, otherwise it compares. The checksum of length words goes on over each good record.
   * @returns where it stopped: `to`, or the begin of the first record that is not good; `FAULT_AT` has the reason, a `RecordFault`
   */
  walk(from: number, to: number, check: number): number;
  /** Continues the checksum of length words over one record. @param headerSize 0 when the record has none */
  addLengths(lengthWord: number, subjectSize: number, headerSize: number): void;
  /** Begins a hash of a stream of bytes with the key. */
  start(): void;
  /** Hashes whole packets. @returns where the rest begins that is shorter than a packet */
  absorb(from: number, to: number): number;
  /** Hashes the rest, less than a packet, and writes the result. */
  finish(from: number, to: number): void;
}

/** One half, 2 × 64 bits, of each of the four vectors. */
interface Half {
  readonly v0: Local;
  readonly v1: Local;
  readonly mul0: Local;
  readonly mul1: Local;
}

const LOW_WORDS = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
const HIGH_WORDS = [4, 5, 6, 7, 12, 13, 14, 15, 4, 5, 6, 7, 12, 13, 14, 15];
const ZIPPER = [3, 12, 2, 5, 14, 1, 15, 0, 11, 4, 10, 13, 9, 6, 8, 7];
const SWAPPED_WORDS = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];

const permuted = (value: Local, bytes: readonly number[]): Code => v128.shuffle(get(value), get(value), bytes);

/** Lower 32 bits of `low` times upper 32 bits of `high`, in both lanes. */
const product = (low: Local, high: Local): Code => i64x2.productsOfLower(permuted(low, LOW_WORDS), permuted(high, HIGH_WORDS));

/** The hash within one function: its state in variables. */
class HashState {
  private readonly lower: Half;
  private readonly upper: Half;
  /** The next packet, halves. */
  private readonly packetLow: Local;
  private readonly packetHigh: Local;
  private readonly rounds: Local;
  private readonly rest: Local;
  private readonly word: Local;

  constructor(private readonly code: FunctionCode) {
    const half = (): Half => ({ v0: this.vector(), v1: this.vector(), mul0: this.vector(), mul1: this.vector() });
    this.lower = half();
    this.upper = half();
    this.packetLow = this.vector();
    this.packetHigh = this.vector();
    this.rounds = code.local(ValueType.I32);
    this.rest = code.local(ValueType.I32);
    this.word = code.local(ValueType.I32);
  }

  private vector(): Local {
    return this.code.local(ValueType.V128);
  }

  /** Sets the state to that after the key. */
  begin(): Code {
    const { lower, upper } = this;
    const at = i32.const(KEY_AT);
    return sequence(
      set(lower.v0, v128.load(at, 0)),
      set(upper.v0, v128.load(at, 16)),
      set(lower.v1, v128.load(at, 32)),
      set(upper.v1, v128.load(at, 48)),
      set(lower.mul0, v128.const(INITIAL_0[0], INITIAL_0[1])),
      set(upper.mul0, v128.const(INITIAL_0[2], INITIAL_0[3])),
      set(lower.mul1, v128.const(INITIAL_1[0], INITIAL_1[1])),
      set(upper.mul1, v128.const(INITIAL_1[2], INITIAL_1[3])),
    );
  }

  private get all(): Local[] {
    const { lower, upper } = this;
    return [lower.v0, upper.v0, lower.v1, upper.v1, lower.mul0, upper.mul0, lower.mul1, upper.mul1];
  }

  restore(): Code {
    return sequence(...this.all.map((local, index) => set(local, v128.load(i32.const(STATE_AT), index * 16))));
  }

  save(): Code {
    return sequence(...this.all.map((local, index) => v128.store(i32.const(STATE_AT), get(local), index * 16)));
  }

  /** Hashes the packet in the two variables. The two halves do not depend on each other, so their steps alternate. */
  private update(): Code {
    const halves = [
      { half: this.lower, packet: this.packetLow },
      { half: this.upper, packet: this.packetHigh },
    ];
    const each = (step: (half: Half, packet: Local) => Code): Code => sequence(...halves.map(({ half, packet }) => step(half, packet)));
    return sequence(
      each(({ v1, mul0 }, packet) => set(v1, i64x2.add(get(v1), i64x2.add(get(packet), get(mul0))))),
      each(({ v0, v1, mul0 }) => set(mul0, v128.xor(get(mul0), product(v1, v0)))),
      each(({ v0, mul1 }) => set(v0, i64x2.add(get(v0), get(mul1)))),
      each(({ v0, v1, mul1 }) => set(mul1, v128.xor(get(mul1), product(v0, v1)))),
      each(({ v0, v1 }) => set(v0, i64x2.add(get(v0), permuted(v1, ZIPPER)))),
      each(({ v0, v1 }) => set(v1, i64x2.add(get(v1), permuted(v0, ZIPPER)))),
    );
  }

  /** Hashes whole packets and moves `at` behind them. */
  packets(at: Local, end: Local): Code {
    const { packetLow, packetHigh } = this;
    return block(
      loop(
        leaveIf(1, i32.below(i32.subtract(get(end), get(at)), i32.const(PACKET_BYTES))),
        set(packetLow, v128.load(get(at))),
        set(packetHigh, v128.load(get(at), 16)),
        set(at, i32.add(get(at), i32.const(PACKET_BYTES))),
        this.update(),
        leave(0),
      ),
    );
  }

  /** Hashes the rest between `at` and `end`, less than a packet, and finishes. Leaves the hash as an i64. */
  result(at: Local, end: Local): Code {
    const { lower, rounds, rest } = this;
    const sum = i64x2.add(i64x2.add(get(lower.v0), get(lower.v1)), i64x2.add(get(lower.mul0), get(lower.mul1)));
    return sequence(
      set(rounds, i32.const(4)),
      when(
        tee(rest, i32.subtract(get(end), get(at))),
        sequence(set(rounds, i32.const(5)), this.spreadRest(), this.loadRest(at)),
        this.loadOwnWords(),
      ),
      loop(this.update(), this.loadOwnWords(), leaveIf(0, tee(rounds, i32.subtract(get(rounds), i32.const(1))))),
      i64x2.lane(0, sum),
    );
  }

  /** The number of bytes of the rest changes the state. */
  private spreadRest(): Code {
    const { lower, upper, rest } = this;
    const rotated = (local: Local): Code =>
      v128.or(i32x4.shiftLeft(get(local), get(rest)), i32x4.shiftRight(get(local), i32.subtract(i32.const(32), get(rest))));
    return sequence(
      ...[lower.v0, upper.v0].map(local => set(local, i64x2.add(get(local), i32x4.splat(get(rest))))),
      ...[lower.v1, upper.v1].map(local => set(local, rotated(local))),
    );
  }

  /** The rest as a packet: whole words, zeros, and its last bytes: from 16 bytes on the last four at offset 28, else up to three at offset 16. */
  private loadRest(at: Local): Code {
    const { packetLow, packetHigh, rest, word } = this;
    const mask = i32.subtract(i32.const(MASKS_AT + PACKET_BYTES), get(word));
    const byte = (offset: Code, shift: number): Code => i32.shiftLeft(i32.load8(i32.add(get(at), offset)), i32.const(shift));
    const odd = i32.and(get(rest), i32.const(3));
    return sequence(
      set(word, i32.and(get(rest), i32.const(~3))),
      set(packetLow, v128.and(v128.load(get(at)), v128.load(mask))),
      set(packetHigh, v128.and(v128.load(get(at), 16), v128.load(mask, 16))),
      when(
        i32.atLeast(get(rest), i32.const(16)),
        set(packetHigh, i32x4.withLane(3, get(packetHigh), i32.load(i32.subtract(i32.add(get(at), get(rest)), i32.const(4))))),
        when(
          odd,
          set(
            packetHigh,
            i32x4.withLane(
              0,
              get(packetHigh),
              i32.or(
                i32.or(byte(get(word), 0), byte(i32.add(get(word), i32.shiftRight(odd, i32.const(1))), 8)),
                byte(i32.subtract(get(rest), i32.const(1)), 16),
              ),
            ),
          ),
        ),
      ),
    );
  }

  private loadOwnWords(): Code {
    const { lower, upper, packetLow, packetHigh } = this;
    return sequence(set(packetLow, permuted(upper.v0, SWAPPED_WORDS)), set(packetHigh, permuted(lower.v0, SWAPPED_WORDS)));
  }
}

/** One step of the checksum of length words: a bijection of the sum for every word, so one changed word always changes the result. */
function mixLengths(sum: Local, word: Code): Code {
  return sequence(
    set(sum, i64.multiply(i64.xor(get(sum), word), i64.const(LENGTHS_FACTOR))),
    set(sum, i64.xor(get(sum), i64.shiftRight(get(sum), i64.const(32n)))),
  );
}

const lengthsWord = (lengthWord: Code, subjectSize: Code): Code =>
  i64.or(i64.from32(lengthWord), i64.shiftLeft(i64.from32(subjectSize), i64.const(32n)));

function walkCode(): FunctionCode {
  const code = new FunctionCode("walk", [ValueType.I32, ValueType.I32, ValueType.I32], ValueType.I32);
  const [at, to, check] = [0, 1, 2];
  const integer = () => code.local(ValueType.I32);
  const [lengthWord, size, subjectSize, headerSize, least, stop, from, end, body, reason, offset, prefix] = Array.from(
    { length: 12 },
    integer,
  );
  const lengths = code.local(ValueType.I64);
  const hash = code.local(ValueType.I64);
  const state = new HashState(code);
  const hasHeader = i32.shiftRight(get(lengthWord), i32.const(31));
  const left = i32.subtract(get(to), get(at));
  /** Leaves the walk, `depth` blocks out. */
  const stopIf = (depth: number, condition: Code, why: RecordFault): Code =>
    sequence(set(reason, i32.const(why)), leaveIf(depth, condition));
  return code.define(
    set(lengths, i64.load(i32.const(LENGTHS_AT))),
    block(
      loop(
        stopIf(1, i32.isZero(left), RecordFault.None),
        stopIf(1, i32.below(left, i32.const(4)), RecordFault.Cut),
        set(lengthWord, i32.load(get(at))),
        stopIf(1, i32.isZero(get(lengthWord)), RecordFault.Zero),
        stopIf(1, i32.below(left, i32.const(RECORD_HEADER_BYTES)), RecordFault.Cut),
        set(size, i32.and(get(lengthWord), i32.const(0x7fff_ffff))),
        set(subjectSize, i32.load16(get(at), 20)),
        set(least, i32.add(i32.add(get(subjectSize), i32.const(RECORD_BYTES_MIN)), i32.shiftLeft(hasHeader, i32.const(2)))),
        stopIf(1, i32.below(get(size), get(least)), RecordFault.BadLength),
        stopIf(1, i32.above(get(size), i32.const(RECORD_BYTES_MAX)), RecordFault.BadLength),
        stopIf(1, i32.below(left, get(size)), RecordFault.Cut),
        set(stop, i32.subtract(i32.add(get(at), get(size)), i32.const(CHECKSUM_BYTES))),
        // Sequence and time, and with a header the subject, are gathered in scratch space; `body` is what follows.
        v128.store(i32.const(SCRATCH_AT), v128.load(get(at), 4)),
        set(body, i32.add(get(at), i32.const(RECORD_HEADER_BYTES))),
        set(prefix, i32.const(16)),
        when(
          hasHeader,
          sequence(
            set(headerSize, i32.load(i32.add(get(body), get(subjectSize)))),
            stopIf(2, i32.above(get(headerSize), i32.subtract(get(size), get(least))), RecordFault.BadLength),
            set(offset, i32.const(0)),
            block(
              loop(
                leaveIf(1, i32.atLeast(get(offset), get(subjectSize))),
                v128.store(get(offset), v128.load(i32.add(get(body), get(offset))), SCRATCH_AT + 16),
                set(offset, i32.add(get(offset), i32.const(16))),
                leave(0),
              ),
            ),
            set(body, i32.add(get(body), i32.add(get(subjectSize), i32.const(4)))),
            set(prefix, i32.add(get(prefix), get(subjectSize))),
          ),
        ),
        // The first bytes of the body fill up the last packet of the scratch space.
        v128.store(get(prefix), v128.load(get(body)), SCRATCH_AT),
        v128.store(get(prefix), v128.load(get(body), 16), SCRATCH_AT + 16),
        set(offset, i32.and(i32.subtract(i32.const(0), get(prefix)), i32.const(PACKET_BYTES - 1))),
        set(from, i32.const(SCRATCH_AT)),
        state.begin(),
        when(
          i32.below(i32.subtract(get(stop), get(body)), get(offset)),
          set(end, i32.add(i32.add(get(from), get(prefix)), i32.subtract(get(stop), get(body)))),
          sequence(set(end, i32.add(i32.add(get(from), get(prefix)), get(offset))), set(body, i32.add(get(body), get(offset)))),
        ),
        // Twice: the scratch space, then, if it was filled up, the rest where it lies.
        block(
          loop(
            state.packets(from, end),
            leaveIf(1, i32.notEqual(get(from), get(end))),
            leaveIf(1, i32.equal(get(end), get(stop))),
            set(from, get(body)),
            set(end, get(stop)),
            leave(0),
          ),
        ),
        set(hash, state.result(from, end)),
        when(get(check), stopIf(2, i64.notEqual(get(hash), i64.load(get(stop))), RecordFault.BadChecksum), i64.store(get(stop), get(hash))),
        mixLengths(lengths, lengthsWord(get(lengthWord), get(subjectSize))),
        when(hasHeader, mixLengths(lengths, i64.from32(get(headerSize)))),
        set(at, i32.add(get(at), get(size))),
        leave(0),
      ),
    ),
    i64.store(i32.const(LENGTHS_AT), get(lengths)),
    i32.store(i32.const(FAULT_AT), get(reason)),
    get(at),
  );
}

function addLengthsCode(): FunctionCode {
  const code = new FunctionCode("addLengths", [ValueType.I32, ValueType.I32, ValueType.I32], null);
  const [lengthWord, subjectSize, headerSize] = [0, 1, 2];
  const lengths = code.local(ValueType.I64);
  return code.define(
    set(lengths, i64.load(i32.const(LENGTHS_AT))),
    mixLengths(lengths, lengthsWord(get(lengthWord), get(subjectSize))),
    when(i32.shiftRight(get(lengthWord), i32.const(31)), mixLengths(lengths, i64.from32(get(headerSize)))),
    i64.store(i32.const(LENGTHS_AT), get(lengths)),
  );
}

function startCode(): FunctionCode {
  const code = new FunctionCode("start", [], null);
  const state = new HashState(code);
  return code.define(state.begin(), state.save());
}

function absorbCode(): FunctionCode {
  const code = new FunctionCode("absorb", [ValueType.I32, ValueType.I32], ValueType.I32);
  const state = new HashState(code);
  return code.define(state.restore(), state.packets(0, 1), state.save(), get(0));
}

function finishCode(): FunctionCode {
  const code = new FunctionCode("finish", [ValueType.I32, ValueType.I32], null);
  const hash = code.local(ValueType.I64);
  const state = new HashState(code);
  return code.define(state.restore(), set(hash, state.result(0, 1)), i64.store(i32.const(RESULT_AT), get(hash)));
}

/** The kernel as a module that imports `host.memory`. @param pages size of that memory, in units of 64 KiB */
export function highwayHashModule(pages: number): Uint8Array<ArrayBuffer> {
  return moduleBytes(pages, [walkCode(), addLengthsCode(), startCode(), absorbCode(), finishCode()]);
}
