import { expect, test } from "bun:test";
import type { GivenAnswer, GivenRequest } from "../../auth/users/given-authenticator.ts";
import { SILENT } from "../../base/log/silent-logger.ts";
import { completeOptions } from "../../config/schema/complete-options.ts";
import type { Options } from "../../config/schema/options.ts";
import type { InProcessConnection } from "../../wire/transport/in-process.ts";
import { Server, type ServerDependencies } from "./server.ts";

const QUIET = '{"verbose":false,"pedantic":false,"protocol":1}';

/** A server without a listener, spoken to through in-process connections. */
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
class Ear {
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

test("INFO that changed goes to clients with protocol 1 that have had their first PONG, and to nobody else", async () => {
  await withServer({}, {}, async server => {
    const ready = new Ear(server.connect());
    ready.connection.write(`CONNECT ${QUIET}\r\nPING\r\n`);
    await ready.until("connect_info");
    const old = new Ear(server.connect());
    old.connection.write('CONNECT {"verbose":false,"protocol":0}\r\nPING\r\n');
    await old.until("PONG");
    const early = new Ear(server.connect());
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

test("while an authentication is under way nothing behind the CONNECT is looked at, and then everything, in order", async () => {
  const { promise, resolve } = Promise.withResolvers<GivenAnswer>();
  await withServer({}, { authenticate: () => promise }, async server => {
    const ear = new Ear(server.connect());
    ear.connection.write(`CONNECT ${QUIET}\r\nSUB a 1\r\nPUB a 1\r\nx\r\n`);
    ear.connection.write("PUB a 1\r\ny\r\nPI");
    ear.connection.write("NG\r\n");
    await ear.until("INFO");
    await Promise.resolve();
    expect(server.connections.values().next().value!.subscriptions.size).toBe(0);
    expect(ear.text.split("\r\n").length).toBe(2); // INFO alone
    resolve({ user: "ann" });
    await ear.until("connect_info");
    expect(ear.text).toContain("MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\nPONG\r\nINFO ");
  });
});

test("operations behind a CONNECT that is refused later are dropped", async () => {
  const { promise, resolve } = Promise.withResolvers<GivenAnswer>();
  await withServer({}, { authenticate: () => promise }, async server => {
    const ear = new Ear(server.connect());
    ear.connection.write(`CONNECT ${QUIET}\r\nSUB a 1\r\nPING\r\n`);
    await ear.until("INFO");
    resolve(null);
    await ear.until("-ERR 'Authorization Violation'\r\n");
    expect(ear.text).not.toContain("PONG");
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
  test(`an authenticator that ${how} lets nobody in`, async () => {
    await withServer({}, { authenticate }, async server => {
      const ear = new Ear(server.connect());
      ear.connection.write(`CONNECT ${QUIET}\r\n`);
      await ear.until("-ERR 'Authorization Violation'\r\n");
    });
  });
}

test("an authenticator that asks for a nonce gets the one that INFO carried", async () => {
  const requests: GivenRequest[] = [];
  const authenticate = (request: GivenRequest) => {
    requests.push(request);
    return { user: "ann" };
  };
  await withServer({}, { authenticate }, async server => {
    const ear = new Ear(server.connect());
    ear.connection.write(`CONNECT ${QUIET}\r\nPING\r\n`);
    await ear.until("connect_info");
    const [first, second] = ear.infos();
    expect(first.nonce).toMatch(/^[A-Za-z0-9_-]{15}$/);
    expect(first.auth_required).toBe(true);
    expect(second.nonce).toBeUndefined();
    expect(requests.map(({ nonce, address, port }) => ({ nonce, address, port }))).toEqual([
      { nonce: first.nonce as string, address: "", port: 0 },
    ]);
  });
});

test("a server that has stopped takes no in-process connection", async () => {
  const server = new Server(completeOptions({ port: 0 }), { log: SILENT });
  await server.stop();
  expect(() => server.connect()).toThrow("the server has stopped");
});
