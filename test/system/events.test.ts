/** Events of the system account, compared with nats-server. */
import { expect, test } from "bun:test";
import { NatsServer } from "../../src/index.ts";
import { client, endClient } from "../monitor/monitored-pair.ts";
import { lookAtBoth, type MonitoredBoth } from "../monitor/same-config.ts";
import { Recording } from "../reference/recording.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { CONFIG } from "./config.ts";
import { lines, type ReceivedMessage, SystemClient, waitFor, withoutVariableValues } from "./system-client.ts";

const it = new Recording(import.meta.path);

/** Waits for `count` events. @returns them with placeholders for what differs between two servers */
async function events(listener: SystemClient, count: number): Promise<unknown> {
  await waitFor(
    () => listener.received.length >= count,
    () => `${listener.received.length} events instead of ${count}: ${listener.received.map(({ subject }) => subject)}`,
  );
  // Several threads of the reference publish the events about one closed connection, so their order varies.
  return withoutVariableValues(listener.received.splice(0).sort((a, b) => (a.subject < b.subject ? -1 : 1)));
}

async function compareBoth(config: string, look: (server: MonitoredBoth) => Promise<unknown>): Promise<void> {
  const [ours, theirs] = await lookAtBoth(config, look);
  expect(lines(ours)).toEqual(lines(theirs));
}

async function listenAsOperator(server: MonitoredBoth, ...subjects: string[]): Promise<SystemClient> {
  const listener = await SystemClient.open(server.port, "sys");
  await listener.listen(...subjects);
  return listener;
}

/** The same, without the events of its own login: the reference publishes events later, from a queue, in which the answer comes after them. */
async function listenAfterLogin(server: MonitoredBoth, ...subjects: string[]): Promise<SystemClient> {
  const listener = await listenAsOperator(server, ...subjects);
  await listener.ask("$SYS.REQ.SERVER.PING.IDZ");
  listener.received.length = 0;
  return listener;
}

it.compared(`connections: CONNECT, counts and DISCONNECT, with what each side sent`, () =>
  compareBoth(CONFIG, async server => {
    const listener = await listenAfterLogin(
      server,
      "$SYS.ACCOUNT.*.CONNECT",
      "$SYS.ACCOUNT.*.DISCONNECT",
      "$SYS.ACCOUNT.*.SERVER.CONNS",
      "$SYS.SERVER.ACCOUNT.*.CONNS",
    );
    const one = await client(server, { user: "b", pass: "p", name: "<one>", lang: "raw", version: "0.1" });
    const seen = [await events(listener, 3)];
    await one.write(Buffer.from("SUB x 1\r\nPUB x 5\r\nhello\r\nPUB x 2\r\nhi\r\nPUB y 1\r\n!\r\nPING\r\n"));
    await one.waitFor(Buffer.from("hi\r\nPONG\r\n"));
    await endClient(server, one, "<one>");
    seen.push(await events(listener, 3));
    await listener.close();
    return seen;
  }),
);

it.compared(`a refused login is published in the system account and in the account of the login`, () =>
  compareBoth(`${CONFIG}\nno_auth_user: plain`, async server => {
    const listener = await listenAfterLogin(server, "$SYS.SERVER.*.CLIENT.AUTH.ERR", "$SYS.ACCOUNT.>");
    const stranger = SystemClient.open(server.port, "stranger").then(
      () => "in",
      (error: Error) => error.message,
    );
    expect((await stranger).toLowerCase()).toContain("authorization violation");
    const seen = await events(listener, 2);
    await listener.close();
    return seen;
  }),
);

it.compared(`a refused login without an account is published in the global account`, () =>
  compareBoth(
    `authorization { users [{ user: g, password: p }] }\naccounts { SYS { users [{ user: sys, password: p }] } }\nsystem_account: SYS`,
    async server => {
      const inGlobal = await SystemClient.open(server.port, "g");
      await inGlobal.listen("$SYS.>");
      await SystemClient.open(server.port, "stranger").catch(() => {});
      const seen = await events(inGlobal, 1);
      await inGlobal.close();
      return seen;
    },
  ),
);

