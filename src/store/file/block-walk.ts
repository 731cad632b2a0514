/**
 * The walk over a block's content that was read from its file, for recovery and for loading.
 *
 *   run     ─▶ good records up to the first bad one ─▶ BlockScan, with a boundary at each mark ─▶ block-verdict.ts
 *   behind  ─▶ good records behind the damage, and which sequences were between
 */
import { PAUSE, type Sliced } from "../../base/scheduling/sliced.ts";
import type { HashKey } from "../block/hash-key.ts";
import { RecordFault, RecordKind } from "../block/record-format.ts";
import type { RecordHasher } from "../block/record-hasher.ts";
import { RecordScan } from "../block/record-scan.ts";
import type { RecordView } from "../block/record-view.ts";
import { type BlockScan, type Boundary, ScanEnd } from "./block-verdict.ts";
import type { BlockMark } from "./mark-file.ts";

/** Bytes of records between two pauses. */
const STEP_BYTES = 256 * 1024;

export class BlockWalk {
  private readonly scan: RecordScan;
  private hasErased = false;

  /**
   * @param bytes the block, decrypted and decompressed; borrowed
   * @param size bytes of it that were read
   * @param onRecord a good record; reused for the next one
   */
  constructor(
    hasher: RecordHasher,
    key: HashKey,
    bytes: Uint8Array,
    private readonly size: number,
    private readonly onRecord: (record: RecordView) => void,
  ) {
    this.scan = new RecordScan(hasher, key, bytes, 0, 0, { onRecord: record => this.visit(record) });
  }

  /** Checksum of the length words of the good records, up to the first bad one. */
  get lengths(): { readonly high: number; readonly low: number } {
    return this.scan.lengths;
  }

  /** @param marks of the block */
  *run(marks: readonly BlockMark[]): Sliced<BlockScan> {
    const { scan, size } = this;
    const boundaries: Boundary[] = [];
    const ends = new Set(marks.map(({ offset }) => offset).filter(offset => offset < size));
    for (const end of [...ends].sort((a, b) => a - b).concat(size)) {
      scan.end = end;
      while (scan.step(STEP_BYTES)) yield PAUSE;
      if (scan.position === end) {
        const { high, low } = scan.lengths;
        boundaries.push({ offset: end, lengthsHigh: high, lengthsLow: low, lastSequence: scan.lastSequence });
      } else if (scan.fault !== RecordFault.Cut) break; // a mark of other content can end within a record
    }
    scan.end = size;
    return {
      offset: scan.position,
      lastSequence: scan.lastSequence,
      end: this.endOfScan(),
      boundaries,
      hasErased: this.hasErased,
    };
  }

  /**
   * Goes on behind damage, to the end of the block.
   * @param sequenceMax no record can have a larger sequence
   * @param onGap sequences that are missing between the records before and behind damage
   */
  *behind(sequenceMax: number, onGap: (first: number, last: number) => void): Sliced<void> {
    const { scan } = this;
    while (scan.position < this.size) {
      const before = scan.lastSequence;
      let isFirst = true;
      this.onBehind = record => {
        if (!isFirst || record.kind === RecordKind.Tombstone) return;
        isFirst = false;
        onGap(before + 1, record.sequence - 1);
      };
      if (!scan.skipDamage(sequenceMax)) return;
      while (scan.step(STEP_BYTES)) yield PAUSE;
    }
  }

  private onBehind: (record: RecordView) => void = () => {};

  private visit(record: RecordView): void {
    if (record.kind === RecordKind.Erased) this.hasErased = true;
    this.onBehind(record);
    this.onRecord(record);
  }

  private endOfScan(): ScanEnd {
    const { scan } = this;
    if (scan.position === this.size) return ScanEnd.End;
    return scan.fault === RecordFault.Zero && scan.endsInZeros ? ScanEnd.Zeros : ScanEnd.Bad;
  }
}
