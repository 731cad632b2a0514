/** A program with its own authenticate(), and official clients. */
import { expect, test } from "bun:test";
import { connect, nkeyAuthenticator, nkeys, wsconnect } from "@nats-io/transport-node";
import { type GivenRequest, NatsServer } from "../../src/index.ts";

const TENANTS = new Map([
  ["ann", { id: "t1", password: "a" }],
  ["bob", { id: "t2", password: "b" }],
]);

async function tenantServer(): Promise<NatsServer> {
  return await NatsServer.start({
    host: "127.0.0.1",
    port: 0,
    accounts: [{ name: "TENANTS" }],
    async authenticate({ user, password }) {
      const tenant = TENANTS.get(user);
      await Promise.resolve();
      if (tenant === undefined || tenant.password !== password) return null;
      return { account: "TENANTS", permissions: { publish: { allow: [`${tenant.id}.>`] } } };
    },
  });
}

test("authenticate() assigns an account and permissions", async () => {
  await using server = await tenantServer();
  const options = { servers: server.clientUrl, reconnect: false };
  const [ann, bob] = await Promise.all([connect({ ...options, user: "ann", pass: "a" }), connect({ ...options, user: "bob", pass: "b" })]);
  const received: string[] = [];
  bob.subscribe(">", { callback: (_, message) => void received.push(message.subject) });
  await bob.flush();
  ann.publish("t1.mine");
  ann.publish("t2.theirs");
  await ann.flush();
  await bob.flush();
  expect(received).toEqual(["t1.mine"]);
  await Promise.all([ann.close(), bob.close()]);
});

test("a refusal of authenticate() is final", async () => {
  await using server = await tenantServer();
  for (const pass of ["wrong", ""]) {
    const refused = connect({ servers: server.clientUrl, reconnect: false, user: "ann", pass });
    expect(refused).rejects.toThrow("Authorization Violation");
    await refused.catch(() => {});
  }
});

test("authenticate() receives nkeys and can verify them, over WebSocket too", async () => {
  const key = nkeys.createUser();
  const requests: GivenRequest[] = [];
  await using server = await NatsServer.start({
    host: "127.0.0.1",
    port: 0,
    websocket: { host: "127.0.0.1", port: 0, noTls: true },
    authenticate(request) {
      requests.push(request);
      return request.verifyNkey();
    },
  });
  const authenticator = nkeyAuthenticator(key.getSeed());
  const client = await connect({ servers: server.clientUrl, reconnect: false, authenticator });
  const browser = await wsconnect({ servers: `ws://127.0.0.1:${server.websocketPort}`, reconnect: false, authenticator });
  await Promise.all([client.close(), browser.close()]);
  expect(requests.map(({ nkey, connectionType }) => [nkey, connectionType])).toEqual([
    [key.getPublicKey(), "STANDARD"],
    [key.getPublicKey(), "WEBSOCKET"],
  ]);
});
