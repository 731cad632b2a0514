/**
 * What a server leaves on disk for those who started it: its process id, and where it listens.
 *
 *   <pid file>                      4711                          stays when the server stops, as the reference's does
 *   <dir>/nats-server_4711.ports    {"nats":["nats://…"],…}       there before the server says it is ready, gone when it has stopped
 */
import { unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goFileError } from "../config/file-error.ts";
import { programName } from "../identity/program-name.ts";
import type { Logger } from "../log/logger.ts";
import { hostPort, reachableHosts } from "./host-port.ts";
import { StartError } from "./start-error.ts";

/** @throws StartError when it cannot be written */
export function writePidFile(path: string): void {
  try {
    writeFileSync(path, String(process.pid), { mode: 0o600 });
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

/** The ports file. Failures are logged and no more: the server runs without it, as the reference does. */
export class PortsFile {
  private readonly path: string;
  private readonly log: Logger;

  constructor(directory: string, log: Logger) {
    this.path = join(directory, `${programName()}_${process.pid}.ports`);
    this.log = log;
  }

  write(client: Listener, monitor: SecurableListener | null, profiler: Listener | null, websocket: SecurableListener | null): void {
    const ports: Record<string, string[]> = { nats: urls("nats", client) };
    if (monitor !== null) ports.monitoring = urls(monitor.secure ? "https" : "http", monitor);
    if (profiler !== null) ports.profile = urls("http", profiler);
    if (websocket !== null) ports.websocket = urls(websocket.secure ? "wss" : "ws", websocket);
    try {
      writeFileSync(this.path, JSON.stringify(ports), { mode: 0o666 });
    } catch (error) {
      this.log.error(`Error writing ports file (${this.path}): ${goFileError(error, this.path)}`);
    }
  }

  remove(): void {
    try {
      unlinkSync(this.path);
    } catch (error) {
      this.log.error(`Error cleaning up ports file ${this.path}: ${goFileError(error, this.path, "remove")}`);
    }
  }
}

function urls(scheme: string, { host, port }: Listener): string[] {
  return reachableHosts(host).map(address => `${scheme}://${hostPort(address, port)}`);
}
