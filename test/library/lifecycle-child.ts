/**
 * Starts servers, exchanges messages with them and stops them. It must then exit by itself: nothing here calls `process.exit`.
 * Prints one line of JSON: the open files before and after, and the duration of a start.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { connect } from "@nats-io/transport-node";
import { NatsServer } from "../../src/index.ts";
import { until } from "../faults/until.ts";
import { TextConnection } from "./text-connection.ts";

/** Open files without their numbers: those of pipes and of the runtime differ between runs. */
function descriptors(): string[] {
  const open: string[] = [];
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      open.push(readlinkSync(`/proc/self/fd/${name}`).replace(/\d+/g, ""));
    } catch {
      // the descriptor of the directory itself
    }
  }
  return open.sort();
}

/** Starts, uses and stops a server. @returns the ms from start to ready */
async function runServer(): Promise<number> {
  const before = performance.now();
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, httpPort: 0 });
  const startMs = performance.now() - before;
  const clients = await Promise.all(Array.from({ length: 10 }, () => connect({ servers: server.clientUrl, reconnect: false })));
  const subscription = clients[0]!.subscribe("a");
  for (const client of clients) client.publish("a", "x");
  await Promise.all(clients.map(client => client.flush()));
  await clients[0]!.flush();
  if (subscription.getReceived() !== 10) throw new Error(`${subscription.getReceived()} messages instead of 10`);
  const inside = await TextConnection.open(server);
  await (await fetch(`http://127.0.0.1:${server.monitorPort}/varz`)).json();
  await server.stop();
  await inside.ended();
  await Promise.all(clients.map(client => client.closed()));
  return startMs;
}

/** Waits until the clients' sockets are closed too. @returns the open files */
async function descriptorsAfterClose(): Promise<string[]> {
  await until(
    () => sockets() <= socketsAtStart,
    () => `still open: ${descriptors()}`,
  );
  return descriptors();
}

function sockets(): number {
  return descriptors().filter(name => name.startsWith("socket:")).length;
}

const socketsAtStart = sockets(); // standard input and output may be sockets
await runServer(); // the runtime opens some files once and keeps them
const before = await descriptorsAfterClose();
const startMs = await runServer();
const after = await descriptorsAfterClose();
console.log(JSON.stringify({ before, after, startMs }));
