/** Limits that a reload lowers or raises while clients are connected, compared with nats-server: one test per limit. */
import { expect, test } from "bun:test";
import { linesOf, type Side, startOurs } from "../operator/both-servers.ts";
import { OperatorTests } from "../operator/operator-tests.ts";
import { Peer } from "../operator/peer.ts";
import { ALPHA, accountToken, memoryConfig, USER, userToken } from "../operator/tokens.ts";

const it = new OperatorTests(import.meta.path);

const accountWith = (
  limits: string,
  more = "",
) => `accounts { A { users: [ {user: a, password: a}, {user: b, password: b} ], limits: { ${limits} } }
  B { users: [ {user: c, password: c} ] } }\n${more}`;

function login({ port }: Side, user = "a"): Promise<Peer> {
  return Peer.login(port, { connect: { user, pass: user } });
}

/** Subscribes to as many subjects. */
async function subscribe(peer: Peer, count: number): Promise<void> {
  peer.send(Array.from({ length: count }, (_, index) => `SUB s.${index} ${index}\r\n`).join(""));
  await peer.ping();
}

async function reload(side: Side, config: string): Promise<void> {
  const refused = await side.reloadWith(config);
  if (refused !== "") throw new Error(refused);
}

/** What the clients received, how many are closed, and what was logged about these: nats-server picks them at random. */
async function closedOf(side: Side, peers: readonly Peer[]): Promise<unknown> {
  const outcomes = await Promise.all(peers.map(async peer => ({ peer, ...(await peer.outcome()) })));
  const closed = outcomes.filter(one => one.closed);
  const errors = (peer: Peer) => linesOf(side, peer.info.client_id).filter(line => line.startsWith("ERR"));
  return {
    closed: closed.length,
    received: [...new Set(outcomes.map(one => `${one.closed} ${one.received.join("|")}`))].sort(),
    logged: closed
      .flatMap(one => errors(one.peer))
      .map(line => line.replaceAll(/user:.|User "."/g, "user"))
      .sort(),
  };
}

/** Waits until as many of them are closed. */
async function someClosed(peers: readonly Peer[], count: number): Promise<void> {
  while (peers.filter(peer => peer.closed).length < count) await Promise.all(peers.map(peer => peer.ping()));
}

const publish = (bytes: number) => `PUB x ${bytes}\r\n${"x".repeat(bytes)}\r\n`;

it.both(
  "max_connections of an account, lowered: clients above it are closed",
  () => accountWith("max_connections: 9"),
  async ({ side }) => {
    const peers = [await login(side), await login(side, "b"), await login(side), await login(side, "b")];
    const other = await login(side, "c");
    await reload(side, accountWith("max_connections: 2"));
    await someClosed(peers, 2);
    const closed = await closedOf(side, peers);
    return [closed, await (await login(side)).outcome(), await other.outcome()];
  },
);

it.both(
  "max_connections of an account, lowered to the present number: no client is closed",
  () => accountWith("max_connections: 9"),
  async ({ side }) => {
    const peers = [await login(side), await login(side, "b")];
    await reload(side, accountWith("max_connections: 2"));
    return [await closedOf(side, peers), await (await login(side)).outcome()];
  },
);

it.both(
  "max_connections of an account, raised and removed: more clients may connect",
  () => accountWith("max_connections: 1"),
  async ({ side }) => {
    const peers = [await login(side), await login(side)];
    await reload(side, accountWith("max_connections: 2"));
    peers.push(await login(side), await login(side));
    await reload(side, accountWith(""));
    peers.push(await login(side));
    return Promise.all(peers.map(peer => peer.outcome()));
  },
);

it.both(
  "max_connections of an account, set to 0: all its clients are closed",
  () => accountWith(""),
  async ({ side }) => {
    const peers = [await login(side), await login(side, "b")];
    await reload(side, accountWith("max_connections: 0"));
    await Promise.all(peers.map(peer => peer.untilClosed()));
    return closedOf(side, peers);
  },
);

it.both(
  "max_subscriptions of an account, lowered: clients that have reached it are closed",
  () => accountWith("max_subscriptions: 9"),
  async ({ side }) => {
    const [full, other, none] = [await login(side), await login(side), await login(side, "b")];
    await subscribe(full, 3);
    await subscribe(other, 1);
    await reload(side, accountWith("max_subscriptions: 2"));
    await full.untilClosed();
    await subscribe(other, 3);
    return [await full.outcome(), await other.outcome(), await none.outcome()];
  },
);

it.both(
  "max_subscriptions of an account, raised and removed: clients may subscribe more",
  () => accountWith("max_subscriptions: 2"),
  async ({ side }) => {
    const peer = await login(side);
    await subscribe(peer, 1);
    await reload(side, accountWith("max_subscriptions: 3"));
    await subscribe(peer, 4);
    peer.send("UNSUB 2\r\n");
    await reload(side, accountWith(""));
    await subscribe(peer, 9);
    return peer.outcome();
  },
);

