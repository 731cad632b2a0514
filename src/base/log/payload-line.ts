/** The text of a payload in the trace log, in the reference's format. Source: core §9.4. */
import { quote } from "../bytes/ascii.ts";

export interface PayloadLineOptions {
  /** Traces show only the headers of messages. */
  readonly traceHeaders: boolean;
  /** Bytes of a message that traces show; 0: all. */
  readonly tracedBytesMax: number;
}

/**
 * `MSG_PAYLOAD: ["…"]`: at most `max_traced_msg_len` bytes, with `trace_headers` only of the headers.
 * @param headerSize bytes of the message that are headers; 0 or -1: none
 * @returns null when there is nothing to show
 */
export function payloadLine(
  options: PayloadLineOptions,
  source: Uint8Array,
  headerSize: number,
  start: number,
  end: number,
): string | null {
  let stop = end;
  if (options.traceHeaders) {
    if (headerSize <= 0) return null;
    stop = start + headerSize;
  }
  if (stop === start) return null;
  const most = options.tracedBytesMax;
  const cut = most > 0 && stop - start > most;
  const text = quote(source, start, cut ? start + most : stop);
  return `MSG_PAYLOAD: [${cut ? `${text.slice(0, -1)}..."` : text}]`;
}
