/**
 * Files that a server writes for other programs: its process id, and the addresses it listens on.
 *
 *   <pid file>                      4711                          kept when the server stops, as in the reference
 *   <dir>/nats-server_4711.ports    {"nats":["nats://…"],…}       written before the server logs that it is ready, removed after it has stopped
 */
import { join } from "node:path";
import type { Disk } from "../../base/disk/disk.ts";
import { goFileError } from "../../base/go/file-error.ts";
import { programName } from "../../base/keys/program-name.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import { hostPort, reachableHosts } from "../../wire/transport/host-port.ts";
import { StartError } from "../shard/server-errors.ts";

/** @throws StartError when it cannot be written */
function writePidFile(disk: Disk, path: string): void {
  try {
    disk.writeFile(path, Buffer.from(String(process.pid)), 0o600);
  } catch (error) {
    throw new StartError(`Could not write pidfile: ${goFileError(error, path)}`, { cause: error });
  }
}

export interface Listener {
  readonly host: string;
  readonly port: number;
}

interface SecurableListener extends Listener {
  readonly secure: boolean;
}

/** The ports file. Failures are only logged, as in the reference: the server runs without the file. */
class PortsFile {
  private readonly path: string;

  constructor(
    private readonly disk: Disk,
    directory: string,
    private readonly log: Logger,
  ) {
    this.path = join(directory, `${programName()}_${process.pid}.ports`);
  }

  write(client: Listener, monitor: SecurableListener | null, profiler: Listener | null, websocket: SecurableListener | null): void {
    const ports: Record<string, string[]> = { nats: urls("nats", client) };
    if (monitor !== null) ports.monitoring = urls(monitor.secure ? "https" : "http", monitor);
    if (profiler !== null) ports.profile = urls("http", profiler);
    if (websocket !== null) ports.websocket = urls(websocket.secure ? "wss" : "ws", websocket);
    try {
      this.disk.writeFile(this.path, Buffer.from(JSON.stringify(ports)), 0o666);
    } catch (error) {
      this.log.error(`Error writing ports file (${this.path}): ${goFileError(error, this.path)}`);
    }
  }

  remove(): void {
    try {
      this.disk.unlink(this.path);
    } catch (error) {
      this.log.error(`Error cleaning up ports file ${this.path}: ${goFileError(error, this.path, "remove")}`);
    }
  }
}

/** The data of a server that the files contain. */
export interface WrittenServer {
  readonly options: Options;
  readonly log: Logger;
  readonly disk: Disk;
  readonly port: number;
  readonly operatorPorts: { readonly monitor: SecurableListener | null; readonly profiler: { readonly port: number } | null };
  readonly websocket: SecurableListener | null;
}

/** The pid file and the ports file of a server. */
export class ProcessFiles {
  private readonly server: WrittenServer;
  private ports: PortsFile | null = null;

  constructor(server: WrittenServer) {
    this.server = server;
  }

  /** @throws StartError when it cannot be written */
  writePid({ pidFile }: Options): void {
    if (pidFile !== null) writePidFile(this.server.disk, pidFile);
  }

  /** Writes the pid file again; failures are logged. */
  rewritePid(): void {
    try {
      this.writePid(this.server.options);
    } catch (error) {
      this.server.log.error((error as Error).message.replace("Could not", "Failed to"));
    }
  }

  writePorts(): void {
    const { disk, log, operatorPorts, options, port, websocket } = this.server;
    const { portsFileDirectory, host } = options;
    if (portsFileDirectory === null) return;
    const { monitor, profiler } = operatorPorts;
    this.ports = new PortsFile(disk, portsFileDirectory, log);
    this.ports.write({ host, port }, monitor, profiler === null ? null : { host, port: profiler.port }, websocket);
  }

  movePorts(): void {
    this.removePorts();
    this.writePorts();
  }

  removePorts(): void {
    this.ports?.remove();
    this.ports = null;
  }
}

function urls(scheme: string, { host, port }: Listener): string[] {
  return reachableHosts(host).map(address => `${scheme}://${hostPort(address, port)}`);
}
