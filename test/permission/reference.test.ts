/**
 * Permissions beside the reference: dozens of users with generated permissions, each in an account of its own with somebody who may
 * everything. What nats-server refuses and delivers is what our classes say.
 *
 *   user   ── PUB … ──▶ refused?        user ── SUB … ──▶ refused?        other ── PUB … ──▶ user: delivered?
 *   other  ── PUB … reply ──▶ user ── PUB reply ──▶ refused?
 */
import { expect, test } from "bun:test";
import { ClientPermissions } from "../../src/access/permission/client-permissions.ts";
import type { PermissionOptions } from "../../src/access/permission/permission-options.ts";
import { Permissions } from "../../src/access/permission/permissions.ts";
import { encode } from "../../src/base/bytes/ascii.ts";
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../../src/base/random/seed.ts";
import { covers } from "../doubles/permission-model.ts";
import { randomLiteral, randomPattern, randomPermissions, randomQueue } from "../doubles/random-permissions.ts";
import { findReference, ReferenceServer, referenceIsRequired } from "../reference/reference-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";

const USERS = 48;
const SUBSCRIPTIONS = 40;
const MESSAGES = 60;
const PUBLISHED = 60;
const REPLY_ROUNDS = 25;

const reference = findReference();
const skipped = reference.path === null && !referenceIsRequired();
const reason = skipped ? ` (skipped: ${reference.missing})` : "";

interface Subscribed {
  readonly sid: number;
  readonly subject: string;
  readonly queue: string | null;
}

test.skipIf(skipped)(
  `generated permissions refuse and deliver what nats-server refuses and delivers${reason}`,
  async () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const permissions = Array.from({ length: USERS }, () => randomPermissions(random));
    const server = await ReferenceServer.start(configOf(permissions));
    try {
      await Promise.all(
        permissions.map(async (options, number) => {
          // Each user its own numbers, so that they do not depend on how the network orders things.
          const own = new Random(seed + number + 1);
          const user = await Peer.open(server.port, `user${number}`);
          const other = await Peer.open(server.port, `other${number}`);
          const client = new ClientPermissions(Permissions.compile(options, own), SYSTEM_CLOCK, own);
          const message = `SEED=${seed} user ${number} ${JSON.stringify(options)}`;
          await comparePublishing(user, client, own, message);
          const subscriptions = await compareSubscribing(user, client, own, message);
          await compareDelivery(user, other, client, subscriptions, own, message);
          await compareReplies(user, other, client, subscriptions, own, message);
          user.close();
          other.close();
        }),
      );
    } finally {
      await server.stop();
    }
  },
  120_000,
);

async function comparePublishing(user: Peer, client: ClientPermissions, random: Random, message: string): Promise<void> {
  // Repetitions too: they are answered from memory.
  const subjects = Array.from({ length: PUBLISHED }, () =>
    random.chance(0.1)
      ? random.pick(["a..b", "a.", ".a", "orders..x"])
      : random.chance(0.3)
        ? randomPattern(random)
        : randomLiteral(random),
  );
  const lines = await user.ask(subjects.map(subject => `PUB ${subject} 0\r\n\r\n`));
  const refused = subjects.filter(subject => !mayPublish(client, subject));
  expect(lines, message).toEqual(refused.map(subject => `-ERR 'Permissions Violation for Publish to "${subject}"'`));
}

async function compareSubscribing(user: Peer, client: ClientPermissions, random: Random, message: string): Promise<Subscribed[]> {
  const asked: Subscribed[] = Array.from({ length: SUBSCRIPTIONS }, (_, sid) => ({
    sid,
    subject: random.chance(0.6) ? randomPattern(random) : randomLiteral(random),
    queue: random.chance(0.5) ? randomQueue(random) : null,
  }));
  const lines = await user.ask(asked.map(({ subject, queue, sid }) => `SUB ${subject} ${queue ?? ""} ${sid}\r\n`));
  const mayHave = ({ subject, queue }: Subscribed) => client.maySubscribe(encode(subject), queue === null ? null : encode(queue));
  const refused = asked.filter(wish => !mayHave(wish));
  expect(lines, message).toEqual(
    refused.map(
      ({ subject, queue }) =>
        `-ERR 'Permissions Violation for Subscription to "${subject}"${queue === null ? "" : ` using queue "${queue}"`}'`,
    ),
  );
  return asked.filter(mayHave);
}

async function compareDelivery(
  user: Peer,
  other: Peer,
  client: ClientPermissions,
  subscriptions: Subscribed[],
  random: Random,
  message: string,
): Promise<void> {
  const subjects = Array.from({ length: MESSAGES }, () => (random.chance(0.15) ? randomPattern(random) : randomLiteral(random)));
  expect(await other.ask(subjects.map((subject, id) => `PUB ${subject} ${String(id).length}\r\n${id}\r\n`)), message).toEqual([]);
  const received = deliveries(await user.ask([]), subscriptions);
  const expected = subjects.flatMap((subject, id) => receiversOf(subject, client, subscriptions).map(receiver => `${id} ${receiver}`));
  expect(received, message).toEqual(expected.sort());
}