it.compared(`a client that does not begin with CONNECT causes an event in the system account only`, () =>
  compareBoth(CONFIG, async server => {
    const listener = await listenAfterLogin(server, "$SYS.SERVER.*.CLIENT.AUTH.ERR", "$SYS.ACCOUNT.>");
    const peer = await WireConnection.open(server.port, "client");
    await peer.write(Buffer.from("SUB a 1\r\n"));
    const seen = await events(listener, 2);
    peer.close();
    await listener.close();
    return seen;
  }),
);

it.compared(`STATSZ is published on request`, () =>
  compareBoth(CONFIG, async server => {
    const listener = await listenAsOperator(server, "$SYS.SERVER.*.STATSZ");
    await waitFor(
      () => listener.received.length > 0,
      () => "no STATSZ",
    );
    listener.received.length = 0;
    await listener.publish("$SYS.REQ.SERVER.PING.STATSZ");
    const [first] = (await events(listener, 1)) as ReceivedMessage[];
    await listener.close();
    return first;
  }),
);

it.compared(`RELOAD is answered after the reload`, () =>
  compareBoth(CONFIG, async server => {
    const listener = await listenAsOperator(server, "$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT");
    const { id } = (await listener.ask("$SYS.REQ.SERVER.PING.IDZ")) as { id: string };
    const answer = withoutVariableValues(await listener.ask(`$SYS.REQ.SERVER.${id}.RELOAD`));
    await listener.close();
    return answer;
  }),
);

async function leavingServer(): Promise<{ server: NatsServer; listener: SystemClient }> {
  const server = await NatsServer.start({
    host: "127.0.0.1",
    port: 0,
    systemAccount: "SYS",
    accounts: [{ name: "SYS", users: [{ user: "sys", password: "p" }] }],
    lameDuckDurationMs: 1_000,
    lameDuckGraceMs: 10,
  });
  const listener = await SystemClient.open(server.port, "sys");
  await listener.listen("$SYS.SERVER.*.LAMEDUCK", "$SYS.SERVER.*.SHUTDOWN", "$SYS.ACCOUNT.*.DISCONNECT");
  return { server, listener };
}

test("a server that stops publishes SHUTDOWN, and no DISCONNECT of the clients it closes", async () => {
  const { server, listener } = await leavingServer();
  const { server: itself } = (await listener.ask("$SYS.REQ.SERVER.PING.STATSZ")) as { server: { id: string; seq: number } };
  await Promise.all([server.stop(), listener.connection.closed()]);
  expect(listener.received).toEqual([
    { subject: `$SYS.SERVER.${itself.id}.SHUTDOWN`, content: { ...itself, seq: itself.seq + 1, time: expect.any(String) } },
  ]);
});

test("a lame duck publishes LAMEDUCK before it closes its clients", async () => {
  const { server, listener } = await leavingServer();
  await Promise.all([server.lameDuck(), listener.connection.closed()]);
  const [first] = listener.received;
  const { id } = first!.content as { id: string };
  expect(first!.subject).toBe(`$SYS.SERVER.${id}.LAMEDUCK`);
});

test("all events share one sequence, and each has its own id", async () => {
  const { server, listener } = await leavingServer();
  await listener.listen("$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.SERVER.CONNS");
  for (let clients = 0; clients < 3; clients++) await (await SystemClient.open(server.port, "sys")).close();
  await waitFor(
    () => listener.received.length >= 12,
    () => String(listener.received.length),
  );
  const events = listener.received.map(({ content }) => content as { id: string; server: { seq: number } });
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const numbers = events.map(event => event.server.seq);
  expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
  await listener.close();
  await server.stop();
});

test("without a system account no events are published and no requests are answered", async () => {
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, noSystemAccount: true });
  const listener = await SystemClient.open(server.port, "listener");
  await listener.listen("$SYS.>");
  expect(await listener.isIgnored("$SYS.REQ.SERVER.PING.IDZ")).toBe(true);
  await (await SystemClient.open(server.port, "another")).close();
  await listener.connection.flush();
  expect(listener.received.filter(({ subject }) => subject !== "$SYS.REQ.SERVER.PING.IDZ")).toEqual([]);
  await listener.close();
  await server.stop();
});
