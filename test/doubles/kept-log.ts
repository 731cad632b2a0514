import type { OcspLog } from "../../src/wire/transport/tls/ocsp/ocsp-rules.ts";

/** Keeps the lines logged, as `WRN text`. */
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

  /** @returns the lines logged since the last call */
  take(): string[] {
    return this.lines.splice(0);
  }
}
