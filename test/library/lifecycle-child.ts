/**
 * Starts servers, talks to them, stops them, and must then end by itself: nothing here calls `process.exit`.
 * Prints one line of JSON: what this process held before and after, and how long a start took.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { connect } from "@nats-io/transport-node";
import { NatsServer } from "../../src/index.ts";
import { until } from "../faults/until.ts";
import { TextConnection } from "./text-connection.ts";

/** What is open, without the numbers: pipes and the runtime's own files stay the same. */
function descriptors(): string[] {
  const open: string[] = [];
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      open.push(readlinkSync(`/proc/self/fd/${name}`).replace(/\d+/g, ""));
    } catch {
      // the directory's own
    }
  }
  return open.sort();
}

/** A server's whole life. Returns the ms from start to ready. */
async function life(): Promise<number> {
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

/** Once the clients' ends are gone too, which see theirs a little later. */
async function settled(): Promise<string[]> {
  await until(
    () => sockets() <= socketsAtStart,
    () => `still open: ${descriptors()}`,
  );
  return descriptors();
}

function sockets(): number {
  return descriptors().filter(name => name.startsWith("socket:")).length;
}

const socketsAtStart = sockets(); // standard input and output may be some
await life(); // what the runtime opens once and keeps
const before = await settled();
const startMs = await life();
const after = await settled();
console.log(JSON.stringify({ before, after, startMs }));
