import { readFileSync } from "node:fs";

/** How many files and sockets this process may have open: the soft limit; null when it cannot be read. */
export function descriptorLimit(): number | null {
  try {
    const line = readFileSync("/proc/self/limits", "utf8").match(/^Max open files\s+(\d+)/m);
    return line === null ? null : Number(line[1]);
  } catch {
    return null;
  }
}
