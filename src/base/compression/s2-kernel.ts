/**
 * The WebAssembly kernel of S2: writes and reads one block, and CRC-32C. Plain TypeScript does the same at a fifth of the speed until the engine
 * has optimised it, which takes hundreds of megabytes, and sometimes never happens.
 *
 *   block = size of the content (varint) · elements           element = tag byte · more bytes
 *   tag & 3:  0 literal   the bytes themselves; (tag >> 2) + 1 of them, or their number is in 1 to 4 bytes after the tag
 *             1 copy      4 to 11 bytes from up to 2 KiB back; offset 0: from as far back as the last copy, up to 16 MiB long
 *             2 copy      1 to 64 bytes from up to 64 KiB back
 *             3 copy      1 to 64 bytes from up to 4 GiB back
 *
 *   memory    │ table of positions │ tables of the CRC │ input + slack │ output + slack │
 * Pieces are copied 8 or 16 bytes at a time, so reads and writes go up to 16 bytes behind their end: that is what the slack is for.
 */
import {
  block,
  type Code,
  copyMemory,
  FunctionCode,
  fillMemory,
  get,
  giveBack,
  i32,
  i64,
  type Local,
  leave,
  leaveIf,
  loop,
  moduleBytes,
  sequence,
  set,
  ValueType,
  v128,
  when,
} from "../bytes/wasm-module.ts";

/** Entries of the table of positions, as a power of two: 128 KiB, which stays in the processor's cache. */
const TABLE_BITS = 15;
const TABLE_AT = 64;
const TABLE_BYTES = 4 << TABLE_BITS;
/** Eight tables of 256 words, which the host fills once. */
export const CRC_TABLES_AT = TABLE_AT + TABLE_BYTES;
const CRC_TABLE_BYTES = 1_024;
const CRC_STEP_BYTES = 8;
const SLACK_BYTES = 64;
export const INPUT_AT = CRC_TABLES_AT + CRC_STEP_BYTES * CRC_TABLE_BYTES;
const PAGE_BYTES = 64 * 1024;

/** What is wrong with a block. */
export enum BlockFault {
  None = 0,
  CutOff,
  Literal,
  Copy,
  Size,
}

/** The kernel's functions. All numbers are addresses or sizes in its memory. */
export interface S2KernelExports {
  /**
   * Writes the block of the input's first `size` bytes to the output.
   * @param room bytes that the block may have
   * @returns size of the block; 0: it needs more room
   */
  encode(size: number, room: number): number;
  /**
   * Reads the elements in the input, from the address `from` up to `to`.
   * @param size what the content must have
   * @returns a `BlockFault`
   */
  decode(from: number, to: number, size: number): number;
  /** CRC-32C of a range. @param before the sum of the bytes in front of it */
  crc(from: number, to: number, before: number): number;
}

/** Where the output begins. @param inputBytes size of the input */
export function outputAt(inputBytes: number): number {
  return INPUT_AT + inputBytes + SLACK_BYTES;
}

/** Pages of memory for these sizes. */
export function pagesOf(inputBytes: number, outputBytes: number): number {
  return Math.ceil((outputAt(inputBytes) + outputBytes + SLACK_BYTES) / PAGE_BYTES);
}

export function s2Module(inputBytes: number, outputBytes: number): Uint8Array<ArrayBuffer> {
  const output = outputAt(inputBytes);
  return moduleBytes(pagesOf(inputBytes, outputBytes), [encodeCode(output), decodeCode(output), crcCode()]);
}

const number = i32.const;
const increase = (local: Local, by: Code): Code => set(local, i32.add(get(local), by));
const decrease = (local: Local, by: number): Code => set(local, i32.subtract(get(local), number(by)));

/** Copies 16 bytes at a time, at least once. Changes nothing but `cursor`, which it uses. */
function copyPieces(target: Local, source: Local, size: Local, cursor: Local): Code {
  return sequence(
    set(cursor, number(0)),
    loop(
      v128.store(i32.add(get(target), get(cursor)), v128.load(i32.add(get(source), get(cursor)))),
      increase(cursor, number(16)),
      leaveIf(0, i32.below(get(cursor), get(size))),
    ),
  );
}

