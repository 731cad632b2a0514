/** Hostile and vanishing peers: they do not disturb a pair of healthy clients, and the server keeps nothing of them. */
import { expect, test } from "bun:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { Peer, type WayToLeave } from "./peer.ts";
import { TestServer } from "./test-server.ts";
import { until } from "./until.ts";

const MIB = 1024 * 1024;
const TIMEOUT_MS = 120_000;
const CONNECT = 'CONNECT {"verbose":false,"pedantic":false}\r\n';

/** Two clients that send requests and answers without a pause, and check each answer. */
class HealthyPair implements AsyncDisposable {
  private stopped = false;
  private answers = 0;
  private readonly conversation: Promise<void>;

  private constructor(
    private readonly requester: NatsConnection,
    private readonly service: NatsConnection,
  ) {
    this.conversation = this.converse();
  }

  static async start(server: TestServer): Promise<HealthyPair> {
    const options = { servers: `nats://127.0.0.1:${server.port}`, reconnect: false };
    const [requester, service] = await Promise.all([connect(options), connect(options)]);
    service.subscribe("healthy", { callback: (_error, message) => void message.respond(message.data) });
    await service.flush();
    return new HealthyPair(requester, service);
  }

  private async converse(): Promise<void> {
    while (!this.stopped) {
      const question = `question ${this.answers}`;
      const answer = await this.requester.request("healthy", question, { timeout: 60_000 });
      if (answer.string() !== question) throw new Error(`${answer.string()} answers ${question}`);
      this.answers++;
    }
  }

