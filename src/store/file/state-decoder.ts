/**
 * Decodes `index.db`, versions 1 to 4, and decides whether it describes the blocks that are there.
 *
 *   checksum ─▶ decrypt ─▶ totals, subjects, blocks ─▶ compare with the blocks on the disk ─▶ compare the totals
 * What was found selects exactly one row of `STATE_ROWS`, the first that applies in this order. Nothing is believed: counts and sizes are compared
 * with the bytes that are left before anything is allocated, subjects are checked, and numbers above 2^53 - 1 are refused.
 *
 *   valid     the store is as described; no block needs to be read
 *   outdated  the description was right once: a checkpoint. The blocks must be scanned from its last record on, or all of them
 *   corrupt   it was never right: remove the file, scan the blocks
 *   unusable  it cannot be read: keep the file, scan the blocks
 * Source: the reference server reads the same file in the same order; the texts are its warnings.
 */
import { isUtf8 } from "node:buffer";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import type { HashKey } from "../block/hash-key.ts";
import type { RecordHasher } from "../block/record-hasher.ts";
import type { MetaCipher } from "./meta-file.ts";
import { BlockState, HASH_BYTES, SavedState, type SubjectVisitor } from "./saved-state.ts";
import { STATE_MAGIC, STATE_VERSION } from "./state-encoder.ts";

export enum StateRow {
  Valid = 0,
  Missing,
  Unreadable,
  TooShort,
  ChecksumMismatch,
  Sealed,
  Version,
  SubjectCount,
  SubjectSize,
  Subject,
  BlockCount,
  Block,
  DeletedSet,
  NoLastHash,
  /** A number is above 2^53 - 1. */
  TooLarge,
  LastBlockUnlisted,
  LastBlockMissing,
  LastHash,
  NewerBlocks,
  BlockMissing,
  Totals,
}

export interface StateOutcome {
  readonly kind: "valid" | "outdated" | "corrupt" | "unusable";
  /** For the log; null: nothing is logged. */
  readonly text: ((detail: string) => string) | null;
}

const priorState = (block: string) => `Stream state detected prior state, could not locate msg block ${block}`;

export const STATE_ROWS: Record<StateRow, StateOutcome> = {
  [StateRow.Valid]: { kind: "valid", text: null },
  [StateRow.Missing]: { kind: "unusable", text: null },
  [StateRow.Unreadable]: { kind: "unusable", text: error => `Could not read stream state file: ${error}` },
  [StateRow.TooShort]: { kind: "corrupt", text: size => `Stream state too short (${size} bytes)` },
  [StateRow.ChecksumMismatch]: { kind: "corrupt", text: () => "Stream state checksum did not match" },
  [StateRow.Sealed]: { kind: "unusable", text: () => "Stream state error reading encryption key: cipher: message authentication failed" },
  [StateRow.Version]: { kind: "corrupt", text: () => "Stream state magic and version mismatch" },
  [StateRow.SubjectCount]: { kind: "corrupt", text: count => `Stream state bad subject count (${count})` },
  [StateRow.SubjectSize]: { kind: "corrupt", text: size => `Stream state bad subject len (${size})` },
  [StateRow.Subject]: { kind: "corrupt", text: () => "Stream state corrupt subject detected" },
  [StateRow.BlockCount]: { kind: "corrupt", text: count => `Stream state bad block count (${count})` },
  [StateRow.Block]: { kind: "corrupt", text: () => "Stream state ends within a block" },
  [StateRow.DeletedSet]: { kind: "corrupt", text: () => "Stream state error decoding avl dmap: ss: bad encoding" },
  [StateRow.NoLastHash]: { kind: "corrupt", text: () => "Stream state has no checksum present" },
  [StateRow.TooLarge]: { kind: "corrupt", text: () => "Stream state has a number above 9007199254740991" },
  [StateRow.LastBlockUnlisted]: { kind: "corrupt", text: () => "Stream state block does not exist or index mismatch" },
  [StateRow.LastBlockMissing]: { kind: "outdated", text: priorState },
  [StateRow.LastHash]: { kind: "outdated", text: () => "Stream state outdated, last block has additional entries, will rebuild" },
  [StateRow.NewerBlocks]: { kind: "outdated", text: () => "Stream state outdated, found extra blocks, will rebuild" },
  [StateRow.BlockMissing]: { kind: "outdated", text: priorState },
  [StateRow.Totals]: { kind: "corrupt", text: () => "Stream state encountered internal inconsistency on recover" },
};

export interface StateFound {
  readonly row: StateRow;
  /** What the file says, where the row's kind is `valid` or `outdated`. */
  readonly state: SavedState | null;
  readonly detail: string;
}

/** What stands on the disk beside the file. */
export interface BlockEvidence {
  /** Whether there is a file of this block. */
  has(block: number): boolean;
  /** The highest number of a block; 0: there is none. */
  readonly newest: number;
  /** The checksum of the last record of a block, 8 bytes; zeros: it is empty; null: it cannot be read. Asked for one block at most. */
  lastHash(block: number): Uint8Array | null;
}

