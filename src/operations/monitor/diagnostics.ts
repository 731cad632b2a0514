/**
 * Diagnostics: `/ipqueuesz`, `/stacksz`, `/debug/vars`. The reference shows its goroutines and the queues between them; here one
 * event loop does everything, so there are no queues, one stack, and a list of what waits on that loop. Objects are not counted: that
 * takes the runtime 100 ms per million.
 */
import { compactGoJson } from "../../base/go/json-writer.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import { type Fields, jsonAnswer, jsonText, type MonitorContext } from "./endpoint.ts";
import type { Query } from "./query.ts";

export function ipqueuesz(_context: MonitorContext, query: Query): HttpAnswer {
  query.flag("all");
  return jsonAnswer(ipqueueszOf(), 3);
}

/** Always empty: the only queues are those of the sockets. */
export function ipqueueszOf(): Fields {
  return {};
}

export function stacksz({ server }: MonitorContext): HttpAnswer {
  const stack = new Error().stack?.split("\n").slice(1).join("\n") ?? "";
  const { connections, turn } = server;
  const waiting = `waiting on the event loop:\n  connections: ${connections.size}\n  timers: ${turn.timers.size}\n`;
  return jsonText(`event loop [running]:\n${stack}\n\n${waiting}`);
}

/** Go's expvar: command line and memory, one variable per line. */
export function debugVars(): HttpAnswer {
  const cmdline = JSON.stringify(process.argv);
  const text = `{\n"cmdline": ${cmdline},\n"memstats": ${compactGoJson(memoryStats())}\n}\n`;
  return { status: 200, headers: { "Content-Type": "application/json; charset=utf-8" }, body: text };
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
  return {
    Alloc: heapUsed,
    TotalAlloc: heapUsed,
    Sys: rss,
    Lookups: 0,
    Mallocs: 0,
    Frees: 0,
    HeapAlloc: heapUsed,
    HeapSys: heapTotal,
    HeapIdle: Math.max(0, heapTotal - heapUsed),
    HeapInuse: heapUsed,
    HeapReleased: 0,
    HeapObjects: 0,
    StackInuse: 0,
    StackSys: 0,
    MSpanInuse: 0,
    MSpanSys: 0,
    MCacheInuse: 0,
    MCacheSys: 0,
    BuckHashSys: 0,
    GCSys: 0,
    OtherSys: external,
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
