/**
 * Two equal networks of connections, callbacks and other servers. In one, a batch goes through the fan-out. In the other, each message is
 * delivered to all receivers before the next message. Each receiver must see the same messages in the same order.
 */
import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { MessageBatch } from "../batch/message-batch.ts";
import type { Originator } from "../batch/originator.ts";
import { type RemotePeer, type Sink, Subscription } from "../batch/subscription.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { MessageSource, selectQueueMember } from "../subject/queue-selection.ts";
import { SubjectTrie } from "../subject/subject-trie.ts";
import { Origin } from "../subject/trie-entry.ts";
import type { FanOutPublisher } from "./fan-out.ts";
import { FanOutStack } from "./fan-out-stack.ts";
import { LocalPublisher } from "./local-publisher.ts";
import { maySend, wouldReturn } from "./remote-members.ts";

const ROUNDS = 2_000;
const DEPTH_MAX = 4;
/** Callbacks stop publishing after this number of recorded lines, because callbacks that publish to each other would never end. */
const LINES_MAX = 200;
const SUBJECTS = ["a.x", "a.y", "b.x", "b.y"];
const PATTERNS = ["a.x", "a.y", "a.*", "b.*", "*.x", ">", "b.x"];
const NO_SID = new Uint8Array(0);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

interface Message {
  readonly subject: string;
  readonly reply: boolean;
  readonly payload: string;
}

interface Receiver {
  readonly kind: "connection" | "callback" | "server";
  /** Connection or server. */
  readonly owner: number;
  readonly pattern: string;
  readonly queue: string | null;
  readonly origin: Origin;
  readonly weight: number;
  readonly deliveredMax: number;
  /** Its filter drops messages on this subject. */
  readonly denied: string;
  /** False for a callback that takes no messages, like a service import without a responder. */
  readonly takes: boolean;
  /** Actions of a callback: one for each message, then from the first again. */
  readonly actions: readonly Action[];
}

type Action =
  | { readonly does: "nothing" }
  | { readonly does: "publish"; readonly messages: readonly Message[] }
  | { readonly does: "subscribe"; readonly receiver: Receiver }
  | { readonly does: "unsubscribe"; readonly index: number }
  | { readonly does: "close"; readonly owner: number };

interface Plan {
  readonly receivers: readonly Receiver[];
  readonly messages: readonly Message[];
  readonly source: MessageSource;
  readonly echo: boolean;
  readonly noResponders: boolean;
  readonly originCluster: string;
  readonly clusters: readonly string[];
  readonly seed: number;
}

class Network {
  readonly interest: SubjectTrie<Subscription>;
  readonly random: Random;
  readonly stack: FanOutStack;
  readonly publisher: LocalPublisher;
  readonly connections: Connection[];
  readonly servers: Server[];
  readonly subscriptions: Subscription[] = [];
  /** Messages that callbacks got, in the order of their calls. */
  readonly calls: string[] = [];
  depth = 0;

  constructor(
    readonly plan: Plan,
    /** Delivers each message to all receivers before the next message. */
    readonly slow: boolean,
  ) {
    this.random = new Random(plan.seed);
    this.interest = new SubjectTrie({ cache: true, random: new Random(1), schedule: () => {} });
    this.stack = new FanOutStack(this.random, new WorkMeter());
    const turn = { fanOuts: this.stack, endSoon: () => {}, outMessages: 0, outBytes: 0 };
    const counters = { outMessages: 0, outBytes: 0, outClientMessages: 0, outClientBytes: 0 };
    this.publisher = new LocalPublisher({ interest: this.interest, traffic: { outMessages: 0, outBytes: 0 } }, { turn, counters });
    this.connections = Array.from({ length: 4 }, () => new Connection(this));
    this.servers = plan.clusters.map(cluster => new Server(cluster));
    for (const receiver of plan.receivers) this.subscribe(receiver);
  }

  subscribe(receiver: Receiver): void {
    const { kind, owner, pattern, queue, origin, weight, denied } = receiver;
    const sink = kind === "connection" ? this.connections[owner]! : kind === "server" ? this.servers[owner]! : new Callback(this, receiver);
    const subscription = new Subscription(sink, bytes(pattern), queue === null ? null : bytes(queue), NO_SID, origin);
    subscription.weight = weight;
    subscription.deliveredMax = receiver.deliveredMax;
    if (denied !== "") {
      subscription.filter = {
        sizeMin: 0,
        sizeMax: 100,
        byteAt: -1,
        byteThere: 0,
        allows: (subject, start, end) => textOf(subject, start, end) !== denied,
      };
    }
    this.subscriptions.push(subscription);
    this.interest.insert(subscription);
  }

  end(subscription: Subscription): void {
    if (subscription.closed) return;
    subscription.closed = true;
    this.interest.remove(subscription);
  }

