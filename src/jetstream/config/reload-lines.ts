/** The log lines of a reload that changed JetStream's options, with the reference's texts. */
import { isDeepStrictEqual } from "node:util";
import { friendlyBytes } from "./friendly-bytes.ts";
import type { JetStreamOptions } from "./jetstream-options.ts";

/** @param after accepted by the reload */
export function reloadLines(before: JetStreamOptions, after: JetStreamOptions): readonly string[] {
  const lines = before.enabled === after.enabled ? [] : ["Reloaded: JetStream"];
  if (before.enabled && after.enabled) {
    const grown = (old: number | null, fresh: number | null) => old !== null && fresh !== null && fresh > old;
    if (grown(before.memoryBytesMax, after.memoryBytesMax)) {
      lines.push(`Reloaded: JetStream max_mem_store = ${friendlyBytes(after.memoryBytesMax!)}`);
    }
    if (grown(before.fileBytesMax, after.fileBytesMax)) {
      lines.push(`Reloaded: JetStream max_file_store = ${friendlyBytes(after.fileBytesMax!)}`);
    }
  }
  if (!isDeepStrictEqual(before.limits, after.limits)) lines.push("Reloaded: JetStream limits");
  return lines;
}
