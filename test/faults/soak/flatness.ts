/** What is measured once a minute, and whether it stays flat over the whole run. */
export interface Minute {
  /** Resident memory of the server at the end of a quiet time, MB. */
  rssMb: number;
  /** Open descriptors of the server, likewise. */
  descriptors: number;
  /** The bystander's PINGs while the attacker plays, and in the quiet time: p99, ms. */
  attackedMs: number;
  quietMs: number;
}

/** With fewer minutes than this there is no beginning to compare the end with. */
export const MINUTES_MIN = 6;

/** Growth from the first third to the last that is noise: a factor, and an amount on top. */
const GROWTH: Record<keyof Minute, { factor: number; more: number; unit: string }> = {
  rssMb: { factor: 1.15, more: 40, unit: "MB" },
  descriptors: { factor: 1, more: 5, unit: "descriptors" },
  attackedMs: { factor: 1.5, more: 10, unit: "ms of p99 beside the attacker" },
  quietMs: { factor: 1.5, more: 2, unit: "ms of p99 in quiet times" },
};

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1]!;
}

/** What has grown, in words. The median of the last third of the minutes is compared with that of the first. */
export function growth(minutes: readonly Minute[]): string[] {
  if (minutes.length < MINUTES_MIN) return [];
  const third = Math.floor(minutes.length / 3);
  const [first, last] = [minutes.slice(0, third), minutes.slice(-third)];
  const grown: string[] = [];
  for (const [name, { factor, more, unit }] of Object.entries(GROWTH)) {
    const of = (some: readonly Minute[]) => median(some.map(minute => minute[name as keyof Minute]));
    if (of(last) > of(first) * factor + more) grown.push(`from ${of(first).toFixed(1)} to ${of(last).toFixed(1)} ${unit}`);
  }
  return grown;
}