  /** Publishes as a connection's parser does: it looks up the receivers of the next run before it delivers the current run. */
  publishAsClient(): void {
    const { echo, messages, noResponders, originCluster, source } = this.plan;
    const connection = this.connections[0]!;
    const originator = { sink: connection, echo } as unknown as Originator;
    const publisher: FanOutPublisher = { interest: this.interest, source, noResponders: noResponders ? connection : null };
    const batch = batchOf(messages);
    Object.assign(batch, { originator, originCluster });
    if (this.slow) return this.deliverSlowly(publisher, batch);
    let from = 0;
    let result = this.match(batch, 0);
    let { generation } = this.interest;
    while (from < batch.count) {
      let to = from + 1;
      let next = result;
      while (to < batch.count) {
        next = this.match(batch, to);
        if (next !== result) break;
        to++;
      }
      const nextGeneration = this.interest.generation;
      this.stack.deliver(publisher, batch, from, to, result, generation);
      from = to;
      result = next;
      generation = nextGeneration;
    }
  }

  publishInside(messages: readonly Message[]): void {
    if (this.depth === DEPTH_MAX) return;
    this.depth++;
    const publisher: FanOutPublisher = { interest: this.interest, source: MessageSource.Internal, noResponders: null };
    if (this.slow) this.deliverSlowly(publisher, batchOf(messages));
    else if (messages.length > 1) this.publisher.publishBatch(batchOf(messages));
    else this.publisher.publish(messages[0]!.subject, messages[0]!.reply ? "r" : "", null, messages[0]!.payload);
    this.depth--;
  }

  private match(batch: MessageBatch, index: number): MatchResult<Subscription> {
    return this.interest.match(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index));
  }

  private deliverSlowly({ source, noResponders }: FanOutPublisher, batch: MessageBatch): void {
    for (let index = 0; index < batch.count; index++) {
      const { plain, groups } = this.match(batch, index);
      const carriers = new Map<Sink, { subscription: Subscription; queues: Uint8Array[] }>();
      const { originator } = batch;
      const deliverTo = (subscription: Subscription) => {
        if (originator !== null && originator.sink === subscription.sink && !originator.echo) return 0;
        return subscription.sink.deliver(subscription, batch, index, index + 1);
      };
      const carrier = (subscription: Subscription) => {
        if (!carriers.has(subscription.sink)) carriers.set(subscription.sink, { subscription, queues: [] });
        return carriers.get(subscription.sink)!;
      };
      let taken = 0;
      for (const subscription of plain) if (subscription.sink.remote === undefined) taken += deliverTo(subscription);
      for (const group of groups) {
        const member = selectQueueMember(group, source, this.random, {
          tryDeliver: local => deliverTo(local) > 0,
          isEcho: remote => wouldReturn(remote, batch, source),
        });
        if (member?.sink.remote !== undefined) carrier(member).queues.push(member.queue!);
        else if (member !== null) taken++;
      }
      for (const subscription of plain) {
        if (subscription.sink.remote !== undefined && maySend(subscription, batch, source)) carrier(subscription);
      }
      for (const [sink, { subscription, queues }] of carriers) taken += sink.remote!.carry(subscription, batch, index, index + 1, queues);
      if (taken === 0) noResponders?.onNoResponders(batch, index);
    }
  }

  /** What all receivers saw. */
  seen(): unknown {
    const { calls, connections, servers } = this;
    return { calls, connections: connections.map(({ log }) => log), servers: servers.map(({ log }) => log) };
  }
}

class Connection implements Sink {
  mark = 0;
  readonly takesRuns = true;
  readonly log: string[] = [];
  closed = false;

  constructor(private readonly network: Network) {}

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    if (this.closed) return 0;
    let taken = 0;
    for (let index = from; index < to && !subscription.closed; index++) {
      if (subscription.filter?.allows(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index)) === false) continue;
      taken++;
      this.log.push(`${this.network.subscriptions.indexOf(subscription)}: ${batch.subjectText(index)} ${batch.payload(index)}`);
      if (++subscription.delivered === subscription.deliveredMax) this.network.end(subscription);
    }
    return taken;
  }

  onNoResponders(batch: MessageBatch, index: number): void {
    if (batch.replyText(index) !== "" && !this.closed) this.log.push(`503 ${batch.payload(index)}`);
  }

  close(): void {
    this.network.stack.catchUp();
    this.closed = true;
    for (const subscription of this.network.subscriptions) if (subscription.sink === this) this.network.end(subscription);
  }
}

class Callback implements Sink {
  mark = 0;
  readonly takesRuns = false;
  private count = 0;

  constructor(
    private readonly network: Network,
    private readonly receiver: Receiver,
  ) {}

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    let index = from;
    for (; index < to && !subscription.closed; index++) {
      const { network } = this;
      if (++subscription.delivered === subscription.deliveredMax) network.end(subscription);
      const name = network.subscriptions.indexOf(subscription);
      network.calls.push(`${name} gets ${batch.subjectText(index)} ${batch.payload(index)}`);
      const { actions } = this.receiver;
      this.act(actions[this.count++ % actions.length]!);
      network.calls.push(`${name} is done with ${batch.subjectText(index)} ${batch.payload(index)}`);
    }
    return this.receiver.takes ? index - from : 0;
  }

  private act(action: Action): void {
    const { network } = this;
    if (network.calls.length > LINES_MAX) return;
    if (action.does === "publish") network.publishInside(action.messages);
    else if (action.does === "subscribe") network.subscribe(action.receiver);
    else if (action.does === "unsubscribe") {
      // Clients do not unsubscribe within a delivery.
      const subscription = network.subscriptions[action.index % network.subscriptions.length]!;
      if (subscription.sink instanceof Callback) network.end(subscription);
    } else if (action.does === "close") network.connections[action.owner]!.close();
  }
}