it.both(
  "max_payload of an account, lowered and raised: the next message counts",
  () => accountWith("max_payload: 5"),
  async ({ side }) => {
    const peers = [await login(side), await login(side), await login(side)];
    await reload(side, accountWith("max_payload: 3"));
    peers[0]!.send(publish(4));
    const lowered = [await peers[0]!.untilClosed(), await peers[1]!.outcome()];
    await reload(side, accountWith("max_payload: 6"));
    peers[1]!.send(publish(6));
    const raised = await peers[1]!.outcome();
    peers[1]!.send(publish(7));
    await peers[1]!.untilClosed();
    await reload(side, accountWith(""));
    peers[2]!.send(publish(1000));
    return [lowered, raised, await peers[1]!.outcome(), await peers[2]!.outcome()];
  },
);

it.both(
  "max_connections of the server, lowered: clients above it are closed",
  () => accountWith(""),
  async ({ side }) => {
    const peers = [await login(side), await login(side), await login(side)];
    await reload(side, accountWith("", "max_connections: 1"));
    await someClosed(peers, 2);
    const outcomes = await closedOf(side, peers);
    await reload(side, accountWith("", "max_connections: 2"));
    return [outcomes, await (await login(side)).outcome()];
  },
);

it.both(
  "max_payload of the server, lowered and raised: the next message counts",
  () => accountWith("", "max_payload: 5"),
  async ({ side }) => {
    const peers = [await login(side), await login(side, "c")];
    await reload(side, accountWith("", "max_payload: 3"));
    peers[0]!.send(publish(4));
    await peers[0]!.untilClosed();
    await reload(side, accountWith("", "max_payload: 6"));
    peers[1]!.send(publish(6));
    const raised = await peers[1]!.outcome();
    peers[1]!.send(publish(7));
    await peers[1]!.untilClosed();
    return [await peers[0]!.outcome(), raised, await peers[1]!.outcome()];
  },
);

it.both(
  "max_control_line, lowered and raised: the next line counts",
  () => accountWith("", "max_control_line: 256"),
  async ({ side }) => {
    const peers = [await login(side), await login(side)];
    const line = (bytes: number) => `SUB ${"s".repeat(bytes)} 1\r\n`;
    await reload(side, accountWith("", "max_control_line: 100"));
    peers[0]!.send(line(120));
    await peers[0]!.untilClosed();
    await reload(side, accountWith("", "max_control_line: 400"));
    peers[1]!.send(line(300));
    return [await peers[0]!.outcome(), await peers[1]!.outcome()];
  },
);

const responses = (max: number) =>
  `accounts { A { users: [ {user: a, password: a, permissions: {subscribe: "q", allow_responses: {max: ${max}, expires: "1m"}}}, {user: b, password: b} ] } }`;
it.both(
  "the number of answers to a request, lowered: answers allowed before are forgotten",
  () => responses(3),
  async ({ side }) => {
    const [service, client] = [await login(side), await login(side, "b")];
    service.send("SUB q 1\r\n");
    await service.ping();
    client.send("PUB q r 0\r\n\r\n");
    await client.ping();
    service.send("PUB r 0\r\n\r\n");
    await service.ping();
    const first = service.take();
    await reload(side, responses(1));
    service.send("PUB r 0\r\n\r\n");
    await service.ping();
    client.send("PUB q r 0\r\n\r\n");
    await client.ping();
    service.send("PUB r 0\r\n\r\nPUB r 0\r\n\r\n");
    return [first, await service.outcome()];
  },
);

const claimed = (facts: Parameters<typeof accountToken>[1]) => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, facts) });
it.both(
  "limits of an account in a preloaded JWT: the newest clients are closed, and the others follow the new limits",
  () => claimed({}),
  async ({ side }) => {
    const user = () => Peer.login(side.port, { jwt: userToken(), signer: USER });
    const peers = [await user(), await user(), await user()];
    await reload(side, claimed({ limits: { connectionsMax: 2, subscriptionsMax: 2, payloadBytesMax: 3 }, issuedAgo: 0 }));
    await peers[2]!.untilClosed();
    await subscribe(peers[0]!, 3);
    peers[1]!.send(publish(4));
    await peers[1]!.untilClosed();
    return Promise.all(peers.map(peer => peer.outcome()));
  },
);

test("of the clients of an account the newest are closed", async () => {
  const side = await startOurs(accountWith(""));
  try {
    const peers = [await login(side), await login(side, "b"), await login(side), await login(side, "b")];
    await reload(side, accountWith("max_connections: 2"));
    expect((await Promise.all(peers.map(peer => peer.outcome()))).map(({ closed }) => closed)).toEqual([false, false, true, true]);
  } finally {
    await side.stop();
  }
});

/** nats-server lets the server's new limit replace the account's until the client reconnects. */
test("a reload of the server's max_payload leaves the lower limit of an account in force", async () => {
  const side = await startOurs(accountWith("max_payload: 3"));
  try {
    const peer = await login(side);
    await reload(side, accountWith("max_payload: 3", "max_payload: 1000"));
    peer.send(publish(4));
    expect(await peer.untilClosed()).toEqual(["-ERR 'Maximum Payload Violation'"]);
  } finally {
    await side.stop();
  }
});