/** Pieces up to this size are copied by a loop, longer ones by the instruction for it. */
const LOOP_BYTES_MAX = 128;
/** The form of a literal's size: up to 60 bytes in the tag, above in 1 to 4 more bytes. */
const IN_TAG = 60;
/** The longest copy that is not a repeat. */
const COPY_BYTES_MAX = 64;
/** The short form of a copy has at most this size, and an offset below that. */
const SHORT_COPY_BYTES_MAX = 11;
const SHORT_OFFSET_END = 2_048;
const MIDDLE_OFFSET_END = 65_536;
/** The first sizes of a repeat with 1, 2 and 3 bytes of size. */
const REPEAT_1 = 8;
const REPEAT_2 = 260;
const REPEAT_3 = 65_540;
/** A copy from further back takes five bytes, so a shorter one is not worth it. */
const FAR_COPY_BYTES_MIN = 7;
/** Bytes that a literal's head and a copy take at most. */
const ELEMENT_BYTES_MAX = 16;
/** Binary logarithm of the number of bytes without a repeat after which steps grow by one. */
const STEP_GROWTH_BITS = 6;
/** Larger steps save nothing that can be measured, and miss text behind random bytes. */
const STEP_MAX = 128;
const HASH_FACTOR = 0x9e3779b185ebca87n;

/**
 *   at each position: same bytes at the last offset, one byte on? ─▶ repeat        last position with the same hash of six bytes,
 *                     really equal? ─▶ longer to the right and to the left ─▶ literal up to here, then a copy
 * Greedy; steps grow while nothing repeats, so content that does not compress costs little.
 */
