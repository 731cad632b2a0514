/** Lines that many connections cause at once are written once, with the account where the reference writes it. */
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { PROGRAM, RunningProgram, TemporaryDirectory } from "../cli/program.ts";
import { askBoth, Recording } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

const CLIENTS = 20;
/** A line is written once per second, and a slow machine may take several. */
const FEW = 5;
const config = (connectionsMax: number) => `
max_connections: ${connectionsMax}
max_subscriptions: 2
authorization { timeout: 0.1 }
accounts {
  FULL { users: [{ user: full, password: full }], limits { max_connections: 1 } }
  OPEN { users: [{ user: open, password: open }] }
}
`;
const LIMITED = /maximum|Authentication Timeout/;

/** What a server logs when many clients run into its limits. */
async function linesOf(command: readonly string[]): Promise<Record<string, string[]>> {
  using directory = new TemporaryDirectory();
  const file = directory.join("nats.conf");
  writeFileSync(file, config(CLIENTS + 1));
  const program = await RunningProgram.start([...command, "-c", file, "-a", "127.0.0.1", "-D"]);
  const clients: WireConnection[] = [];
  const connect = async (connectJson: object | null): Promise<WireConnection> => {
    const client = await WireConnection.open(program.port, "client");
    clients.push(client);
    await client.takeLine();
    if (connectJson !== null) await client.write(Buffer.from(`CONNECT ${JSON.stringify({ verbose: false, ...connectJson })}\r\nPING\r\n`));
    return client;
  };
  let seen = program.lines.length;
  const logged = (): string[] => {
    const lines = program.lines.slice(seen).filter(line => LIMITED.test(line) && !line.includes("connection closed"));
    seen = program.lines.length;
    const counts = new Map<string, number>();
    for (const line of lines) {
      const neutral = line.replace(/127\.0\.0\.1:\d+ - cid:\d+/, "<client>");
      counts.set(neutral, (counts.get(neutral) ?? 0) + 1);
    }
    return [...counts].map(([line, count]) => `${count <= FEW ? "few" : "many"}: ${line}`);
  };
  const closed = async (count: number) => {
    const from = program.lines.length;
    let ends = program.lines.slice(seen).filter(line => line.includes("connection closed")).length;
    for (let first = from; ends < count; first = program.lines.length) {
      await program.linesUntil(/connection closed/, first);
      ends = program.lines.slice(seen).filter(line => line.includes("connection closed")).length;
    }
  };
  try {
    const full = { user: "full", pass: "full" };
    await (await connect(full)).waitFor(Buffer.from("PONG"));
    for (let index = 0; index < CLIENTS; index++) await (await connect(full)).takeAll();
    await closed(CLIENTS);
    const account = logged();

    for (let index = 0; index < CLIENTS; index++) await connect(null);
    for (const client of clients.slice(-CLIENTS)) await client.takeAll();
    await closed(CLIENTS);
    const timeouts = logged();

    const subscriber = await connect({ user: "open", pass: "open" });
    await subscriber.write(Buffer.from(`${Array.from({ length: CLIENTS }, (_, sid) => `SUB a ${sid}\r\n`).join("")}PING\r\n`));
    await subscriber.waitFor(Buffer.from("exceeded'\r\nPONG"));
    await program.line("maximum subscriptions exceeded");
    const subscriptions = logged();

    for (let index = 0; index < CLIENTS - 1; index++) {
      await (await connect({ user: "open", pass: "open" })).waitFor(Buffer.from("PONG"));
    }
    for (let index = 0; index < CLIENTS; index++) await (await WireConnection.open(program.port, "refused")).takeAll();
    await closed(CLIENTS);
    const server = logged();

    writeFileSync(file, config(1));
    program.signal("SIGHUP");
    await program.line("Reloaded server configuration");
    await closed(CLIENTS);
    const reload = logged().filter(line => line.includes("OPEN")); // the reference closes in any order
    return { account, timeouts, subscriptions, server, reload };
  } finally {
    for (const client of clients) client.terminate();
    await program.stop();
  }
}

it.compared("a line about a limit is written once, however many clients are over it", async () => {
  const [ours, theirs] = await askBoth(
    () => linesOf(PROGRAM),
    () => linesOf([reference.path!]),
  );
  expect(ours).toEqual(theirs);
});
