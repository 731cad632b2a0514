/**
 * Profiles over HTTP, on their own port (`prof_port`), under the paths of Go's pprof.
 *
 *   /debug/pprof/                   index
 *   /debug/pprof/profile?seconds=N  CPU profile of the next N seconds   .cpuprofile      ┐ Chrome's developer tools
 *   /debug/pprof/heap               heap snapshot with retainers        .heapsnapshot    ┘ open both
 *   /debug/pprof/cmdline, /debug/vars
 * The formats are the runtime's own, because Go's formats describe Go. Profiles that the runtime lacks (block, mutex, goroutine, trace …)
 * are answered like an unknown name. Nothing is measured without a request. A heap profile contains what is in memory, without secrets
 * as far as they are known (heap-profile.ts); other hosts get none unless the options allow it. It stops the server while it is taken.
 */
import { posix } from "node:path";
import type { Clock } from "../../base/clock/clock.ts";
import type { Descriptors } from "../../wire/transport/descriptors.ts";
import { type Answering, errorText, type HttpAnswer, html, notFound, plainText, redirect } from "../http/http-answer.ts";
import { HttpListener } from "../http/http-listener.ts";
import type { HttpRequest } from "../http/http-request.ts";
import { type CpuProfiler, ProfileRunning } from "./cpu-profile.ts";
import { debugVars } from "./diagnostics.ts";
import { heapProfile } from "./heap-profile.ts";
import type { MonitorState } from "./monitored-server.ts";

const ROOT = "/debug/pprof/";
const SECONDS_INITIAL = 30;
/** Longest profile, because its samples are kept in memory. */
const SECONDS_MAX = 600;

export interface ProfiledServer {
  readonly log: { error(text: string): void; warnRateLimited(text: string): void };
  readonly options: { readonly profilingRemote: boolean };
  readonly cpuProfiler: CpuProfiler;
  /** Texts in memory that no profile may contain. */
  secrets(): Iterable<string>;
  readonly clock: Clock;
  readonly monitoring: MonitorState;
  readonly descriptors: Descriptors;
}

export class Profiler {
  readonly port: number;
  private readonly server: ProfiledServer;
  private readonly listener: HttpListener;
  /** Ends running profiles. */
  private readonly stopped = new AbortController();

  /** Starts listening; 0: any free port. @throws the system's error when the port cannot be bound */
  constructor(server: ProfiledServer, host: string, port: number) {
    this.server = server;
    this.listener = new HttpListener({
      host,
      port,
      tls: null,
      clock: server.clock,
      scheduler: server.monitoring.scheduler,
      longAnswers: server.monitoring.longAnswers,
      descriptors: server.descriptors,
      answer: request => this.answer(request),
      onDefect: error => server.log.error(`profiling: ${error.stack ?? error.message}`),
      onHandshakeFailed() {},
      onRefused: () => server.log.warnRateLimited("profiling: connections refused: too many open files"),
    });
    this.port = this.listener.port;
  }

  stop(): void {
    this.stopped.abort();
    this.listener.stop();
  }

  private answer(request: HttpRequest): Answering {
    const { path, query } = request;
    const search = query === "" ? "" : `?${query}`;
    const clean = posix.normalize(path);
    if (clean !== path) return redirect(`${encodeURI(clean)}${search}`);
    if (path === "/debug/vars") return debugVars();
    if (`${path}/` === ROOT) return redirect(`${ROOT}${search}`);
    if (!path.startsWith(ROOT)) return notFound();
    if (!isLoopback(request.peer) && !this.server.options.profilingRemote) {
      return refusal("profiles are only available on this host; `prof_remote: true` allows other hosts", 403);
    }
    const seconds = request.params().get("seconds") ?? "";
    switch (path.slice(ROOT.length)) {
      case "":
        return page();
      case "cmdline":
        return plainText(process.argv.join("\0"), 200);
      case "profile":
        return this.cpuProfile(secondsOf(seconds), request.signal);
      case "heap":
        return this.heap(seconds);
      default:
        return refusal("Unknown profile", 404);
    }
  }

  /** @param seconds requested delta profile, which the runtime does not support */
  private heap(seconds: string): HttpAnswer {
    if (seconds === "") return attachment(heapProfile(this.server.secrets()), "heap.heapsnapshot");
    const valid = /^\+?\d+$/.test(seconds) && Number(seconds) > 0;
    return refusal(
      valid ? '"seconds" parameter is not supported for this profile type' : 'invalid value for "seconds" - must be a positive integer',
      400,
    );
  }

  /** Profiles for the requested time, or until the requester disconnects. */
  private async cpuProfile(seconds: number, signal: AbortSignal): Promise<HttpAnswer> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.server.clock.after(seconds * 1_000, resolve);
    const end = AbortSignal.any([signal, this.stopped.signal]);
    end.addEventListener("abort", () => resolve(), { once: true });
    try {
      return attachment(await this.server.cpuProfiler.record(promise), "profile.cpuprofile");
    } catch (error) {
      if (!(error instanceof ProfileRunning)) throw error;
      return refusal("Could not enable CPU profiling: cpu profiling already in use", 500);
    } finally {
      cancel();
    }
  }
}

/** A peer on this host: profiles hold what is in the server's memory. */
function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function secondsOf(text: string): number {
  const seconds = /^[+-]?\d+$/.test(text) ? Number(text) : 0;
  return seconds <= 0 ? SECONDS_INITIAL : Math.min(seconds, SECONDS_MAX);
}

function attachment(body: string | Uint8Array, name: string): HttpAnswer {
  const headers = {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `attachment; filename="${name}"`,
    "X-Content-Type-Options": "nosniff",
  };
  return { status: 200, headers, body };
}

function refusal(text: string, status: number): HttpAnswer {
  return errorText(text, status, { "X-Go-Pprof": "1" });
}

function page(): HttpAnswer {
  const text = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>/debug/pprof/</title></head>
  <body>
    <h1>/debug/pprof/</h1>
    <ul>
      <li><a href="profile">profile</a>: CPU, ${SECONDS_INITIAL} s or <code>?seconds=N</code>; open it in Chrome's developer tools, Performance</li>
      <li><a href="heap">heap</a>: the objects in memory; open it in Chrome's developer tools, Memory</li>
      <li><a href="cmdline">cmdline</a>: the command line</li>
      <li><a href="../vars">/debug/vars</a>: memory in numbers</li>
    </ul>
  </body>
</html>
`;
  return html(text, { "X-Content-Type-Options": "nosniff" });
}
