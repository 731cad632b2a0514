/** As Go prints a time: RFC 3339 in UTC, no more digits than it needs. @param ms wall clock */
export function goTimeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
}
