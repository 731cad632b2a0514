/**
 * Permissions compared with nats-server: users with generated permissions, each in its own account with a second user without limits.
 * Our classes must refuse and deliver what nats-server refuses and delivers.
 *
 *   user   ── PUB … ──▶ refused?        user ── SUB … ──▶ refused?        other ── PUB … ──▶ user: delivered?
 *   other  ── PUB … reply ──▶ user ── PUB reply ──▶ refused?
 */
import { expect } from "bun:test";
import { ClientPermissions } from "../../src/access/permission/client-permissions.ts";
import type { PermissionOptions } from "../../src/access/permission/permission-options.ts";
import { Permissions } from "../../src/access/permission/permissions.ts";
import { encode } from "../../src/base/bytes/ascii.ts";
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import { Random } from "../../src/base/random/random.ts";
import { covers } from "../doubles/permission-model.ts";
import { randomLiteral, randomPattern, randomPermissions, randomQueue } from "../doubles/random-permissions.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { answerOfReference, Recording, referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";

const it = new Recording(import.meta.path);
const USERS = 48;
const SUBSCRIPTIONS = 40;
const MESSAGES = 60;
const PUBLISHED = 60;
const REPLY_ROUNDS = 25;
/** Recorded, so that the comparison also runs without nats-server. */
const RECORDED_SEED = 1;
const RECORDED_USERS = 12;

interface Subscribed {
  readonly sid: number;
  readonly subject: string;
  readonly queue: string | null;
}

/** What a user with generated permissions publishes and subscribes, and the messages that the other user publishes. */
interface Plan {
  readonly options: PermissionOptions;
  readonly published: readonly string[];
  readonly subscriptions: readonly Subscribed[];
  readonly messages: readonly string[];
  readonly rounds: readonly { readonly request: { subject: string; reply: string } | null; readonly answers: readonly string[] }[];
}

/** The results of a plan: refusals, and the received messages with their receivers. */
interface Observed {
  readonly published: readonly string[];
  readonly subscribed: readonly string[];
  readonly received: readonly string[];
  /** Refusals of answers, by round. */
  readonly replies: readonly (readonly string[])[];
}

it.compared(
  "generated permissions refuse and deliver what nats-server refuses and delivers",
  async () => {
    const recorded = plansOf(RECORDED_SEED, RECORDED_USERS);
    compareAll(recorded, await answerOfReference(() => observeAll(recorded)), "recorded");
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    const plans = plansOf(seed, USERS);
    compareAll(plans, await observeAll(plans), `SEED=${seed}`);
  },
  120_000,
);

function plansOf(seed: number, count: number): Plan[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => randomPlan(random));
}

function randomPlan(random: Random): Plan {
  return {
    options: randomPermissions(random),
    // Subjects repeat, so that cached decisions are used too.
    published: Array.from({ length: PUBLISHED }, () =>
      random.chance(0.1)
        ? random.pick(["a..b", "a.", ".a", "orders..x"])
        : random.chance(0.3)
          ? randomPattern(random)
          : randomLiteral(random),
    ),
    subscriptions: Array.from({ length: SUBSCRIPTIONS }, (_, sid) => ({
      sid,
      subject: random.chance(0.6) ? randomPattern(random) : randomLiteral(random),
      queue: random.chance(0.5) ? randomQueue(random) : null,
    })),
    messages: Array.from({ length: MESSAGES }, () => (random.chance(0.15) ? randomPattern(random) : randomLiteral(random))),
    rounds: Array.from({ length: REPLY_ROUNDS }, () => {
      const subject = randomLiteral(random);
      const reply = random.chance(0.8) ? `_INBOX.${random.below(3)}` : randomLiteral(random);
      return {
        request: random.chance(0.7) ? { subject, reply } : null,
        answers: Array.from({ length: random.below(4) }, () => `_INBOX.${random.below(3)}`),
      };
    }),
  };
}

/** Runs all plans on nats-server at the same time. */
async function observeAll(plans: readonly Plan[]): Promise<Observed[]> {
  const server = await ReferenceServer.start(configOf(plans.map(({ options }) => options)));
  try {
    return await Promise.all(
      plans.map(async (plan, number) => {
        const user = await Peer.open(server.port, `user${number}`);
        const other = await Peer.open(server.port, `other${number}`);
        const observed = await observe(plan, user, other);
        user.close();
        other.close();
        return observed;
      }),
    );
  } finally {
    await server.stop();
  }
}