function encodeCode(output: number): FunctionCode {
  const code = new FunctionCode("encode", [ValueType.I32, ValueType.I32], ValueType.I32);
  const [size, room] = [0, 1];
  const word = code.local(ValueType.I64);
  const local = () => code.local(ValueType.I32);
  const [end, limit, out, position, literal, offset] = [local(), local(), local(), local(), local(), local()];
  const [slot, nextSlot, candidate, nextCandidate, next, matchEnd] = [local(), local(), local(), local(), local(), local()];
  const [distance, rest, first, cursor, difference] = [local(), local(), local(), local(), code.local(ValueType.I64)];
  const start = number(INPUT_AT);
  /** Address of the entry for six bytes of the word. */
  const entry = (bytes: Code): Code =>
    i32.and(
      i32.from64(
        i64.shiftRight(i64.multiply(i64.shiftLeft(bytes, i64.const(16n)), i64.const(HASH_FACTOR)), i64.const(BigInt(62 - TABLE_BITS))),
      ),
      number(TABLE_BYTES - 4),
    );
  const put = (byte: Code): Code => sequence(i32.store8(get(out), byte), increase(out, number(1)));
  const isEqual = (at: Local, bytes: Code): Code => i32.and(i32.atLeast(get(at), start), i32.equal(i32.load(get(at)), bytes));

  const putVarint = sequence(
    block(
      loop(
        leaveIf(1, i32.below(get(rest), number(0x80))),
        put(i32.or(get(rest), number(0x80))),
        set(rest, i32.shiftRight(get(rest), number(7))),
        leave(0),
      ),
    ),
    put(get(rest)),
  );
  /** Writes the literal of `rest` bytes, at least one. */
  const putLiteral = sequence(
    set(first, i32.subtract(get(rest), number(1))),
    when(
      i32.below(get(first), number(IN_TAG)),
      put(i32.shiftLeft(get(first), number(2))),
      when(
        i32.below(get(first), number(0x100)),
        sequence(put(number(IN_TAG << 2)), put(get(first))),
        when(
          i32.below(get(first), number(0x1_0000)),
          sequence(put(number((IN_TAG + 1) << 2)), i32.store16(get(out), get(first)), increase(out, number(2))),
          sequence(put(number((IN_TAG + 2) << 2)), i32.store(get(out), get(first)), increase(out, number(3))),
        ),
      ),
    ),
    when(
      i32.above(get(rest), number(LOOP_BYTES_MAX)),
      copyMemory(get(out), get(literal), get(rest)),
      copyPieces(out, literal, rest, cursor),
    ),
    increase(out, get(rest)),
  );
  /** Writes the repeat of `rest` bytes, at least four. */
  const repeatTag = (form: number): number => (form << 2) | 1;
  const putRepeat = when(
    i32.below(get(rest), number(REPEAT_1 + 1)),
    sequence(
      i32.store16(get(out), i32.or(i32.shiftLeft(i32.subtract(get(rest), number(4)), number(2)), number(1))),
      increase(out, number(2)),
    ),
    when(
      i32.below(get(rest), number(REPEAT_1 + 0x100)),
      sequence(
        i32.store16(get(out), number(repeatTag(5))),
        i32.store8(get(out), i32.subtract(get(rest), number(REPEAT_1)), 2),
        increase(out, number(3)),
      ),
      when(
        i32.below(get(rest), number(REPEAT_2 + 0x1_0000)),
        sequence(
          i32.store16(get(out), number(repeatTag(6))),
          i32.store16(get(out), i32.subtract(get(rest), number(REPEAT_2)), 2),
          increase(out, number(4)),
        ),
        sequence(
          i32.store16(get(out), number(repeatTag(7))),
          i32.store(get(out), i32.subtract(get(rest), number(REPEAT_3)), 2),
          increase(out, number(5)),
        ),
      ),
    ),
  );
  /** Writes the first part of a copy of `rest` bytes, and takes it off `rest`. What is left, at least four bytes, follows as a repeat. */
  const putCopy = when(
    i32.and(i32.below(get(rest), number(SHORT_COPY_BYTES_MAX + 1)), i32.below(get(distance), number(SHORT_OFFSET_END))),
    sequence(
      i32.store8(
        get(out),
        i32.or(
          i32.or(
            i32.shiftLeft(i32.shiftRight(get(distance), number(8)), number(5)),
            i32.shiftLeft(i32.subtract(get(rest), number(4)), number(2)),
          ),
          number(1),
        ),
      ),
      i32.store8(get(out), get(distance), 1),
      increase(out, number(2)),
      set(rest, number(0)),
    ),
    sequence(
      set(first, get(rest)),
      when(
        i32.above(get(rest), number(COPY_BYTES_MAX)),
        set(
          first,
          i32.choose(i32.above(get(rest), number(COPY_BYTES_MAX + 4)), number(COPY_BYTES_MAX), i32.subtract(get(rest), number(4))),
        ),
      ),
      set(rest, i32.subtract(get(rest), get(first))),
      set(first, i32.shiftLeft(i32.subtract(get(first), number(1)), number(2))),
      when(
        i32.below(get(distance), number(MIDDLE_OFFSET_END)),
        sequence(i32.store8(get(out), i32.or(get(first), number(2))), i32.store16(get(out), get(distance), 1), increase(out, number(3))),
        sequence(i32.store8(get(out), i32.or(get(first), number(3))), i32.store(get(out), get(distance), 1), increase(out, number(5))),
      ),
    ),
  );
  const extendRight = sequence(
    loop(
      // The last bytes one by one.
      when(
        i32.above(get(matchEnd), i32.subtract(get(end), number(8))),
        block(
          loop(
            leaveIf(1, i32.atLeast(get(matchEnd), get(end))),
            leaveIf(1, i32.notEqual(i32.load8(get(matchEnd)), i32.load8(i32.subtract(get(matchEnd), get(distance))))),
            increase(matchEnd, number(1)),
            leave(0),
          ),
        ),
        sequence(
          set(difference, i64.xor(i64.load(get(matchEnd)), i64.load(i32.subtract(get(matchEnd), get(distance))))),
          when(
            i64.isZero(get(difference)),
            sequence(increase(matchEnd, number(8)), leave(2)),
            increase(matchEnd, i32.shiftRight(i32.from64(i64.trailingZeros(get(difference))), number(3))),
          ),
        ),
      ),
    ),
  );
  const extendLeft = block(
    loop(
      leaveIf(1, i32.equal(get(position), get(literal))),
      leaveIf(1, i32.equal(get(candidate), start)),
      leaveIf(1, i32.notEqual(i32.load8(i32.subtract(get(position), number(1))), i32.load8(i32.subtract(get(candidate), number(1))))),
      decrease(position, 1),
      decrease(candidate, 1),
      leave(0),
    ),
  );

  return code.define(
    fillMemory(number(TABLE_AT), number(0), number(TABLE_BYTES)),
    set(end, i32.add(start, get(size))),
    set(limit, i32.add(number(output), get(room))),
    set(out, number(output)),
    set(rest, get(size)),
    putVarint,
    set(literal, start),
    set(position, i32.add(start, number(1))),
    block(
      loop(
        leaveIf(1, i32.above(i32.add(get(position), number(8)), get(end))),
        set(word, i64.load(get(position))),
        set(slot, entry(get(word))),
        set(nextSlot, entry(i64.shiftRight(get(word), i64.const(8n)))),
        set(candidate, i32.load(get(slot), TABLE_AT)),
        set(nextCandidate, i32.load(get(nextSlot), TABLE_AT)),
        set(next, i32.from64(i64.shiftRight(get(word), i64.const(8n)))),
        i32.store(get(slot), get(position), TABLE_AT),
        i32.store(get(nextSlot), i32.add(get(position), number(1)), TABLE_AT),
        block(
          // Depth 0: the search has found something; 1: go on.
          when(
            get(offset),
            when(
              i32.equal(i32.load(i32.subtract(i32.add(get(position), number(1)), get(offset))), get(next)),
              sequence(increase(position, number(1)), set(candidate, i32.subtract(get(position), get(offset))), leave(2)),
            ),
          ),
          leaveIf(0, isEqual(candidate, i32.from64(get(word)))),
          when(isEqual(nextCandidate, get(next)), sequence(increase(position, number(1)), set(candidate, get(nextCandidate)), leave(1))),
          set(rest, i32.shiftRight(i32.subtract(get(position), get(literal)), number(STEP_GROWTH_BITS))),
          increase(position, i32.add(number(2), i32.choose(i32.below(get(rest), number(STEP_MAX)), get(rest), number(STEP_MAX)))),
          leave(1),
        ),
        set(distance, i32.subtract(get(position), get(candidate))),
        set(matchEnd, i32.add(get(position), number(4))),
        extendRight,
        extendLeft,
        set(rest, i32.subtract(get(matchEnd), get(position))),
        when(
          i32.and(
            i32.and(i32.atLeast(get(distance), number(MIDDLE_OFFSET_END)), i32.notEqual(get(distance), get(offset))),
            i32.below(get(rest), number(FAR_COPY_BYTES_MIN)),
          ),
          sequence(set(position, i32.subtract(get(matchEnd), number(2))), leave(1)),
        ),
        set(rest, i32.subtract(get(position), get(literal))),
        when(i32.above(i32.add(i32.add(get(out), get(rest)), number(ELEMENT_BYTES_MAX)), get(limit)), giveBack(number(0))),
        when(get(rest), putLiteral),
        set(rest, i32.subtract(get(matchEnd), get(position))),
        when(i32.notEqual(get(distance), get(offset)), putCopy),
        when(get(rest), putRepeat),
        set(offset, get(distance)),
        set(literal, get(matchEnd)),
        set(position, get(matchEnd)),
        leaveIf(1, i32.above(i32.add(get(position), number(8)), get(end))),
        set(word, i64.load(i32.subtract(get(position), number(2)))),
        i32.store(entry(get(word)), i32.subtract(get(position), number(2)), TABLE_AT),
        leave(0),
      ),
    ),
    set(rest, i32.subtract(get(end), get(literal))),
    when(i32.above(i32.add(i32.add(get(out), get(rest)), number(ELEMENT_BYTES_MAX)), get(limit)), giveBack(number(0))),
    when(get(rest), putLiteral),
    i32.subtract(get(out), number(output)),
  );
}

