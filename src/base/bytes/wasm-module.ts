/**
 * A small assembler for WebAssembly modules: kernels are written in TypeScript, as folded expressions, and need no compiler and no binary file.
 *
 *   set(sum, i32.add(get(sum), i32.load(get(at))))     →     20 sum 20 at 28 02 00 6a 21 sum
 * An instruction is the list of its bytes; operands stand before their operator, so an expression is the concatenation of its operands and the
 * operator. Only the instructions that this program uses are here. The engine validates the module when it is compiled: a wrong type or a stack
 * that is not balanced throws there, at the start, not later.
 */

/** One or more instructions: bytes, and parts that are inserted in place. A tree, so that putting parts together copies nothing. */
export type Code = readonly (number | Code)[];

export enum ValueType {
  I32 = 0x7f,
  I64 = 0x7e,
  V128 = 0x7b,
}

/** Number of a local variable of the function. Parameters come first. */
export type Local = number;

/** Unsigned number, seven bits a byte, lowest first. @param value up to 2^32 - 1 */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return bytes;
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** Alignment 2^0: addresses may be odd everywhere. */
const memoryArgument = (offset: number): number[] => [0, ...unsigned(offset)];

type Unary = (value: Code) => Code;
type Binary = (left: Code, right: Code) => Code;
type Load = (address: Code, offset?: number) => Code;
type Store = (address: Code, value: Code, offset?: number) => Code;

const unary =
  (...operator: number[]): Unary =>
  value => [value, ...operator];
const binary =
  (...operator: number[]): Binary =>
  (left, right) => [left, right, ...operator];
const load =
  (...operator: number[]): Load =>
  (address, offset = 0) => [address, ...operator, ...memoryArgument(offset)];
const store =
  (...operator: number[]): Store =>
  (address, value, offset = 0) => [address, value, ...operator, ...memoryArgument(offset)];
/** An instruction of the vector extension. @param number of the instruction behind the prefix */
const vector = (number: number): number[] => [0xfd, ...unsigned(number)];

export const get = (local: Local): Code => [0x20, ...unsigned(local)];
export const set = (local: Local, value: Code): Code => [value, 0x21, ...unsigned(local)];
/** Sets the variable and leaves the value as the expression's. */
export const tee = (local: Local, value: Code): Code => [value, 0x22, ...unsigned(local)];
export const sequence = (...parts: Code[]): Code => parts;

/** Runs the body once; `leave(depth)` jumps behind it. */
export const block = (...body: Code[]): Code => [0x02, 0x40, body, 0x0b];
/** Runs the body once; `leave(depth)` jumps to its begin. */
export const loop = (...body: Code[]): Code => [0x03, 0x40, body, 0x0b];
export const when = (condition: Code, then: Code, otherwise: Code = []): Code =>
  otherwise.length === 0 ? [condition, 0x04, 0x40, then, 0x0b] : [condition, 0x04, 0x40, then, 0x05, otherwise, 0x0b];
/** Jumps to the end of a block or an `if`, or to the begin of a loop. @param depth 0: the innermost one */
export const leave = (depth: number): Code => [0x0c, ...unsigned(depth)];
export const leaveIf = (depth: number, condition: Code): Code => [condition, 0x0d, ...unsigned(depth)];
/** Leaves the function. */
export const giveBack = (value: Code): Code => [value, 0x0f];
/** The ranges may overlap. */
export const copyMemory = (target: Code, source: Code, size: Code): Code => [target, source, size, 0xfc, 10, 0, 0];
export const fillMemory = (target: Code, byte: Code, size: Code): Code => [target, byte, size, 0xfc, 11, 0];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(BigInt(value | 0))],
  load: load(0x28),
  load8: load(0x2d),
  load16: load(0x2f),
  store: store(0x36),
  store8: store(0x3a),
  store16: store(0x3b),
  isZero: unary(0x45),
  equal: binary(0x46),
  notEqual: binary(0x47),
  /** Comparisons are unsigned. */
  below: binary(0x49),
  above: binary(0x4b),
  atLeast: binary(0x4f),
  add: binary(0x6a),
  subtract: binary(0x6b),
  multiply: binary(0x6c),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shiftLeft: binary(0x74),
  shiftRight: binary(0x76),
  /** `condition` is not 0 ? `yes` : `no`; both are computed. */
  choose: (condition: Code, yes: Code, no: Code): Code => [yes, no, condition, 0x1b],
  /** The lower half of a 64-bit number. */
  from64: unary(0xa7),
};

