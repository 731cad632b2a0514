import type { OcspLog } from "../../src/wire/transport/tls/ocsp/ocsp-rules.ts";

/** Keeps what it is told, as `WRN text`. */
export class KeptLog implements OcspLog {
  readonly lines: string[] = [];

  notice(text: string): void {
    this.lines.push(`INF ${text}`);
  }
  warn(text: string): void {
    this.lines.push(`WRN ${text}`);
  }
  error(text: string): void {
    this.lines.push(`ERR ${text}`);
  }
  debug(text: string): void {
    this.lines.push(`DBG ${text}`);
  }

  /** What was told since the last time. */
  take(): string[] {
    return this.lines.splice(0);
  }
}
