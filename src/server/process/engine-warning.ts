/**
 * Whether JavaScriptCore can compile to machine code. It needs memory that is writable and executable; where the system denies that
 * (MemoryDenyWriteExecute of systemd, some policies of SELinux) it interprets everything, about six times slower, and says nothing.
 */
import { readFileSync } from "node:fs";

export const NO_COMPILER =
  "The JavaScript engine runs without its compiler, about six times slower: the system denies memory that is writable and executable (MemoryDenyWriteExecute of systemd)";

/** @param maps replaced in tests @returns true where the system does not tell */
export function hasCompiler(maps = "/proc/self/maps"): boolean {
  let text: string;
  try {
    text = readFileSync(maps, "utf8");
  } catch {
    return true;
  }
  return /^\S+ rwxp /m.test(text);
}
