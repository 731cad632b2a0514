/** Which JWTs monitoring, events and services of other accounts can see: the JWT of a bearer is a secret. */
import { expect, test } from "bun:test";
import { NatsServer } from "../../src/index.ts";
import { TextConnection } from "../library/text-connection.ts";
import { startOurs } from "./both-servers.ts";
import { Peer } from "./peer.ts";
import { scope } from "./scope.ts";
import { ALPHA, ALPHA_SCOPED, accountToken, memoryConfig, SYSTEM_USER, systemUserToken, USER, userToken } from "./tokens.ts";

const ACCOUNTS = {
  [ALPHA.publicKey]: accountToken(ALPHA, { signingKeys: new Map([scope(ALPHA_SCOPED.publicKey, { bearerToken: true })]) }),
};

/** @returns the JWT that `/connz` and the connect event show for a user who logs in with this one */
async function shown(jwt: string, isBearer: boolean): Promise<unknown[]> {
  const ours = await startOurs(memoryConfig(ACCOUNTS));
  try {
    const system = await Peer.login(ours.port, { jwt: systemUserToken(), signer: SYSTEM_USER });
    system.send("SUB $SYS.ACCOUNT.*.CONNECT 1\r\n");
    await system.ping();
    const user = await Peer.login(ours.port, { jwt, signer: isBearer ? null : USER });
    expect(user.closed).toBe(false);
    await system.ping();
    const event = JSON.parse(system.lines.find(line => line.startsWith("{"))!);
    const url = `http://127.0.0.1:${ours.monitorPort}/connz?auth=1&cid=${user.info.client_id}`;
    const { connections } = (await (await fetch(url)).json()) as { connections: [{ jwt?: string }] };
    return [connections[0].jwt, event.client.jwt];
  } finally {
    await ours.stop();
  }
}

test("the JWT of a user who signed the nonce is shown", async () => {
  const jwt = userToken();
  expect(await shown(jwt, false)).toEqual([jwt, jwt]);
});

test("the JWT of a bearer is never shown, also when the scope of its signing key makes the bearer", async () => {
  expect(await shown(userToken({ bearerToken: true }), true)).toEqual([undefined, undefined]);
  const scoped = userToken({ by: ALPHA_SCOPED, issuerAccount: ALPHA.publicKey, subscriptionsMax: 0, dataBytesMax: 0, payloadBytesMax: 0 });
  expect(await shown(scoped, true)).toEqual([undefined, undefined]);
});

test("a JWT that an embedding program authenticates is never shown, neither by monitoring nor to services", async () => {
  await using server = await NatsServer.start({
    host: "127.0.0.1",
    port: 0,
    httpPort: 0,
    accounts: [
      { name: "A", exports: [{ kind: "service", subject: "svc" }] },
      { name: "B", imports: [{ kind: "service", account: "A", subject: "svc", share: true }] },
    ],
    authenticate: ({ user }) => ({ account: user }),
  });
  const [service, requester] = [
    await TextConnection.open(server, { user: "A" }),
    await TextConnection.open(server, { user: "B", jwt: "s3cret" }),
  ];
  await service.exchange("SUB svc 1\r\n");
  await requester.exchange("PUB svc 0\r\n\r\n");
  const request = await service.exchange();
  expect(request).toContain('"user":"B"');
  const url = `http://127.0.0.1:${server.monitorPort}/connz?auth=1&state=any`;
  expect(request + (await (await fetch(url)).text())).not.toContain("s3cret");
});
