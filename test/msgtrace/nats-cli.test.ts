/** The unchanged `nats trace` command shows the same with our server and with nats-server. */
import { expect } from "bun:test";
import { NatsCli } from "../clients/nats-cli.ts";
import { needs } from "../reference/programs.ts";
import { askBoth, Recording } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { startOurServer } from "../wire/our-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";

const it = new Recording(import.meta.path);

const CONFIG = `server_name: one
no_auth_user: ann
accounts {
  A { users: [ {user: ann, password: ann} ]
      mappings: { "in.*": "orders.$1" }
      imports: [ {service: {account: B, subject: "svc.*"}, to: "ask.*"} ] }
  B { users: [ {user: bob, password: bob} ]
      exports: [ {service: "svc.*", allow_trace: true} ] }
}`;

async function receiver(port: number, name: string, subscriptions: string): Promise<WireConnection> {
  const connection = await WireConnection.open(port, name);
  await connection.takeLine(); // INFO
  const options = { user: name, pass: name, name: `N-${name}`, headers: true, verbose: false };
  await connection.write(Buffer.from(`CONNECT ${JSON.stringify(options)}\r\n${subscriptions}PING\r\n`));
  await connection.waitFor(Buffer.from("PONG\r\n"));
  return connection;
}

/** The output of the tool for a server, without times and numbers of connections. */
async function outputsOf(port: number): Promise<string[]> {
  const receivers = [await receiver(port, "ann", "SUB orders.* q 1\r\n"), await receiver(port, "bob", "SUB svc.* 1\r\n")];
  using cli = new NatsCli(`nats://127.0.0.1:${port}`);
  try {
    const texts: string[] = [];
    for (const words of [["in.1"], ["in.1", "--deliver"], ["ask.1", "payload"], ["ask.1", "--deliver"], ["nobody"]]) {
      const { output, errors } = await cli.run("trace", ...words);
      texts.push(withoutVariableValues(`${output}${errors}`));
    }
    return texts;
  } finally {
    for (const one of receivers) one.terminate();
  }
}

function withoutVariableValues(text: string): string {
  return text
    .replace(/cid:\d+/g, "cid:n")
    .replace(/_INBOX\.\w+(\.\w+)?/g, "_INBOX.x")
    .replace(/[\d.]+(µs|ms|ns|s)\b/g, "t");
}

needs(["nats"], () => {
  it.compared(
    "nats trace shows mappings, services and receivers as it does with nats-server",
    async () => {
      const outputAndStop = async (server: { port: number; stop(): Promise<void> }) => {
        try {
          return await outputsOf(server.port);
        } finally {
          await server.stop();
        }
      };
      const [ours, wanted] = await askBoth(
        async () => outputAndStop(await startOurServer([CONFIG])),
        async () => outputAndStop(await ReferenceServer.start(CONFIG)),
      );
      expect(ours).toEqual(wanted);
      expect(wanted.map(text => text.includes("Egress"))).toEqual([true, true, true, true, false]);
    },
    120_000,
  );
});