export interface StateKeys {
  /** Not used by anybody else while the job runs: it hashes in parts. */
  readonly hasher: RecordHasher;
  readonly key: HashKey;
  /** null: the file is not encrypted. */
  readonly cipher: MetaCipher | null;
}

const SIZE_MIN = 32;
/** Of a subject: its size, one byte, its total and its block. */
const SUBJECT_BYTES_MIN = 4;
/** Bytes that are hashed between two pauses. */
const HASH_STEP_BYTES = 1024 * 1024;
/** Sequence set: magic, version, number of nodes, number of sequences. */
const SET_HEAD_BYTES = 10;
const SET_MAGIC = 22;
/** Bytes of one node, per version: base, bitmap words, height. */
const SET_NODE_BYTES: Readonly<Record<number, number>> = { 1: 8 + 64 * 8 + 2, 2: 8 + 32 * 8 + 2 };

/** The row's text; empty: nothing is logged. */
export function stateText({ row, detail }: StateFound): string {
  return STATE_ROWS[row].text?.(detail) ?? "";
}

export function notFound(row: StateRow, detail: string | number = ""): StateFound {
  return { row, state: null, detail: String(detail) };
}

/** @param stored the whole file; `BlockState.deletedSet` of the result are views of it, or of its decrypted form */
export function* decodeState(stored: Uint8Array, keys: StateKeys, visitor: SubjectVisitor, disk: BlockEvidence): Job<StateFound> {
  if (stored.length < SIZE_MIN) return notFound(StateRow.TooShort, stored.length);
  const sealed = stored.subarray(0, stored.length - HASH_BYTES);
  if (!(yield* hasChecksum(sealed, stored.subarray(sealed.length), keys))) return notFound(StateRow.ChecksumMismatch);
  const body = keys.cipher === null ? sealed : keys.cipher.open(sealed);
  if (body === null) return notFound(StateRow.Sealed);
  const version = body[1];
  if (body[0] !== STATE_MAGIC || !(version >= 1 && version <= STATE_VERSION)) return notFound(StateRow.Version);

  const reader = new BodyReader(body, 2);
  const state = new SavedState();
  state.messages = reader.number();
  state.bytes = reader.number();
  state.firstSequence = reader.number();
  const base = reader.signed();
  state.firstTime.setBigInt(base);
  state.lastSequence = reader.number();
  state.lastTime.setBigInt(reader.signed());

  const pace = new Pace();
  const subjects = reader.number();
  if (reader.isBroken || subjects > reader.left) return notFound(StateRow.SubjectCount, subjects);
  visitor.onSubjects(Math.min(subjects, Math.floor(reader.left / SUBJECT_BYTES_MIN)));
  for (let index = 0; index < subjects; index++) {
    const size = reader.number();
    if (reader.isBroken || size > reader.left) return notFound(StateRow.SubjectSize, size);
    // An empty subject has no numbers.
    if (size === 0) continue;
    const start = reader.at;
    const end = start + size;
    if (!isStoredSubject(body, start, end)) return notFound(StateRow.Subject);
    reader.at = end;
    const total = reader.number();
    const firstBlock = reader.number();
    const lastBlock = total > 1 || version >= 4 ? reader.number() : firstBlock;
    visitor.onSubject(body, start, end, total, firstBlock, lastBlock);
    if (pace.due()) yield PAUSE;
  }

  const blocks = reader.number();
  if (reader.isBroken || blocks > reader.left) return notFound(StateRow.BlockCount, blocks);
  for (let index = 0; index < blocks; index++) {
    const block = readBlock(reader, version, base);
    if (reader.isBroken) return notFound(StateRow.Block);
    if (block.deleted > 0 && !takeDeletedSet(reader, block)) return notFound(StateRow.DeletedSet);
    if (block.messages > 0 || index === blocks - 1) state.blocks.push(block);
    if (pace.due()) yield PAUSE;
  }

  const lastIndex = reader.number();
  if (reader.isBroken || reader.left < HASH_BYTES) return notFound(StateRow.NoLastHash);
  if (reader.isTooLarge) return notFound(StateRow.TooLarge);
  state.lastHash = body.slice(reader.at, reader.at + HASH_BYTES);
  return compare(state, lastIndex, disk);
}

/** Compares with the blocks on the disk. */
function compare(state: SavedState, lastIndex: number, disk: BlockEvidence): StateFound {
  const { blocks } = state;
  if (blocks.at(-1)?.index !== lastIndex) return notFound(StateRow.LastBlockUnlisted);
  const outdated = (row: StateRow, detail: number | string = "") => ({ row, state, detail: String(detail) });
  if (!disk.has(lastIndex)) return outdated(StateRow.LastBlockMissing, lastIndex);
  const lastHash = disk.lastHash(lastIndex);
  if (lastHash === null || Buffer.compare(lastHash, state.lastHash) !== 0) return outdated(StateRow.LastHash);
  if (disk.newest > lastIndex) return outdated(StateRow.NewerBlocks);
  const missing = blocks.find(({ index }) => !disk.has(index));
  if (missing !== undefined) return outdated(StateRow.BlockMissing, missing.index);
  return hasRightTotals(state) ? { row: StateRow.Valid, state, detail: "" } : notFound(StateRow.Totals);
}

