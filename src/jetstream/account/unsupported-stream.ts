/**
 * Streams on the disk that need what this version does not have. nats-server may have written them; nothing of theirs is ignored:
 *
 *   asks for a later feature               offline: `unsupported - mirrors are not supported by this server yet`
 *   retention interest, with consumers     offline: `stopped - unsupported consumer "C"`, because new messages would be dropped
 *   another retention, with consumers      served, with a warning: its messages stay for them, and their files are not touched
 * Source: the reference's texts for streams and consumers of a newer server.
 */
import { quoted } from "../../base/go/strconv.ts";
import { laterFeature } from "../config/later-features.ts";
import type { StreamConfig } from "../config/stream-config.ts";

const DECODING_ERROR = "decoding error: ";

export interface UnsupportedVerdict {
  /** Why the stream is offline; null: it is served. */
  readonly reason: string | null;
  /** Lines for the log, warnings. */
  readonly warnings: readonly string[];
}

/** @param consumers names of those on the disk */
export function judgeUnsupported(account: string, config: StreamConfig, consumers: readonly string[]): UnsupportedVerdict {
  const label = `${account} > ${config.name}`;
  const feature = laterFeature(config);
  if (feature !== null) {
    const reason = `unsupported - ${feature} are not supported by this server yet`;
    return { reason, warnings: [detectedLine(label, reason)] };
  }
  const [first] = consumers;
  if (first === undefined) return { reason: null, warnings: [] };
  const warnings = consumers.map(
    name => `  Detected unsupported consumer '${label} > ${name}': consumers are not supported by this server yet`,
  );
  if (config.retention !== "interest") return { reason: null, warnings };
  return { reason: `stopped - unsupported consumer ${quoted(first)}`, warnings: [...warnings, `  Stopping unsupported stream '${label}'`] };
}

/** The warning for a stream whose configuration was read as far as possible. */
export function offlineLine(label: string, metafile: string, reason: string): string {
  const fault = reason.startsWith(DECODING_ERROR) ? reason.slice(DECODING_ERROR.length) : null;
  return fault === null ? detectedLine(label, reason) : `  Error unmarshalling stream metafile ${quoted(metafile)}: ${fault}`;
}

function detectedLine(label: string, reason: string): string {
  return `  Detected unsupported stream '${label}': ${reason}`;
}
