/** Our server and the reference for the monitoring tests: each with a client port and a monitoring port. */
import { NatsServer, type StartOptions } from "../../src/index.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";

export interface Monitored {
  readonly port: number;
  readonly monitorPort: number | null;
  stop(): Promise<void>;
}

export function startOurs(options: StartOptions = {}): Promise<NatsServer> {
  return NatsServer.start({ host: "127.0.0.1", port: 0, httpPort: 0, ...options });
}

/** @param config lines of a configuration file */
export function startReference(config = ""): Promise<ReferenceServer> {
  return ReferenceServer.start(config);
}

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

export async function get(server: Monitored, path: string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.monitorPort}${path}`, { redirect: "manual" });
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

// biome-ignore lint/suspicious/noExplicitAny: tests check the fields of an answer
export async function json(server: Monitored, path: string): Promise<any> {
  return JSON.parse((await get(server, path)).body);
}

/** Connects a client. Returns when the server has executed its commands. */
export async function client(server: Monitored, connect: object, commands = ""): Promise<WireConnection> {
  const connection = await WireConnection.open(server.port, "client");
  const options = { verbose: false, pedantic: false, protocol: 1, headers: true, ...connect };
  await connection.write(Buffer.from(`CONNECT ${JSON.stringify(options)}\r\n${commands}PING\r\n`));
  await connection.waitFor(Buffer.from("PONG\r\n"));
  return connection;
}

/** Closes a client, and waits until the server lists it as closed. */
export async function endClient(server: Monitored, connection: WireConnection, name: string): Promise<void> {
  connection.close();
  while (!(await json(server, "/connz?state=closed")).connections.some((one: { name: string }) => one.name === name));
}

/**
 * The keys and types of a JSON value, by their paths.
 * @returns `{"a.b": "number", "list[].x": "string", …}`; an empty list or object differs from a filled one
 */
export function shapeOf(value: unknown, path = "", shape: Record<string, string> = {}): Record<string, string> {
  if (Array.isArray(value)) {
    shape[path] = value.length === 0 ? "empty list" : "list";
    for (const item of value) shapeOf(item, `${path}[]`, shape);
  } else if (value !== null && typeof value === "object") {
    const entries = Object.entries(value);
    shape[path] = entries.length === 0 ? "empty object" : "object";
    for (const [key, inner] of entries) shapeOf(inner, path === "" ? key : `${path}.${key}`, shape);
  } else shape[path] = value === null ? "null" : typeof value;
  return shape;
}