/** A new store has 0 as its first sequence, its block 1: the first sequence is compared only if the blocks begin later. */
function hasRightTotals(state: SavedState): boolean {
  let [messages, bytes, first, last] = [0, 0, 0, 0];
  for (const block of state.blocks) {
    messages += block.messages;
    bytes += block.bytes;
    const isEarlier = block.firstSequence < first && (block.firstTime.high !== 0 || block.firstTime.low !== 0);
    if (first === 0 || isEarlier) first = block.firstSequence;
    last = Math.max(last, block.lastSequence);
  }
  if (messages !== state.messages || bytes !== state.bytes || last !== state.lastSequence) return false;
  return first <= 1 || first === state.firstSequence;
}

function readBlock(reader: BodyReader, version: number, base: bigint): BlockState {
  const block = new BlockState();
  block.index = reader.number();
  block.bytes = reader.number();
  block.firstSequence = reader.number();
  block.firstTime.setBigInt(reader.signed() + base);
  block.lastSequence = reader.number();
  block.lastTime.setBigInt(reader.signed() + base);
  block.deleted = reader.number();
  if (version >= 2) block.ttls = reader.number();
  if (version >= 3) block.schedules = reader.number();
  return block;
}

/** Takes the encoded set of a block. Its nodes are decoded by the sequence set; here they must be there, and count as many as the block says. */
function takeDeletedSet(reader: BodyReader, block: BlockState): boolean {
  const { body, at } = reader;
  if (reader.left < SET_HEAD_BYTES || body[at] !== SET_MAGIC) return false;
  const nodeBytes = SET_NODE_BYTES[body[at + 1]];
  if (nodeBytes === undefined) return false;
  const head = new DataView(body.buffer, body.byteOffset + at, SET_HEAD_BYTES);
  const size = SET_HEAD_BYTES + head.getUint32(2, true) * nodeBytes;
  if (size > reader.left || head.getUint32(6, true) !== block.deleted) return false;
  block.deletedSet = body.subarray(at, at + size);
  reader.at += size;
  return true;
}

function* hasChecksum(sealed: Uint8Array, expected: Uint8Array, { hasher, key }: StateKeys): Job<boolean> {
  hasher.start(key);
  for (let at = 0; at < sealed.length; at += HASH_STEP_BYTES) {
    hasher.update(sealed, at, Math.min(sealed.length, at + HASH_STEP_BYTES));
    yield PAUSE;
  }
  const hash = new Uint8Array(HASH_BYTES);
  hasher.finish(hash, 0);
  return Buffer.compare(hash, expected) === 0;
}

const enum Ascii {
  Tab = 9,
  LineFeed = 10,
  FormFeed = 12,
  CarriageReturn = 13,
  Space = 32,
  Dot = 46,
  Greater = 62,
}
const REPLACEMENT = Buffer.from("\ufffd");

/** Tokens without white space and zeros, none empty, `>` only as the last one, UTF-8 without replacement characters. */
function isStoredSubject(bytes: Uint8Array, start: number, end: number): boolean {
  let tokenStart = start;
  let highest = 0;
  for (let at = start; at <= end; at++) {
    const byte = at < end ? bytes[at] : Ascii.Dot;
    if (byte === Ascii.Dot) {
      if (at === tokenStart) return false;
      if (at === tokenStart + 1 && bytes[tokenStart] === Ascii.Greater && at < end) return false;
      tokenStart = at + 1;
    } else if (byte === 0 || byte === Ascii.Space || (byte >= Ascii.Tab && byte <= Ascii.CarriageReturn && byte !== 11)) return false;
    highest |= byte;
  }
  if (highest < 0x80) return true;
  const subject = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  return isUtf8(subject) && !subject.includes(REPLACEMENT);
}

/** Reads Go's variable length integers. After the end it returns 0 and `isBroken`. */
class BodyReader {
  isBroken = false;
  isTooLarge = false;

  constructor(
    readonly body: Uint8Array,
    public at: number,
  ) {}

  get left(): number {
    return this.body.length - this.at;
  }

  number(): number {
    const { body } = this;
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10 && this.at < body.length && !this.isBroken; count++) {
      const byte = body[this.at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (count === 9 && byte > 1) break;
        if (value > Number.MAX_SAFE_INTEGER) this.isTooLarge = true;
        return value;
      }
      factor *= 0x80;
    }
    this.isBroken = true;
    return 0;
  }

  signed(): bigint {
    let value = 0n;
    for (let count = 0; count < 10 && this.at < this.body.length && !this.isBroken; count++) {
      const byte = this.body[this.at++];
      value |= BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte < 0x80) {
        if (count === 9 && byte > 1) break;
        return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
      }
    }
    this.isBroken = true;
    return 0n;
  }
}