  /** Expects that both are still connected and continue, then closes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { answers } = this;
    await Promise.race([
      this.conversation,
      until(
        () => this.answers >= answers + 10,
        () => "the healthy clients get no answers",
      ),
    ]);
    this.stopped = true;
    await this.conversation;
    expect([this.requester.isClosed(), this.service.isClosed()]).toEqual([false, false]);
    await Promise.all([this.requester.close(), this.service.close()]);
  }
}

function hostileTest(title: string, run: (server: TestServer) => Promise<void>): void {
  test(
    title,
    async () => {
      await using server = TestServer.open({ pendingBytesMax: 2 * MIB });
      {
        await using _pair = await HealthyPair.start(server);
        await run(server);
      }
      await server.cleared();
    },
    TIMEOUT_MS,
  );
}

const WAYS_TO_LEAVE: WayToLeave[] = ["FIN", "RST"];

hostileTest("100,000 SUBs in one write", async server => {
  const peer = await Peer.open(server.port);
  let lines = CONNECT;
  for (let sid = 0; sid < 100_000; sid++) lines += `SUB s.${sid % 1_000}.${sid} ${sid}\r\n`;
  await peer.write(lines);
  await until(
    () => server.globalAccount.interest.all().length >= 100_000,
    () => `${server.globalAccount.interest.all().length} subscriptions`,
  );
  peer.leave("RST");
});

hostileTest("sizes of a gigabyte, of too many digits, and negative ones", async server => {
  const claims = [
    ...["PUB a 999999999", "PUB a b 999999999", "PUB a 99999999999999999999", "PUB a -1", "PUB a 0x10"],
    ...["HPUB a 12 999999999", "HPUB a 999999999 999999999", "HPUB a 20 10", "HPUB a -1 5", "HPUB a 4294967296 4294967296"],
  ];
  const connected = CONNECT.replace("{", '{"headers":true,');
  const peers = await Promise.all(claims.map(() => Peer.open(server.port)));
  await Promise.all(peers.map((peer, index) => peer.write(`${connected}${claims[index]}\r\n`)));
  await Promise.all(peers.map(peer => peer.gone()));
});

hostileTest("binary garbage", async server => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const peers = await Promise.all(Array.from({ length: 50 }, () => Peer.open(server.port)));
  for (const [index, peer] of peers.entries()) {
    const garbage = Buffer.from(Uint8Array.from({ length: 64 * 1024 }, () => random.below(256)));
    // Half of them send CONNECT first, and some begin like a command.
    await peer.write(`${index % 2 === 0 ? CONNECT : ""}${["", "PUB ", "SUB a ", "+OK ", "CONNECT "][index % 5]}`);
    await peer.write(garbage);
  }
  for (const peer of peers) peer.leave("FIN"); // peers that sent no line feed are still connected
  await until(
    () => server.connections.size === 2,
    () => `SEED=${seed}: ${server.connections.size} connections`,
  );
});

hostileTest("truncated lines and payloads of peers that vanish", async server => {
  const halves = [
    "SUB fo",
    "PUB",
    "PUB a 1000000\r\nabc",
    "HPUB a 5 9",
    "CONNECT {",
    "PUB a 5\r\nhello",
    "PUB a 5\r\nhello\r",
    `SUB ${"x".repeat(3_000)}`,
  ];
  for (const how of WAYS_TO_LEAVE) {
    const peers = await Promise.all(Array.from({ length: 80 }, () => Peer.open(server.port)));
    await Promise.all(peers.map((peer, index) => peer.write(`${index % 3 === 0 ? "" : CONNECT}${halves[index % halves.length]}`)));
    await until(
      () => server.connections.size === 82 || peers.some(({ ended }) => ended),
      () => `${server.connections.size} connections`,
    );
    for (const peer of peers) peer.leave(how);
    await until(
      () => server.connections.size === 2,
      () => `${server.connections.size} connections after ${how}`,
    );
  }
});

hostileTest("subscribers that never read", async server => {
  const peers = await Promise.all(Array.from({ length: 20 }, () => Peer.subscriber(server.port, "flood")));
  for (const peer of peers) peer.pause();
  const publisher = await Peer.open(server.port);
  await publisher.write(CONNECT);
  const flood = `PUB flood 1024\r\n${"x".repeat(1024)}\r\n`.repeat(500);
  for (let round = 0; round < 60 && server.counters.slowConsumers < 20; round++) await publisher.write(flood);
  await until(
    () => server.counters.slowConsumers === 20,
    () => `${server.counters.slowConsumers} of 20 are closed`,
  );
  for (const peer of [...peers, publisher]) peer.leave("RST");
});

hostileTest("a peer that requests endless answers and never reads them", async server => {
  const peer = await Peer.open(server.port);
  peer.pause();
  const written = peer.write(CONNECT + "PING\r\n".repeat(4_000_000)); // 24 MB of answers: more than the socket buffers and the server hold
  await until(
    () => server.counters.slowConsumers === 1,
    () => "the peer was not closed",
  );
  peer.leave("RST");
  await written;
});

/** Opens 1,000 connections, 250 at a time: half leave at once, half after their CONNECT, in both ways. */
async function burst(server: TestServer): Promise<void> {
  const before = server.counters.totalConnections;
  for (let batch = 0; batch < 4; batch++) {
    await Promise.all(
      Array.from({ length: 250 }, async (_, index) => {
        const peer = await Peer.open(server.port);
        if (index % 2 === 0) await peer.write(`${CONNECT}SUB burst.${index} 1\r\nPUB burst.${index} 2\r\nhi\r\n`);
        peer.leave(WAYS_TO_LEAVE[(index >> 1) % 2]!);
      }),
    );
  }
  await until(
    () => server.counters.totalConnections === before + 1_000 && server.connections.size === 2,
    () => `${server.counters.totalConnections - before} were opened, ${server.connections.size} are open`,
  );
}

hostileTest("repeated bursts of a thousand connections do not grow the memory", async server => {
  const resident = () => {
    Bun.gc(true);
    return process.memoryUsage.rss() / MIB;
  };
  for (let warmUp = 0; warmUp < 3; warmUp++) await burst(server);
  const before = resident();
  for (let round = 0; round < 6; round++) await burst(server);
  const grown = resident() - before;
  // Each of the 6,000 has also left a record for /connz, of which there are at most 10,000.
  expect(grown, `grown by ${grown.toFixed(1)} MiB`).toBeLessThan(48);
});
