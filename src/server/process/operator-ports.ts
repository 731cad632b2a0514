/** The ports for operators: monitoring over http or https, and profiling. */

import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import type { Monitor } from "../../operations/monitor/monitor.ts";
import type { MonitoredServer } from "../../operations/monitor/monitored-server.ts";
import type { ProfiledServer, Profiler } from "../../operations/monitor/profiler.ts";
import type { Descriptors } from "../../wire/transport/descriptors.ts";
import { bindHost, hostPort } from "../../wire/transport/host-port.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import { loadTls } from "../shard/load-tls.ts";
import { listenErrorText, StartError } from "../shard/server-errors.ts";

export class OperatorPorts {
  monitor: Monitor | null = null;
  profiler: Profiler | null = null;
  private readonly server: MonitoredServer & ProfiledServer & { readonly descriptors: Descriptors };

  constructor(server: OperatorPorts["server"]) {
    this.server = server;
  }

  /** @throws StartError when a port cannot be bound, or the certificate of https cannot be used */
  startMonitor(options: Options): void {
    const { host, httpHost, httpPort, httpsHost, httpsPort, tls } = options;
    if (httpPort !== null) this.listen(httpHost ?? host, httpPort, null);
    if (httpsPort !== null) this.listen(httpsHost ?? host, httpsPort, loadTls(tls, null));
  }

  private listen(host: string, port: number, tls: TlsContext | null): void {
    const { Monitor } = monitorModule();
    try {
      this.monitor = bindHost(host, bindHost => new Monitor(this.server, host, bindHost, port, tls));
    } catch (error) {
      const text = listenErrorText(host, port, error);
      throw new StartError(`Can't start monitoring: can't listen to the monitor port: ${text}`, { cause: error });
    }
    this.server.log.notice(`Starting ${tls === null ? "http" : "https"} monitor on ${hostPort(host, this.monitor.port)}`);
  }

  /** @throws StartError when the port cannot be bound */
  startProfiler({ host, profilingPort, profilingBlockRate }: Options): void {
    if (profilingPort !== null) {
      const { Profiler } = profilerModule();
      try {
        this.profiler = bindHost(host, bindHost => new Profiler(this.server, bindHost, profilingPort));
      } catch (error) {
        throw new StartError(`error starting profiler: ${listenErrorText(host, profilingPort, error)}`, { cause: error });
      }
      this.server.log.notice(`profiling port: ${this.profiler.port}`);
    }
    warnOfBlockProfiling(this.server.log, profilingBlockRate);
  }

  /** Sets the certificate for https, which is the client port's. */
  updateTls(tls: TlsContext | null): void {
    if (tls !== null && this.monitor?.secure) this.monitor.updateTls(tls);
  }

  /** Closes the ports and their connections. */
  stop(): void {
    this.monitor?.stop();
    this.profiler?.stop();
  }
}

/** Logs the reference's warning for this option. This server has no block profile. */
export function warnOfBlockProfiling(log: Logger, rate: number): void {
  if (rate > 0) log.warn(`Block profiling is enabled (rate ${rate}), this may have a performance impact`);
}

// Loaded when they are needed, as a default start does without them (bench/start.ts); synchronously, so that a reload stays one step.

function monitorModule(): typeof import("../../operations/monitor/monitor.ts") {
  return require("../../operations/monitor/monitor.ts");
}

function profilerModule(): typeof import("../../operations/monitor/profiler.ts") {
  return require("../../operations/monitor/profiler.ts");
}