async function observe({ messages, published, rounds, subscriptions }: Plan, user: Peer, other: Peer): Promise<Observed> {
  const refusedToPublish = await user.ask(published.map(subject => `PUB ${subject} 0\r\n\r\n`));
  const subscribed = await user.ask(subscriptions.map(({ subject, queue, sid }) => `SUB ${subject} ${queue ?? ""} ${sid}\r\n`));
  expect(await other.ask(messages.map((subject, id) => `PUB ${subject} ${String(id).length}\r\n${id}\r\n`))).toEqual([]);
  const received = deliveries(await user.ask([]), subscriptions);
  const replies: string[][] = [];
  for (const { answers, request } of rounds) {
    if (request !== null) await other.ask([`PUB ${request.subject} ${request.reply} 0\r\n\r\n`]);
    replies.push((await user.ask(answers.map(answer => `PUB ${answer} 0\r\n\r\n`))).filter(line => line.startsWith("-ERR")));
  }
  return { published: refusedToPublish, subscribed, received, replies };
}

function compareAll(plans: readonly Plan[], observed: readonly Observed[], where: string): void {
  expect(observed.length).toBe(plans.length);
  for (const [number, plan] of plans.entries()) {
    expect(expectedOf(plan), `${where} user ${number} ${JSON.stringify(plan.options)}`).toEqual(observed[number]!);
  }
}

const publishRefusal = (subject: string) => `-ERR 'Permissions Violation for Publish to "${subject}"'`;

/** The results of a plan according to our classes. */
function expectedOf({ messages, options, published, rounds, subscriptions }: Plan): Observed {
  const random = new Random(1);
  const client = new ClientPermissions(Permissions.compile(options, random), SYSTEM_CLOCK, random);
  const mayHave = ({ subject, queue }: Subscribed) => client.maySubscribe(encode(subject), queue === null ? null : encode(queue));
  const refusedToPublish = published.filter(subject => !mayPublish(client, subject));
  const taken = subscriptions.filter(mayHave);
  const refusals = subscriptions
    .filter(wish => !taken.includes(wish))
    .map(
      ({ subject, queue }) =>
        `-ERR 'Permissions Violation for Subscription to "${subject}"${queue === null ? "" : ` using queue "${queue}"`}'`,
    );
  const received = messages.flatMap((subject, id) => receiversOf(subject, client, taken).map(receiver => `${id} ${receiver}`));
  const replies = rounds.map(({ answers, request }) => {
    if (request !== null) {
      const bytes = encode(request.reply);
      for (const _receiver of receiversOf(request.subject, client, taken))
        if (client.tracksReplies) client.trackReply(bytes, 0, bytes.length);
    }
    return answers.filter(answer => !mayPublish(client, answer)).map(publishRefusal);
  });
  return { published: refusedToPublish.map(publishRefusal), subscribed: refusals, received: received.sort(), replies };
}

/** Receivers of a subject: plain subscriptions by sid, and queue groups by name because the server picks the member. */
function receiversOf(subject: string, client: ClientPermissions, subscriptions: readonly Subscribed[]): string[] {
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

function deliveries(lines: string[], subscriptions: readonly Subscribed[]): string[] {
  const bySid = new Map(subscriptions.map(subscription => [subscription.sid, subscription]));
  const received: string[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    const [verb, , sid] = lines[at].split(" ");
    expect(verb).toBe("MSG");
    received.push(`${lines[at + 1]} ${receiverName(bySid.get(Number(sid))!)}`);
  }
  return received.sort();
}

function mayPublish(client: ClientPermissions, subject: string): boolean {
  const bytes = encode(subject);
  return client.mayPublish(bytes, 0, bytes.length);
}

function configOf(permissions: readonly PermissionOptions[]): string {
  const accounts = permissions.map(
    (options, number) =>
      `A${number} { users: [ { user: other${number}, password: p }, { user: user${number}, password: p, permissions: ${blockOf(options)} } ] }`,
  );
  return `accounts {\n${accounts.join("\n")}\n}`;
}

/** A permissions block. The configuration language accepts JSON; lists that are null are left out. */
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

  /** Sends commands and PING. @returns the lines that came before the PONG */
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
