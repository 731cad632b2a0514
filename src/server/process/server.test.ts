import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import type { GivenAnswer, GivenRequest } from "../../auth/users/given-authenticator.ts";
import { SILENT } from "../../base/log/silent-logger.ts";
import { completeOptions } from "../../config/schema/complete-options.ts";
import type { Options } from "../../config/schema/options.ts";
import type { InProcessConnection } from "../../wire/transport/in-process.ts";
import { Server, type ServerDependencies } from "./server.ts";

const QUIET = '{"verbose":false,"pedantic":false,"protocol":1}';

/** Runs a server without listeners; tests use in-process connections. */
async function withServer(
  options: Partial<Options>,
  dependencies: Partial<ServerDependencies>,
  run: (server: Server) => Promise<void>,
): Promise<void> {
  const server = new Server(completeOptions({ port: 0, ...options }), { log: SILENT, ...dependencies });
  try {
    await run(server);
  } finally {
    await server.stop();
  }
}

/** Collects what a connection receives; `until` waits for a text. */
class Receiver {
  text = "";
  private wake: () => void = () => {};
  constructor(readonly connection: InProcessConnection) {
    connection.onData = bytes => {
      this.text += Buffer.from(bytes).toString();
      this.wake();
    };
  }
  async until(wanted: string): Promise<string> {
    while (!this.text.includes(wanted)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.wake = resolve;
      await promise;
    }
    return this.text;
  }
  infos(): Record<string, unknown>[] {
    return [...this.text.matchAll(/INFO (\{.*\}) \r\n/g)].map(match => JSON.parse(match[1]));
  }
}

test("changed INFO goes only to clients with protocol 1 that have received their first PONG", async () => {
  await withServer({}, {}, async server => {
    const ready = new Receiver(server.connect());
    ready.connection.write(`CONNECT ${QUIET}\r\nPING\r\n`);
    await ready.until("connect_info");
    const old = new Receiver(server.connect());
    old.connection.write('CONNECT {"verbose":false,"protocol":0}\r\nPING\r\n');
    await old.until("PONG");
    const early = new Receiver(server.connect());
    early.connection.write(`CONNECT ${QUIET}\r\n`);
    await early.until("INFO");

    server.options.payloadBytesMax = 4242;
    for (const client of server.connections.values()) client.followLimits();
    server.announceInfo();
    await ready.until("4242");
    old.connection.write("PING\r\n");
    await old.until("PONG\r\nPONG");
    early.connection.write("PING\r\n");
    await early.until("connect_info");

    expect(ready.infos().map(info => info.max_payload)).toEqual([1_048_576, 1_048_576, 4242]);
    expect(ready.infos()[2].connect_info).toBeUndefined();
    expect(old.infos().map(info => info.max_payload)).toEqual([1_048_576]);
    expect(early.infos().map(info => info.max_payload)).toEqual([1_048_576, 4242]);
  });
});

test("bytes after a CONNECT wait for its authentication and are then handled in order", async () => {
  const { promise, resolve } = Promise.withResolvers<GivenAnswer>();
  await withServer({}, { authenticate: () => promise }, async server => {
    const receiver = new Receiver(server.connect());
    receiver.connection.write(`CONNECT ${QUIET}\r\nSUB a 1\r\nPUB a 1\r\nx\r\n`);
    receiver.connection.write("PUB a 1\r\ny\r\nPI");
    receiver.connection.write("NG\r\n");
    await receiver.until("INFO");
    await Promise.resolve();
    expect(server.connections.values().next().value!.subscriptions.size).toBe(0);
    expect(receiver.text.split("\r\n").length).toBe(2); // INFO alone
    resolve({ user: "ann" });
    await receiver.until("connect_info");
    expect(receiver.text).toContain("MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\nPONG\r\nINFO ");
  });
});

