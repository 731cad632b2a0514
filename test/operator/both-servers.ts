/** Starts our server or nats-server with a configuration, and reads what it logs about a connection. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import { KeptLog } from "../doubles/kept-log.ts";
import { ReferenceServer } from "../reference/reference-server.ts";

/** One of the two servers that a test compares. */
export interface Side {
  readonly name: "ours" | "reference";
  readonly port: number;
  readonly monitorPort: number;
  /** 0 without a websocket block. */
  readonly websocketPort: number;
  /** The lines logged so far, as `DBG text`. */
  log(): string[];
  /** Loads another configuration. @returns why it was refused; empty when it is in force */
  reloadWith(config: string): Promise<string>;
  stop(): Promise<void>;
}

class DebugLog extends KeptLog {
  readonly debugEnabled = true;
  readonly traceEnabled = false;
  fatal(text: string): void {
    this.lines.push(`FTL ${text}`);
  }
  trace(): void {}
  warnRateLimited(text: string): void {
    this.warn(text);
  }
}

export interface OurSide extends Side {
  readonly server: NatsServer;
}

export async function startOurs(config: string): Promise<OurSide> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-operator-"));
  const configFile = join(directory, "server.conf");
  const writeConfig = (text: string) => writeFileSync(configFile, text);
  writeConfig(config);
  const log = new DebugLog();
  try {
    const server = await NatsServer.start({ host: "127.0.0.1", port: 0, httpPort: 0, configFile, log });
    return {
      name: "ours",
      server,
      port: server.port,
      monitorPort: server.monitorPort!,
      websocketPort: server.websocketPort ?? 0,
      log: () => log.lines,
      async reloadWith(text) {
        writeConfig(text);
        try {
          server.reload();
          return "";
        } catch (error) {
          return (error as Error).message;
        }
      },
      async stop() {
        await server.stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

export async function startReference(config: string): Promise<Side> {
  const server = await ReferenceServer.start(`debug: true\n${config}`);
  return {
    name: "reference",
    port: server.port,
    monitorPort: server.monitorPort,
    websocketPort: server.websocketPort,
    log: () =>
      server
        .log()
        .split("\n")
        .flatMap(line => /\[(INF|WRN|ERR|DBG|FTL)\] (.*)$/.exec(line)?.slice(1).join(" ") ?? []),
    async reloadWith(text) {
      await server.reload(`debug: true\n${text}`);
      return "";
    },
    stop: () => server.stop(),
  };
}

/** The log lines about one connection, without its address and number. */
export function linesOf(side: Side, cid: number): string[] {
  const marks = [` - cid:${cid} - `, ` - cid:${cid} `];
  return side.log().flatMap(line => {
    const mark = marks.find(text => line.includes(text));
    return mark === undefined ? [] : [`${line.slice(0, 4)}${line.slice(line.indexOf(mark) + mark.length)}`];
  });
}
