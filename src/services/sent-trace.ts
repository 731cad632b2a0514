/**
 * Traces messages of the server itself, as the reference traces those of its system client:
 *
 *   SYSTEM - <<- [PUB <subject> <reply> <size>]
 *   SYSTEM - <<- MSG_PAYLOAD: ["…"]
 * Only with `trace_verbose`.
 */
import { encode } from "../base/bytes/ascii.ts";
import type { Logger } from "../base/log/logger.ts";
import { type PayloadLineOptions, payloadLine } from "../base/log/payload-line.ts";

export interface SentTraceHost {
  readonly log: Logger;
  /** Read at each use, because a reload may change them. */
  readonly options: PayloadLineOptions & { readonly traceVerbose: boolean };
}

export class SentTrace {
  constructor(private readonly host: SentTraceHost) {}

  get enabled(): boolean {
    const { log, options } = this.host;
    return log.traceEnabled && options.traceVerbose;
  }

  /** Logs a message without a reply. */
  write(subject: string, header: Uint8Array | null, payload: string | Uint8Array): void {
    const { log, options } = this.host;
    const body = typeof payload === "string" ? encode(payload) : payload;
    const message = header === null ? body : Buffer.concat([header, body]);
    log.trace(`SYSTEM - <<- [PUB ${subject}  ${message.length}]`);
    const line = payloadLine(options, message, header?.length ?? 0, 0, message.length);
    if (line !== null) log.trace(`SYSTEM - <<- ${line}`);
  }
}
