/** Our server with a `tls` block, and the certificates for it. */

import type { Authenticate } from "../../src/auth/users/given-authenticator.ts";
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import type { Logger } from "../../src/base/log/logger.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { Server, type ServerDependencies } from "../../src/server/process/server.ts";
import { CLOSE_TEXTS, type CloseReason } from "../../src/wire/protocol/close-reason.ts";
import { OCSP_CACHE_DEFAULTS } from "../../src/wire/transport/tls/ocsp/ocsp-rules.ts";
import { TLS_DEFAULTS, type TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { startNow } from "../faults/start-now.ts";
import { until } from "../faults/until.ts";
import { authority, CertificateDirectory, type TestCertificate } from "./certificates.ts";

/** A root, a server's and a client's certificate on disk, shared by the tests of a file. */
export class TestAuthority implements Disposable {
  readonly directory = new CertificateDirectory();
  readonly root: TestCertificate;
  readonly caFile: string;
  readonly server: TestCertificate;
  readonly serverFiles: { certFile: string; keyFile: string };

  constructor() {
    this.root = authority();
    this.caFile = this.directory.write("ca.pem", this.root.pem);
    this.server = this.root.issue({ subject: "O=bunats,CN=server", names: ["localhost", "127.0.0.1"] });
    this.serverFiles = this.directory.store("server", this.server);
  }

  /** Options of a listener with this authority's certificate. */
  tls(given: Partial<TlsOptions> = {}): TlsOptions {
    return { ...TLS_DEFAULTS, certificates: [this.serverFiles], ...given };
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }
}

/** Our server on a free port of 127.0.0.1, with everything that it logs. */
export class SecureServer extends Server implements AsyncDisposable {
  readonly lines: string[];

  private constructor(options: Options, log: KeptLines, more: Partial<ServerDependencies>) {
    super(options, { log, ...more });
    this.lines = log.lines;
  }

  static open(
    given: Partial<Options>,
    authenticate: Authenticate | null = null,
    clock = SYSTEM_CLOCK,
    more: Partial<ServerDependencies> = {},
  ): SecureServer {
    // No system account: its heartbeat is a timer that never ends.
    // No OCSP cache: its directory would be in the working directory.
    const ocspCache: Options["ocspCache"] = { ...OCSP_CACHE_DEFAULTS, type: "none" };
    const options = completeOptions({ host: "127.0.0.1", port: 0, noSystemAccount: true, ocspCache, ...given });
    const server = new SecureServer(options, new KeptLines(), { authenticate, clock, ...more });
    startNow(server);
    return server;
  }

  /** Waits for a log line that contains `part`. */
  async logged(part: string): Promise<string> {
    await until(
      () => this.lines.some(line => line.includes(part)),
      () => `"${part}" is not logged:\n${this.lines.join("\n")}`,
    );
    return this.lines.find(line => line.includes(part))!;
  }

  /** Waits until `count` connections have been closed. @returns the reason of each, in the order they were closed */
  async closeReasons(count: number): Promise<string[]> {
    const reasons = () => [...this.closedConnections.all()].map(({ closeReason }) => CLOSE_TEXTS[closeReason as CloseReason]);
    await until(
      () => reasons().length >= count,
      () => `${reasons().length} of ${count} connections have been closed`,
    );
    return reasons();
  }

  /** Waits until no connection and no timer is left. */
  async cleared(): Promise<void> {
    const left = () => ({
      connections: this.connections.size,
      timers: this.turn.timers.size - (this.turn.pool.trimWanted ? 1 : 0),
    });
    await until(
      () => this.connections.size === 0 && left().timers === 0,
      () => `left: ${JSON.stringify(left())}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

class KeptLines implements Logger {
  readonly debugEnabled = true;
  readonly traceEnabled = false;
  readonly lines: string[] = [];

  notice(text: string): void {
    this.lines.push(`INF ${text}`);
  }
  warn(text: string): void {
    this.lines.push(`WRN ${text}`);
  }
  warnRateLimited(text: string): void {
    this.warn(text);
  }
  error(text: string): void {
    this.lines.push(`ERR ${text}`);
  }
  fatal(text: string): void {
    this.lines.push(`FTL ${text}`);
  }
  debug(text: string): void {
    this.lines.push(`DBG ${text}`);
  }
  trace(): void {}
}
