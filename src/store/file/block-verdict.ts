/**
 * Decides, for one block that was scanned, whether its end is right, was torn by a crash, or is damaged.
 *
 *   0 ─────────── good records ─────────── scan.offset ─── bad record, zeros or end of the file
 *                     ▲ mark.offset                         before a mark: damage.  After it: a torn tail, which is cut.
 * A block fits a mark if a record ends at the mark's offset, with the mark's checksum of the length words. Rows, the first that applies:
 *
 *   fits     the scan ended    followed  verdict
 *   yes      in order          any       Whole
 *   yes      otherwise         no        TornTail: these bytes were never acknowledged
 *   yes      otherwise         yes       Damaged: everything before a marked block was durable, so the bytes after this block's older mark too
 *   no       before a mark     any       Damaged: acknowledged bytes are bad or missing
 *   no       after the marks   any       Damaged if only lengths differ at a mark's offset; otherwise the marks are ignored: nats-server has
 *                                        rewritten the block since
 *   no mark  in order          any       Whole
 *   no mark  otherwise         no        TornTail, as nats-server sees it
 *   no mark  otherwise         yes       Damaged
 * "In order" is the end of the file, or zeros up to it: space that was prepared. "Followed": a later block has a mark. Nothing of a damaged block is
 * deleted or overwritten: the store goes on in a new block.
 */
import type { BlockMark } from "./mark-file.ts";

/** Where a scan stopped. */
export enum ScanEnd {
  /** At the end of the file. */
  End = 0,
  /** Only zeros follow. */
  Zeros,
  /** A record is bad, cut, or cannot be decoded. */
  Bad,
}

/** The end of a good record. */
export interface Boundary {
  readonly offset: number;
  /** Checksum of the length words up to here. */
  readonly lengthsHigh: number;
  readonly lengthsLow: number;
  /** The highest sequence of these records, tombstones not counted. */
  readonly lastSequence: number;
}

/** What the scan of a block found, in its decrypted, decompressed form. */
export interface BlockScan {
  /** Bytes of good records from the beginning. */
  readonly offset: number;
  readonly lastSequence: number;
  readonly end: ScanEnd;
  /** The boundaries at those offsets of the block's marks at which a good record ends. */
  readonly boundaries: readonly Boundary[];
  /** Whether a record was erased in place, so that its lengths have changed: a bit 63 record of more than 30 bytes. */
  readonly hasErased: boolean;
}

export enum Verdict {
  Whole = 0,
  /** Cut the block at `scan.offset`. */
  TornTail,
  Damaged,
}

export interface BlockVerdict {
  readonly verdict: Verdict;
  /** Why it is damaged, for the log; empty: it is not. */
  readonly text: string;
  /** Sequences from `lostFrom` to `lostTo` may be lost, as far as they are not read behind the damage. Both 0: none, or it is not known which. */
  readonly lostFrom: number;
  readonly lostTo: number;
  /** The block has marks that say nothing about it. */
  readonly ignoresMarks: boolean;
}

/**
 * @param marks of this block, see `MarkFile.marksOf`
 * @param isFollowed a later block has a mark, see `MarkFile.newestBlock`
 */
export function judgeBlock(marks: readonly BlockMark[], scan: BlockScan, isFollowed: boolean): BlockVerdict {
  if (marks.length === 0 || marks.some(mark => fits(mark, scan))) return judgeEnd(scan, isFollowed, false);
  const durable = Math.max(...marks.map(({ offset }) => offset));
  const lastSequence = Math.max(...marks.map(mark => mark.lastSequence));
  if (scan.offset < durable && (scan.end !== ScanEnd.End || scan.lastSequence < lastSequence)) {
    return damaged(`it is readable up to ${scan.offset}, but ${durable} bytes were durable`, scan.lastSequence + 1, lastSequence);
  }
  const changed = !scan.hasErased && marks.some(mark => scan.boundaries.some(boundary => boundary.offset === mark.offset));
  if (changed) return damaged("the lengths in a record have changed", 0, 0);
  return judgeEnd(scan, isFollowed, true);
}

/** What is behind the marks, or without them. */
function judgeEnd(scan: BlockScan, isFollowed: boolean, ignoresMarks: boolean): BlockVerdict {
  if (scan.end !== ScanEnd.Bad) return { ...WHOLE, ignoresMarks };
  if (!isFollowed) return { ...WHOLE, verdict: Verdict.TornTail, ignoresMarks };
  return { ...damaged(`a record at ${scan.offset} is bad`, 0, 0), ignoresMarks };
}

const WHOLE: BlockVerdict = { verdict: Verdict.Whole, text: "", lostFrom: 0, lostTo: 0, ignoresMarks: false };

function damaged(text: string, from: number, to: number): BlockVerdict {
  const isKnown = from > 0 && from <= to;
  return { verdict: Verdict.Damaged, text, lostFrom: isKnown ? from : 0, lostTo: isKnown ? to : 0, ignoresMarks: false };
}

function fits(mark: BlockMark, { boundaries }: BlockScan): boolean {
  return boundaries.some(
    ({ offset, lengthsHigh, lengthsLow }) => offset === mark.offset && lengthsHigh === mark.lengthsHigh && lengthsLow === mark.lengthsLow,
  );
}
