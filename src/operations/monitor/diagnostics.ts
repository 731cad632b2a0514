/**
 * Diagnostics: `/ipqueuesz`, `/stacksz`, `/debug/vars`. The reference shows its goroutines and the queues between them; here one
 * event loop does everything, so there are no queues, one stack, and a list of what waits on that loop.
 */
import { heapStats } from "bun:jsc";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { type Fields, jsonResponse, jsonText, type MonitorContext } from "./endpoint.ts";
import type { Query } from "./query.ts";

export function ipqueuesz(_context: MonitorContext, query: Query): Response {
  query.flag("all");
  return jsonResponse(ipqueueszOf(), 3);
}

/** Always empty: the only queues are those of the sockets. */
export function ipqueueszOf(): Fields {
  return {};
}

export function stacksz({ server }: MonitorContext): Response {
  const stack = new Error().stack?.split("\n").slice(1).join("\n") ?? "";
  const { connections, turn } = server;
  const lines = [
    `event loop [running]:`,
    stack,
    "",
    "waiting on the event loop:",
    `  connections: ${connections.size}`,
    `  timers: ${turn.timers.size}`,
  ];
  for (const [type, count] of Object.entries(heapStats().protectedObjectTypeCounts)) lines.push(`  ${type}: ${count}`);
  return jsonText(`${lines.join("\n")}\n`);
}

/** Go's expvar: command line and memory, one variable per line. */
export function debugVars(): Response {
  const cmdline = JSON.stringify(process.argv);
  const text = `{\n"cmdline": ${cmdline},\n"memstats": ${compactGoJson(memoryStats())}\n}\n`;
  return new Response(text, { headers: { "Content-Type": "application/json; charset=utf-8" } });
}

/** The same for the system service. */
export function expvarzOf(): Fields {
  return { memstats: memoryStats(), cmdline: process.argv };
}

/** Size of the ring with the last pauses of Go's garbage collector. */
const PAUSES = Array<number>(256).fill(0);

/** Memory figures under Go's names, which tools read; 0 where JavaScriptCore has no equivalent. */
function memoryStats(): Fields {
  const { heapUsed, heapTotal, rss, external } = process.memoryUsage();
  const { objectCount, extraMemorySize } = heapStats();
  return {
    Alloc: heapUsed,
    TotalAlloc: heapUsed,
    Sys: rss,
    Lookups: 0,
    Mallocs: objectCount,
    Frees: 0,
    HeapAlloc: heapUsed,
    HeapSys: heapTotal,
    HeapIdle: Math.max(0, heapTotal - heapUsed),
    HeapInuse: heapUsed,
    HeapReleased: 0,
    HeapObjects: objectCount,
    StackInuse: 0,
    StackSys: 0,
    MSpanInuse: 0,
    MSpanSys: 0,
    MCacheInuse: 0,
    MCacheSys: 0,
    BuckHashSys: 0,
    GCSys: 0,
    OtherSys: extraMemorySize + external,
    NextGC: 0,
    LastGC: 0,
    PauseTotalNs: 0,
    PauseNs: PAUSES,
    PauseEnd: PAUSES,
    NumGC: 0,
    NumForcedGC: 0,
    GCCPUFraction: 0,
    EnableGC: true,
    DebugGC: false,
    BySize: [],
  };
}