function decodeCode(output: number): FunctionCode {
  const code = new FunctionCode("decode", [ValueType.I32, ValueType.I32, ValueType.I32], ValueType.I32);
  const [at, to, size] = [0, 1, 2];
  const local = () => code.local(ValueType.I32);
  const [out, end, offset, tag, length, digits, source, cursor] = [local(), local(), local(), local(), local(), local(), local(), local()];
  const fail = (fault: BlockFault): Code => giveBack(number(fault));
  /** Refuses an element that needs more bytes than there are. */
  const need = (bytes: Code): Code => when(i32.above(bytes, i32.subtract(get(to), get(at))), fail(BlockFault.CutOff));
  /** Reads `digits` bytes, 1 to 4, as a number. */
  const readDigits = sequence(
    need(get(digits)),
    set(length, i32.and(i32.load(get(at)), i32.shiftRight(number(-1), i32.subtract(number(32), i32.shiftLeft(get(digits), number(3)))))),
    increase(at, get(digits)),
  );
  const inTag = i32.shiftRight(get(tag), number(2));
  const readLiteral = sequence(
    set(length, inTag),
    when(i32.atLeast(get(length), number(IN_TAG)), sequence(set(digits, i32.subtract(get(length), number(IN_TAG - 1))), readDigits)),
    // Compared before one is added, because the largest number would become 0.
    when(
      i32.or(i32.atLeast(get(length), i32.subtract(get(to), get(at))), i32.atLeast(get(length), i32.subtract(get(end), get(out)))),
      fail(BlockFault.Literal),
    ),
    increase(length, number(1)),
    when(i32.above(get(length), number(LOOP_BYTES_MAX)), copyMemory(get(out), get(at), get(length)), copyPieces(out, at, length, cursor)),
    increase(at, get(length)),
  );
  const repeatBase = i32.choose(
    i32.equal(get(digits), number(1)),
    number(REPEAT_1),
    i32.choose(i32.equal(get(digits), number(2)), number(REPEAT_2), number(REPEAT_3)),
  );
  const readShortCopy = sequence(
    need(number(1)),
    set(digits, i32.or(i32.shiftLeft(i32.and(get(tag), number(0xe0)), number(3)), i32.load8(get(at)))),
    increase(at, number(1)),
    set(length, i32.add(i32.and(inTag, number(7)), number(4))),
    when(
      get(digits),
      set(offset, get(digits)),
      when(
        i32.above(get(length), number(8)),
        // A repeat with 1 to 3 size bytes; each form counts from the end of the smaller one.
        sequence(set(digits, i32.subtract(get(length), number(8))), readDigits, increase(length, repeatBase)),
      ),
    ),
  );
  const readCopy = (bytes: number, load: typeof i32.load): Code =>
    sequence(need(number(bytes)), set(length, i32.add(inTag, number(1))), set(offset, load(get(at))), increase(at, number(bytes)));
  /**
   * Copies from `offset` bytes back. When the ranges overlap, the bytes repeat. Of a period below 8 bytes the first eight are copied one by one;
   * behind them, a multiple of the period that is at least 8 bytes back has the same bytes.
   */
  const copy = when(
    i32.atLeast(get(offset), number(16)),
    copyPieces(out, source, length, cursor),
    sequence(
      set(cursor, number(0)),
      when(
        i32.below(get(offset), number(8)),
        sequence(
          loop(
            i32.store8(i32.add(get(out), get(cursor)), i32.load8(i32.add(get(source), get(cursor)))),
            increase(cursor, number(1)),
            leaveIf(0, i32.below(get(cursor), number(8))),
          ),
          // From here on the source is a multiple of the period back.
          set(source, i32.subtract(get(source), i32.subtract(i32.multiply(get(offset), periods(offset)), get(offset)))),
        ),
      ),
      block(
        loop(
          leaveIf(1, i32.atLeast(get(cursor), get(length))),
          i64.store(i32.add(get(out), get(cursor)), i64.load(i32.add(get(source), get(cursor)))),
          increase(cursor, number(8)),
          leave(0),
        ),
      ),
    ),
  );

  return code.define(
    set(out, number(output)),
    set(end, i32.add(number(output), get(size))),
    block(
      loop(
        leaveIf(1, i32.atLeast(get(at), get(to))),
        set(tag, i32.load8(get(at))),
        increase(at, number(1)),
        when(
          i32.isZero(i32.and(get(tag), number(3))),
          readLiteral,
          sequence(
            when(
              i32.equal(i32.and(get(tag), number(3)), number(1)),
              readShortCopy,
              when(i32.equal(i32.and(get(tag), number(3)), number(2)), readCopy(2, i32.load16), readCopy(4, i32.load)),
            ),
            when(
              i32.or(
                i32.or(i32.isZero(get(offset)), i32.above(get(offset), i32.subtract(get(out), number(output)))),
                i32.above(get(length), i32.subtract(get(end), get(out))),
              ),
              fail(BlockFault.Copy),
            ),
            set(source, i32.subtract(get(out), get(offset))),
            copy,
          ),
        ),
        increase(out, get(length)),
        leave(0),
      ),
    ),
    i32.choose(i32.equal(get(out), get(end)), number(BlockFault.None), number(BlockFault.Size)),
  );
}