test("operations after a CONNECT that is refused later are dropped", async () => {
  const { promise, resolve } = Promise.withResolvers<GivenAnswer>();
  await withServer({}, { authenticate: () => promise }, async server => {
    const receiver = new Receiver(server.connect());
    receiver.connection.write(`CONNECT ${QUIET}\r\nSUB a 1\r\nPING\r\n`);
    await receiver.until("INFO");
    resolve(null);
    await receiver.until("-ERR 'Authorization Violation'\r\n");
    expect(receiver.text).not.toContain("PONG");
    expect(server.closedConnections.all().map(({ subscriptionCount }) => subscriptionCount)).toEqual([0]);
    expect(server.counters.inMessages).toBe(0);
  });
});

for (const [how, authenticate] of [
  [
    "throws",
    () => {
      throw new Error("broken");
    },
  ],
  ["rejects", () => Promise.reject(new Error("broken"))],
] as const) {
  test(`an authenticator that ${how} refuses the client`, async () => {
    await withServer({}, { authenticate }, async server => {
      const receiver = new Receiver(server.connect());
      receiver.connection.write(`CONNECT ${QUIET}\r\n`);
      await receiver.until("-ERR 'Authorization Violation'\r\n");
    });
  });
}

test("an authenticator receives the nonce that INFO contained", async () => {
  const requests: GivenRequest[] = [];
  const authenticate = (request: GivenRequest) => {
    requests.push(request);
    return { user: "ann" };
  };
  await withServer({}, { authenticate }, async server => {
    const receiver = new Receiver(server.connect());
    receiver.connection.write(`CONNECT ${QUIET}\r\nPING\r\n`);
    await receiver.until("connect_info");
    const [first, second] = receiver.infos();
    expect(first.nonce).toMatch(/^[A-Za-z0-9_-]{15}$/);
    expect(first.auth_required).toBe(true);
    expect(second.nonce).toBeUndefined();
    expect(requests.map(({ nonce, address, port }) => ({ nonce, address, port }))).toEqual([
      { nonce: first.nonce as string, address: "", port: 0 },
    ]);
  });
});

test("a stopped server refuses in-process connections", async () => {
  const server = new Server(completeOptions({ port: 0 }), { log: SILENT });
  await server.stop();
  expect(() => server.connect()).toThrow("the server has stopped");
});

test("in lame duck mode events and system services go on, and only statistics are not published any more", async () => {
  /** Its first connection stays until the stop. */
  class Leaving extends Server {
    override leaving() {
      return super.leaving().slice(1);
    }
  }
  const clock = new FakeClock();
  const options = completeOptions({ host: "127.0.0.1", port: 0, lameDuckDurationMs: 60_000, lameDuckGraceMs: 30_000 });
  const server = new Leaving(
    { ...options, accounts: [], systemAccount: null },
    { log: SILENT, clock, authenticate: () => ({ account: "$SYS" }) },
  );
  server.start();
  const listener = new Receiver(server.connect());
  listener.connection.write(`CONNECT ${QUIET}\r\nSUB $SYS.SERVER.> 1\r\nSUB $SYS.ACCOUNT.*.DISCONNECT 2\r\nPING\r\n`);
  await listener.until("PONG");
  const client = new Receiver(server.connect());
  client.connection.write(`CONNECT ${QUIET}\r\nPING\r\n`);
  await client.until("PONG");

  clock.advance(10_000);
  await listener.until(".STATSZ ");
  const stopped = server.enterLameDuck();
  await listener.until(".LAMEDUCK ");
  listener.text = "";
  listener.connection.write("SUB I 3\r\nPUB $SYS.REQ.SERVER.PING.IDZ I 0\r\n\r\n");
  await listener.until("MSG I 3 ");
  clock.advance(29_000);
  listener.connection.write("PING\r\n");
  await listener.until("PONG");
  clock.advance(2_000);
  await listener.until(".DISCONNECT ");
  await listener.until(".SHUTDOWN ");
  await stopped;
  expect(listener.text).not.toContain(".STATSZ ");
});