/** Plain subscriptions by sid, queue groups by name: the server picks the member. */
function receiversOf(subject: string, client: ClientPermissions, subscriptions: Subscribed[]): string[] {
  const receivers = new Set<string>();
  const bytes = encode(subject);
  for (const subscription of subscriptions) {
    if (!covers(subscription.subject, subject)) continue;
    const queue = subscription.queue === null ? null : encode(subscription.queue);
    const filter = client.filterOf(encode(subscription.subject), queue);
    if (filter === null || filter.allows(bytes, 0, bytes.length)) receivers.add(receiverName(subscription));
  }
  return [...receivers];
}

const receiverName = ({ sid, queue }: Subscribed) => (queue === null ? `sid ${sid}` : `queue ${queue}`);

function deliveries(lines: string[], subscriptions: Subscribed[]): string[] {
  const bySid = new Map(subscriptions.map(subscription => [subscription.sid, subscription]));
  const received: string[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    const [verb, , sid] = lines[at].split(" ");
    expect(verb).toBe("MSG");
    received.push(`${lines[at + 1]} ${receiverName(bySid.get(Number(sid))!)}`);
  }
  return received.sort();
}

/** Requests, some with the same reply again, and more answers than are allowed. */
async function compareReplies(
  user: Peer,
  other: Peer,
  client: ClientPermissions,
  subscriptions: Subscribed[],
  random: Random,
  message: string,
): Promise<void> {
  for (let round = 0; round < REPLY_ROUNDS; round++) {
    const subject = randomLiteral(random);
    const reply = random.chance(0.8) ? `_INBOX.${random.below(3)}` : randomLiteral(random);
    if (random.chance(0.7)) {
      await other.ask([`PUB ${subject} ${reply} 0\r\n\r\n`]);
      const bytes = encode(reply);
      for (const _receiver of receiversOf(subject, client, subscriptions))
        if (client.tracksReplies) client.trackReply(bytes, 0, bytes.length);
    }
    const answers = Array.from({ length: random.below(4) }, () => `_INBOX.${random.below(3)}`);
    const errors = (await user.ask(answers.map(answer => `PUB ${answer} 0\r\n\r\n`))).filter(line => line.startsWith("-ERR"));
    const refused = answers.filter(answer => !mayPublish(client, answer));
    expect(errors, `${message} round ${round}`).toEqual(refused.map(answer => `-ERR 'Permissions Violation for Publish to "${answer}"'`));
  }
}

function mayPublish(client: ClientPermissions, subject: string): boolean {
  const bytes = encode(subject);
  return client.mayPublish(bytes, 0, bytes.length);
}

function configOf(permissions: PermissionOptions[]): string {
  const accounts = permissions.map(
    (options, number) =>
      `A${number} { users: [ { user: other${number}, password: p }, { user: user${number}, password: p, permissions: ${blockOf(options)} } ] }`,
  );
  return `accounts {\n${accounts.join("\n")}\n}`;
}

/** JSON is nearly the configuration language; what says nothing is left out. */
function blockOf({ publish, subscribe, responses }: PermissionOptions): string {
  const filled = (lists: PermissionOptions["publish"]) =>
    lists && Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== null));
  return JSON.stringify({
    ...(publish && { publish: filled(publish) }),
    ...(subscribe && { subscribe: filled(subscribe) }),
    ...(responses && { allow_responses: { max: responses.messagesMax, expires: `${responses.expiresMs}ms` } }),
  });
}

class Peer {
  private constructor(private readonly wire: WireConnection) {}

  static async open(port: number, user: string): Promise<Peer> {
    const wire = await WireConnection.open(port, user);
    await wire.takeLine(); // INFO
    const peer = new Peer(wire);
    const options = { user, pass: "p", verbose: false, pedantic: false, echo: false };
    expect(await peer.ask([`CONNECT ${JSON.stringify(options)}\r\n`])).toEqual([]);
    return peer;
  }

  /** Sends, and takes the lines that came until the server has seen it all. */
  async ask(commands: string[]): Promise<string[]> {
    await this.wire.write(encode(`${commands.join("")}PING\r\n`));
    const lines: string[] = [];
    while (true) {
      const line = Buffer.from(await this.wire.takeLine())
        .toString()
        .trimEnd();
      if (line === "PONG" || this.wire.ended) return lines;
      if (line !== "PING") lines.push(line);
      else await this.wire.write(encode("PONG\r\n"));
    }
  }

  close(): void {
    this.wire.terminate();
  }
}
