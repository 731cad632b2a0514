/**
 * Writes metrics for Prometheus: in its text format, or in OpenMetrics when the scraper requests it.
 *
 *   # HELP gnatsd_varz_mem resident memory, bytes
 *   # TYPE gnatsd_varz_mem gauge
 *   gnatsd_varz_mem{server_id="NA…"} 5.1e7
 * All samples of a name must be adjacent, so they are grouped by name first. Everything is a gauge, like most of the exporter's metrics:
 * OpenMetrics allows counters only under names ending in `_total`, and the exporter's names do not.
 */

import type { HttpAnswer } from "../http/http-answer.ts";

export type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly help: string;
  readonly lines: string[];
}

const TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/** Units with which OpenMetrics allows a name to end. */
const UNITS = ["bytes", "seconds"];

/** Length of a piece of text from which it is handed on, in characters. */
const PIECE_CHARS = 16 * 1024;

export class Exposition {
  private readonly families = new Map<string, Family>();

  /** Adds one sample. The first sample of a name sets its help text. */
  add(name: string, help: string, labels: Labels, value: number): void {
    let family = this.families.get(name);
    if (family === undefined) {
      family = { help, lines: [] };
      this.families.set(name, family);
    }
    family.lines.push(`${name}{${labelText(labels)}} ${value}`);
  }

  /** @param accept the request's Accept header */
  answer(accept: string): HttpAnswer {
    const open = accept.includes("application/openmetrics-text");
    return { status: 200, headers: { "Content-Type": open ? OPEN_METRICS_TYPE : TEXT_TYPE }, body: this.pieces(open) };
  }

  private *pieces(open: boolean): Generator<string, void> {
    let text = "";
    for (const [name, { help, lines }] of this.families) {
      text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} gauge\n`;
      const unit = open ? UNITS.find(one => name.endsWith(`_${one}`)) : undefined;
      if (unit !== undefined) text += `# UNIT ${name} ${unit}\n`;
      for (const line of lines) {
        text += `${line}\n`;
        if (text.length < PIECE_CHARS) continue;
        yield text;
        text = "";
      }
    }
    yield open ? `${text}# EOF\n` : text;
  }
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(",");
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
