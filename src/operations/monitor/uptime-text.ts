/** `1y2d3h4m5s`, without leading zero units. */
export function uptimeText(ms: number): string {
  const seconds = Math.max(0, Math.trunc(ms / 1000));
  const minutes = Math.trunc(seconds / 60);
  const hours = Math.trunc(minutes / 60);
  const days = Math.trunc(hours / 24);
  const years = Math.trunc(days / 365);
  const parts = [`${years}y`, `${days % 365}d`, `${hours % 24}h`, `${minutes % 60}m`, `${seconds % 60}s`];
  if (years === 0) parts[1] = `${days}d`;
  const first = years > 0 ? 0 : days > 0 ? 1 : hours > 0 ? 2 : minutes > 0 ? 3 : 4;
  return parts.slice(first).join("");
}
