/** Times as Go prints them: RFC 3339 in UTC, with as many digits of the fraction as needed. @param ms wall clock; fractions are dropped */
export function goTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
}
