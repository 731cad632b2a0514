/** Bytes as the reference prints them in its log: `17.66 GB`, `512 B`; units are powers of 1024. */
const UNITS = ["K", "M", "G", "T", "P", "E"];
const UNIT = 1_024;

/** @param size a bigint beyond 2^53 */
export function friendlyBytes(size: number | bigint): string {
  const bytes = Number(size);
  if (bytes < UNIT) return `${bytes} B`;
  const power = Math.floor(Math.log(bytes) / Math.log(UNIT));
  return `${(bytes / UNIT ** power).toFixed(2)} ${UNITS[power - 1]}B`;
}
