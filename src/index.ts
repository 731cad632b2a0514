/**
 * bunats as a library.
 * ```ts
 * import { NatsServer } from "bunats";
 * await using server = await NatsServer.start({ port: 0 });
 * console.log(server.clientUrl); // nats://127.0.0.1:54321
 * ```
 * It installs no signal handlers and prints nothing unless it is given a log. It exits the process only when an assertion is broken and the
 * program does not listen for that (docs/errors.md).
 */
import type { Authenticate } from "./auth/users/given-authenticator.ts";
import { guardedLog } from "./base/log/guarded-log.ts";
import type { Logger } from "./base/log/logger.ts";
import { ServerLogger } from "./base/log/server-logger.ts";
import { SILENT } from "./base/log/silent-logger.ts";
import type { GivenOptions } from "./config/schema/given/given-options.ts";
import { OptionError } from "./config/schema/row/problems.ts";
import { readStartOptions } from "./server/process/config-source.ts";
import { Server } from "./server/process/server.ts";
import { ReloadError } from "./server/shard/server-errors.ts";
import type { InProcessConnection } from "./wire/transport/in-process.ts";

export type { GivenPermissions } from "./access/permission/permission-options.ts";
export type { Authorization } from "./auth/users/authorization.ts";
export type { Authenticate, GivenAnswer, GivenLogin, GivenRequest } from "./auth/users/given-authenticator.ts";
export { AssertionBroken } from "./base/assert/assert.ts";
export type { Logger } from "./base/log/logger.ts";
export type { GivenAccount, GivenOptions, GivenUser } from "./config/schema/given/given-options.ts";
export type { GivenJetStream, GivenTier } from "./config/schema/given/jetstream-shape.ts";
export type { Options } from "./config/schema/options.ts";
export { ConfigErrors, type ConfigProblem, OptionError } from "./config/schema/row/problems.ts";
export type { WriteTimeoutPolicy } from "./config/schema/table/limits.ts";
export type { WebSocketOptions } from "./config/schema/websocket-options.ts";
export { ReloadError, StartError, StoppedError } from "./server/shard/server-errors.ts";
export type { ConnectOptions } from "./wire/protocol/connect-options.ts";
export type { InProcessConnection } from "./wire/transport/in-process.ts";
export type { TlsOptions } from "./wire/transport/tls/tls-options.ts";

export interface StartOptions extends GivenOptions {
  /** Receives log lines; nothing is logged when not set. "stderr": logs to standard error, or to the file or syslog that the options name. */
  log?: Logger | "stderr";
  /** A file in nats-server's configuration language. Options given here override it, at start and at every reload. */
  configFile?: string | null;
  /** Decides who may connect; replaces the options about users. */
  authenticate?: Authenticate;
}

export class NatsServer implements AsyncDisposable {
  /** Resolves when the server has stopped. */
  readonly closed: Promise<void>;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.closed = server.stopped;
  }

  /**
   * Starts a server. Options that are not given have nats-server's defaults. After an error nothing keeps running. docs/errors.md
   * lists the errors and their codes.
   * @throws ConfigErrors  the configuration file cannot be used; `problems` has file, line and column of each
   * @throws OptionError  an option does not exist, has a wrong value, or contradicts another option
   * @throws StartError  a port cannot be bound, a certificate or another file cannot be used
   */
  static async start(options: StartOptions = {}): Promise<NatsServer> {
    const { log = SILENT, authenticate = null, configFile = null, ...given } = options;
    const { options: complete, config } = readStartOptions(given, configFile);
    const server = new Server(complete, { log: log === "stderr" ? new ServerLogger(complete) : guardedLog(log), authenticate, config });
    for (const warning of config?.warnings ?? []) server.log.warn(warning);
    await server.open();
    await server.start();
    return new NatsServer(server);
  }

  /** The client port. */
  get port(): number {
    return this.server.port;
  }

  /** The monitoring port; null without monitoring. */
  get monitorPort(): number | null {
    return this.server.monitorPort;
  }

  /** The port for WebSocket clients; null without one. */
  get websocketPort(): number | null {
    return this.server.websocketPort;
  }

  /** Where clients of this machine connect: `nats://127.0.0.1:<port>`. */
  get clientUrl(): string {
    const host = this.server.options.host;
    const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
    return `nats://${name}:${this.port}`;
  }

  /**
   * Opens a client connection without a socket: protocol bytes in, protocol bytes out. docs/library.md shows how the official client uses it.
   * @throws StoppedError  the server has stopped
   */
  connect(): InProcessConnection {
    return this.server.connect();
  }

  /** Stops the server. Calls after the first wait for the same stop. Takes at most 10 s. */
  stop(): Promise<void> {
    return this.server.stop();
  }

  /**
   * Reads the configuration file again and applies what changed; options given to `start` override it. After an error the server keeps
   * its previous options.
   * @throws ConfigErrors  the file cannot be used
   * @throws OptionError  options of the file and of the program contradict each other
   * @throws ReloadError  the server has no configuration file, an option changed that needs a restart, or a certificate or another file cannot be used
   */
  reload(): void {
    try {
      this.server.reload();
    } catch (error) {
      throw error instanceof OptionError ? error : new ReloadError((error as Error).message, { cause: error });
    }
  }

  /**
   * Lame duck mode: accepts no new clients, closes the connected ones one by one (`lameDuckGraceMs`, `lameDuckDurationMs`), then stops.
   * Resolves when it has stopped.
   */
  lameDuck(): Promise<void> {
    return this.server.enterLameDuck();
  }

  get inLameDuck(): boolean {
    return this.server.inLameDuck;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