/** How many periods of this size, 1 to 7, make at least 8 bytes: four bits for each. */
function periods(offset: Local): Code {
  let table = 0;
  for (let period = 1; period < 8; period++) table += Math.ceil(8 / period) * 2 ** (4 * period);
  return i32.and(i32.shiftRight(number(table), i32.shiftLeft(get(offset), number(2))), number(15));
}

/** Eight bytes per step: their tables are looked up independently. */
function crcCode(): FunctionCode {
  const code = new FunctionCode("crc", [ValueType.I32, ValueType.I32, ValueType.I32], ValueType.I32);
  const [at, to, sum] = [0, 1, 2];
  const high = code.local(ValueType.I32);
  /** The effect of one byte of a word, when `behind` bytes of the step follow. */
  const lookUp = (word: Local, byte: number, behind: number): Code =>
    i32.load(
      byte === 0
        ? i32.shiftLeft(i32.and(get(word), number(0xff)), number(2))
        : i32.and(i32.shiftRight(get(word), number(8 * byte - 2)), number(0x3fc)),
      CRC_TABLES_AT + behind * CRC_TABLE_BYTES,
    );
  const step = [0, 1, 2, 3]
    .flatMap(byte => [lookUp(sum, byte, 7 - byte), lookUp(high, byte, 3 - byte)])
    .reduce((left, right) => i32.xor(left, right));
  return code.define(
    set(sum, i32.xor(get(sum), number(-1))),
    block(
      loop(
        leaveIf(1, i32.below(i32.subtract(get(to), get(at)), number(CRC_STEP_BYTES))),
        set(sum, i32.xor(get(sum), i32.load(get(at)))),
        set(high, i32.load(get(at), 4)),
        set(sum, step),
        increase(at, number(CRC_STEP_BYTES)),
        leave(0),
      ),
    ),
    block(
      loop(
        leaveIf(1, i32.equal(get(at), get(to))),
        set(sum, i32.xor(get(sum), i32.load8(get(at)))),
        set(sum, i32.xor(lookUp(sum, 0, 0), i32.shiftRight(get(sum), number(8)))),
        increase(at, number(1)),
        leave(0),
      ),
    ),
    i32.xor(get(sum), number(-1)),
  );
}