class Server implements Sink, RemotePeer {
  mark = 0;
  readonly takesRuns = true;
  readonly log: string[] = [];
  readonly remote = this;

  constructor(private readonly cluster: string) {}

  deliver(): number {
    throw new Error("messages for another server are sent with carry()");
  }

  clusterOf(): string {
    return this.cluster;
  }

  carry(_subscription: Subscription, batch: MessageBatch, from: number, to: number, queues: readonly Uint8Array[]): number {
    const names = queues.map(queue => Buffer.from(queue).toString()).join(",");
    for (let index = from; index < to; index++) this.log.push(`${batch.subjectText(index)} ${batch.payload(index)} [${names}]`);
    return to - from;
  }
}

function textOf(source: Uint8Array, start: number, end: number): string {
  return Buffer.from(source.subarray(start, end)).toString();
}

function batchOf(messages: readonly Message[]): MessageBatch {
  const batch = new MessageBatch(messages.length);
  let text = "";
  for (const { subject, reply, payload } of messages) {
    const start = text.length;
    const subjectEnd = start + subject.length;
    const replyEnd = subjectEnd + (reply ? 1 : 0);
    batch.add(start, subjectEnd, subjectEnd, replyEnd, -1, replyEnd, replyEnd + payload.length);
    text += `${subject}${reply ? "r" : ""}${payload}\r\n`;
  }
  batch.source = Buffer.from(text);
  batch.subjectSource = batch.source;
  return batch;
}

function randomPlan(random: Random): Plan {
  const busy = random.chance(0.5);
  let count = 0;
  const replies = random.pick([0, 0, 0.5, 1]);
  const messages = (most: number, spread: number) => {
    const subjects = SUBJECTS.slice(0, spread);
    return Array.from({ length: 1 + random.below(most) }, () => ({
      subject: random.pick(subjects),
      reply: random.chance(replies),
      payload: `m${++count}`,
    }));
  };
  const servers = random.chance(0.3) ? 1 + random.below(3) : 0;
  const action = (deep: boolean): Action => {
    const drawn = random.below(10);
    if (!busy || drawn < 5) return { does: "nothing" };
    if (drawn < 7) return { does: "publish", messages: messages(3, 4) };
    if (drawn === 7 && deep) return { does: "subscribe", receiver: receiver(false) };
    if (drawn === 8) return { does: "unsubscribe", index: random.below(12) };
    if (drawn === 9 && random.chance(0.3)) return { does: "close", owner: random.below(4) };
    return { does: "nothing" };
  };
  const receiver = (deep = true): Receiver => {
    const drawn = random.below(10);
    const kind = drawn < 6 ? "connection" : drawn < 8 || servers === 0 ? "callback" : "server";
    const queue = random.chance(0.25) ? random.pick(["q1", "q2"]) : null;
    return {
      kind,
      owner: random.below(kind === "server" ? servers : 4),
      pattern: random.pick(PATTERNS),
      queue,
      origin: kind === "server" ? random.pick([Origin.Route, Origin.RouteLeaf, Origin.LeafHub, Origin.LeafSpoke]) : Origin.Local,
      weight: kind === "server" && queue !== null ? 1 + random.below(3) : 1,
      deliveredMax: kind !== "server" && random.chance(0.15) ? 1 + random.below(4) : 0,
      denied: kind === "connection" && random.chance(0.25) ? random.pick(SUBJECTS) : "",
      takes: kind !== "callback" || random.chance(0.7),
      actions: kind === "callback" ? Array.from({ length: 1 + random.below(4) }, () => action(deep)) : [],
    };
  };
  return {
    receivers: Array.from({ length: random.below(9) }, () => receiver()),
    messages: messages(12, random.pick([1, 2, 4])),
    source: random.pick([MessageSource.Client, MessageSource.Client, MessageSource.LeafHub, MessageSource.LeafSpoke, MessageSource.Route]),
    echo: random.chance(0.7),
    noResponders: random.chance(0.5),
    originCluster: random.pick(["", "east", "west"]),
    clusters: Array.from({ length: servers }, () => random.pick(["", "east", "west"])),
    seed: random.nextUint32(),
  };
}

test("fuzz: receivers see the same as if each message were delivered to all of them before the next one", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < ROUNDS; round++) {
    const plan = randomPlan(random);
    const fast = new Network(plan, false);
    const slow = new Network(plan, true);
    fast.publishAsClient();
    slow.publishAsClient();
    expect(fast.seen(), `SEED=${seed} round=${round}`).toEqual(slow.seen());
  }
});
