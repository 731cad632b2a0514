/**
 * Writes and reads S2 blocks with the kernel of s2-kernel.ts: content is copied into the kernel's memory, and the result out of it, which takes a
 * tenth of the time of the work itself.
 *
 * One block is one call without a break, and nothing is kept between calls, so all users of a server share one codec. A MiB takes about 2 ms to
 * write and 1 ms to read.
 * The bytes that are read are untrusted. The content has the size stated at the block's start, which must be within the caller's bound; neither
 * memory nor time depends on anything else.
 */
import { crc32cTables } from "./crc32c.ts";
import { BlockFault, CRC_TABLES_AT, INPUT_AT, outputAt, pagesOf, type S2KernelExports, s2Module } from "./s2-kernel.ts";

/** The bytes are not S2, or hold more than the caller allows. */
export class S2Error extends Error {
  override name = "S2Error";
}

const FAULT_TEXTS: Record<BlockFault, string> = {
  [BlockFault.None]: "",
  [BlockFault.CutOff]: "an element is cut off",
  [BlockFault.Literal]: "a literal exceeds the block",
  [BlockFault.Copy]: "an invalid copy",
  [BlockFault.Size]: "the content of a block is shorter than stated",
};

const VARINT_BYTES_MAX = 5;
const CONTENT_BYTES_MAX = 4 * 1024 * 1024;

/** Longest block of a sensible writer: nothing repeats, and there are many short literals. */
function blockBytesMax(contentBytes: number): number {
  return contentBytes + Math.ceil(contentBytes / 6) + 32;
}

export class S2Codec {
  private readonly kernel: S2KernelExports;
  private readonly memory: Uint8Array;
  private readonly outputAt: number;
  /** The content of the last call, in the kernel's memory. */
  private contentAt = 0;
  private contentBytes = 0;

  /** @param contentBytesMax largest content of a block. The system provides memory when it is first used. */
  constructor(private readonly contentBytesMax = CONTENT_BYTES_MAX) {
    const inputBytes = blockBytesMax(contentBytesMax);
    const pages = pagesOf(inputBytes, inputBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(s2Module(inputBytes, inputBytes));
    this.kernel = new WebAssembly.Instance(module, { host: { memory } }).exports as unknown as S2KernelExports;
    this.memory = new Uint8Array(memory.buffer);
    this.outputAt = outputAt(inputBytes);
    const tables = new Uint32Array(memory.buffer, CRC_TABLES_AT);
    for (const [index, table] of crc32cTables().entries()) tables.set(table, index * table.length);
  }

  /**
   * Writes the block of `content[start, end)` to `target`, from `at` on.
   * @param room bytes that the block may have, at most the size of the content
   * @returns size of the block; 0: it needs more room, and nothing was written
   */
  encode(content: Uint8Array, start: number, end: number, target: Uint8Array, at: number, room: number): number {
    this.give(content, start, end);
    const size = this.kernel.encode(end - start, room);
    this.take(size, target, at);
    return size;
  }

  /**
   * Writes the content of a block to `target`, from `at` on. @throws S2Error
   * @param contentBytesMax a block that states a larger size is refused
   * @returns size of the content
   */
  decode(block: Uint8Array, target: Uint8Array, at: number, contentBytesMax: number): number {
    const { value: size, end } = readVarint(block);
    checkSize(size, contentBytesMax);
    if (size > this.contentBytesMax || block.length > blockBytesMax(this.contentBytesMax)) throw new S2Error("a block is too long");
    this.give(block, 0, block.length);
    const fault: BlockFault = this.kernel.decode(INPUT_AT + end, INPUT_AT + block.length, size);
    if (fault !== BlockFault.None) throw new S2Error(FAULT_TEXTS[fault]);
    this.take(size, target, at);
    this.contentAt = this.outputAt;
    this.contentBytes = size;
    return size;
  }

  /** CRC-32C of the content of the last call: what was written or read. */
  contentSum(): number {
    return this.kernel.crc(this.contentAt, this.contentAt + this.contentBytes, 0) >>> 0;
  }

  /** CRC-32C of `content[start, end)`. */
  sumOf(content: Uint8Array, start: number, end: number): number {
    this.give(content, start, end);
    return this.contentSum();
  }

  private give(bytes: Uint8Array, start: number, end: number): void {
    this.memory.set(bytes.subarray(start, end), INPUT_AT);
    this.contentAt = INPUT_AT;
    this.contentBytes = end - start;
  }

  private take(size: number, target: Uint8Array, at: number): void {
    target.set(this.memory.subarray(this.outputAt, this.outputAt + size), at);
  }
}

/** Size of a block's content, as it states. @throws S2Error when it is missing or larger than `contentBytesMax` */
export function statedSize(block: Uint8Array, contentBytesMax: number): number {
  const { value } = readVarint(block);
  checkSize(value, contentBytesMax);
  return value;
}

function checkSize(size: number, contentBytesMax: number): void {
  if (size > contentBytesMax) throw new S2Error(`a block of ${size} bytes exceeds the limit of ${contentBytesMax}`);
}

function readVarint(bytes: Uint8Array): { value: number; end: number } {
  let value = 0;
  for (let at = 0; at < VARINT_BYTES_MAX && at < bytes.length; at++) {
    value += (bytes[at] & 0x7f) * 2 ** (7 * at);
    if (bytes[at] < 0x80) return { value, end: at + 1 };
  }
  throw new S2Error("a block without the size of its content");
}