export const i64 = {
  const: (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))],
  load: load(0x29),
  store: store(0x37),
  isZero: unary(0x50),
  notEqual: binary(0x52),
  trailingZeros: unary(0x7a),
  multiply: binary(0x7e),
  or: binary(0x84),
  xor: binary(0x85),
  shiftLeft: binary(0x86),
  shiftRight: binary(0x88),
  /** An unsigned 32-bit number. */
  from32: unary(0xad),
};

export const v128 = {
  load: load(...vector(0)),
  store: store(...vector(11)),
  /** Two 64-bit numbers, the lower one first. */
  const: (low: bigint, high: bigint): Code => {
    const bytes = new DataView(new ArrayBuffer(16));
    bytes.setBigUint64(0, BigInt.asUintN(64, low), true);
    bytes.setBigUint64(8, BigInt.asUintN(64, high), true);
    return [...vector(12), ...new Uint8Array(bytes.buffer)];
  },
  /** 16 numbers of bytes: 0 to 15 of `left`, 16 to 31 of `right`. */
  shuffle: (left: Code, right: Code, bytes: readonly number[]): Code => [left, right, ...vector(13), ...bytes],
  and: binary(...vector(78)),
  or: binary(...vector(80)),
  xor: binary(...vector(81)),
};

/** Four 32-bit numbers. */
export const i32x4 = {
  splat: unary(...vector(17)),
  withLane: (lane: number, source: Code, value: Code): Code => [source, value, ...vector(28), lane],
  shiftLeft: binary(...vector(171)),
  shiftRight: binary(...vector(173)),
  add: binary(...vector(174)),
};

/** Two 64-bit numbers. */
export const i64x2 = {
  lane: (lane: number, source: Code): Code => [source, ...vector(29), lane],
  add: binary(...vector(206)),
  /** Products of the two lower unsigned 32-bit numbers of each. */
  productsOfLower: binary(...vector(222)),
};

/** One function: its parameters, local variables and body. */
export class FunctionCode {
  private readonly types: ValueType[] = [];
  private body: Code = [];

  /**
   * @param name under which the module exports it
   * @param parameters their types; they are the first variables
   * @param result null: none
   */
  constructor(
    readonly name: string,
    readonly parameters: readonly ValueType[],
    readonly result: ValueType | null,
  ) {}

  local(type: ValueType): Local {
    return this.parameters.length + this.types.push(type) - 1;
  }

  define(...body: Code[]): this {
    this.body = body;
    return this;
  }

  get typeBytes(): number[] {
    const results = this.result === null ? [] : [this.result];
    return [0x60, ...list(this.parameters.map(type => [type])), ...list(results.map(type => [type]))];
  }

  get codeBytes(): number[] {
    const code = list(this.types.map(type => [1, type]));
    append(this.body, code);
    code.push(0x0b);
    return unsigned(code.length).concat(code);
  }
}

function append(code: Code, target: number[]): void {
  for (const part of code) {
    if (typeof part === "number") target.push(part);
    else append(part, target);
  }
}

function list(items: readonly (readonly number[])[]): number[] {
  return unsigned(items.length).concat(...items);
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const content = list(items);
  return [id].concat(unsigned(content.length), content);
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}

/**
 * The bytes of a module that imports its memory as `host.memory`.
 * @param pages size of that memory in units of 64 KiB; it never grows, so its views stay valid
 */
export function moduleBytes(pages: number, functions: readonly FunctionCode[]): Uint8Array<ArrayBuffer> {
  const memory = [...text("host"), ...text("memory"), 0x02, 0x01, ...unsigned(pages), ...unsigned(pages)];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      functions.map(code => code.typeBytes),
    ),
    ...section(2, [memory]),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(
      7,
      functions.map((code, index) => [...text(code.name), 0x00, ...unsigned(index)]),
    ),
    ...section(
      10,
      functions.map(code => code.codeBytes),
    ),
  ]);
}
