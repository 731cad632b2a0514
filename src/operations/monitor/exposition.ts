/**
 * Writes metrics for Prometheus: in its text format, or in OpenMetrics when the scraper requests it.
 *
 *   # HELP gnatsd_varz_mem resident memory, bytes
 *   # TYPE gnatsd_varz_mem gauge
 *   gnatsd_varz_mem{server_id="NA…"} 5.1e7
 * All samples of a name must be adjacent, so they are grouped by name first. Everything is a gauge, like most of the exporter's metrics:
 * OpenMetrics allows counters only under names ending in `_total`, and the exporter's names do not.
 */

export type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly help: string;
  readonly lines: string[];
}

const TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/** Units with which OpenMetrics allows a name to end. */
const UNITS = ["bytes", "seconds"];

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
  response(accept: string): Response {
    const open = accept.includes("application/openmetrics-text");
    return new Response(this.text(open), { headers: { "Content-Type": open ? OPEN_METRICS_TYPE : TEXT_TYPE } });
  }

  private text(open: boolean): string {
    const lines: string[] = [];
    for (const [name, { help, lines: samples }] of this.families) {
      lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} gauge`);
      const unit = open ? UNITS.find(one => name.endsWith(`_${one}`)) : undefined;
      if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`);
      for (const sample of samples) lines.push(sample);
    }
    if (open) lines.push("# EOF");
    return `${lines.join("\n")}\n`;
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
