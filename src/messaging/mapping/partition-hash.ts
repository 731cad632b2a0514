/**
 * The hash that `partition(…)` and its relatives use: FNV-1a, 32 bits. It is public, because every server must compute the same partition,
 * so it must not be used for hash tables.
 */
export const PARTITION_HASH_START = 0x811c9dc5 | 0;
const PRIME = 0x01000193;

export function partitionHashStep(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, PRIME);
}
