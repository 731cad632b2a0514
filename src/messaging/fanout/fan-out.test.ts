import { expect, test } from "bun:test";
import { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { MessageBatch } from "../batch/message-batch.ts";
import type { Originator } from "../batch/originator.ts";
import { type RemotePeer, type Sink, Subscription } from "../batch/subscription.ts";
import { MessageSource } from "../subject/queue-selection.ts";
import { SubjectTrie } from "../subject/subject-trie.ts";
import { Origin } from "../subject/trie-entry.ts";
import type { FanOut, NoResponders } from "./fan-out.ts";
import { FanOutStack } from "./fan-out-stack.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

/** Keeps what it gets: one line for each call, with the payloads of all its messages. */
class Receiver implements Sink {
  mark = 0;
  readonly log: string[] = [];

  constructor(
    readonly takesRuns = true,
    private readonly act = () => {},
  ) {}

  deliver({ closed, filter }: Subscription, batch: MessageBatch, from: number, to: number): number {
    if (closed) return 0;
    const taken: string[] = [];
    for (let index = from; index < to; index++) {
      if (filter?.allows(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index)) === false) continue;
      taken.push(batch.payload(index).toString());
    }
    if (taken.length > 0) this.log.push(taken.join(" "));
    this.act();
    return taken.length;
  }
}

class Server implements Sink, RemotePeer {
  mark = 0;
  readonly takesRuns = true;
  readonly remote = this;
  readonly log: string[] = [];

  constructor(private readonly cluster = "") {}

  deliver(): number {
    throw new Error("messages for another server are sent with carry()");
  }

  clusterOf(): string {
    return this.cluster;
  }

  carry(_subscription: Subscription, batch: MessageBatch, from: number, to: number, queues: readonly Uint8Array[]): number {
    const payloads = Array.from({ length: to - from }, (_, index) => batch.payload(from + index));
    this.log.push([...payloads, ...queues.map(queue => `+${Buffer.from(queue)}`)].join(" "));
    return to - from;
  }
}

class Fixture {
  readonly interest = new SubjectTrie<Subscription>({ cache: true, random: new Random(1), schedule: () => {} });
  readonly meter = new WorkMeter();
  readonly stack = new FanOutStack(new Random(1), this.meter);

  subscribe(sink: Sink, pattern = "a.*", queue: string | null = null, origin = Origin.Local): Subscription {
    const subscription = new Subscription(sink, bytes(pattern), queue === null ? null : bytes(queue), bytes("1"), origin);
    this.interest.insert(subscription);
    return subscription;
  }

  /** @param given `<subject> <payload>` of each message */
  publish(
    given: readonly string[],
    more: Partial<MessageBatch> = {},
    source = MessageSource.Client,
    noResponders: NoResponders | null = null,
  ) {
    const { batch, interest, result } = this.prepare(given, more, noResponders !== null);
    return this.stack.deliver({ interest, source, noResponders }, batch, 0, given.length, result, interest.generation);
  }

  /**
   * Publishes as a client, whose delivery stops after each share of that many units.
   * @returns continues it for a share; true when all is delivered
   */
  publishShares(given: readonly string[], units: number, noResponders: NoResponders | null = null): () => boolean {
    const { batch, interest, result } = this.prepare(given, {}, noResponders !== null);
    const publisher = { interest, source: MessageSource.Client, noResponders };
    let fanOut: FanOut | null = null;
    let begun = false;
    return () => {
      this.meter.begin(units);
      if (begun) return this.stack.resume(fanOut!, batch);
      begun = true;
      fanOut = this.stack.deliverShare(publisher, batch, result, interest.generation);
      return fanOut === null;
    };
  }

  unsubscribe(subscription: Subscription): void {
    subscription.closed = true;
    this.interest.remove(subscription);
  }

  private prepare(given: readonly string[], more: Partial<MessageBatch>, replies: boolean) {
    const batch = new MessageBatch(given.length);
    const text = given.map(message => `${message}\r\n`).join("");
    let at = 0;
    for (const message of given) {
      const subjectEnd = at + message.indexOf(" ");
      const end = at + message.length;
      // The reply subject is the first letter of the subject.
      batch.add(at, subjectEnd, at, replies ? at + 1 : at, -1, subjectEnd + 1, end);
      at = end + 2;
    }
    batch.source = batch.subjectSource = Buffer.from(text);
    Object.assign(batch, more);
    const { interest } = this;
    return { batch, interest, result: interest.match(batch.subjectSource, batch.subjectStart(0), batch.subjectEnd(0)) };
  }
}

const MESSAGES = ["a.b 1", "a.c 2", "a.b 3"];

test("a receiver inside the process gets messages one by one, and all others still get a run", () => {
  const fixture = new Fixture();
  const [before, inside, after, member] = [new Receiver(), new Receiver(false), new Receiver(), new Receiver()];
  for (const receiver of [before, inside, after]) fixture.subscribe(receiver);
  fixture.subscribe(member, "a.*", "q");
  expect(fixture.publish(MESSAGES)).toBe(12);
  expect([before.log, inside.log, after.log, member.log]).toEqual([["1 2 3"], ["1", "2", "3"], ["1 2 3"], ["1", "2", "3"]]);
});

test("a connection that matches twice gets messages one by one, and all others still get a run", () => {
  const fixture = new Fixture();
  const [once, twice, both] = [new Receiver(), new Receiver(), new Receiver()];
  for (const receiver of [twice, once, twice, both]) fixture.subscribe(receiver);
  fixture.subscribe(both, "a.*", "q");
  fixture.publish(MESSAGES);
  expect([once.log, twice.log, both.log]).toEqual([["1 2 3"], ["1", "1", "2", "2", "3", "3"], ["1", "1", "2", "2", "3", "3"]]);
});

test("before a receiver publishes, the others get the messages that precede it, and runs continue afterwards", () => {
  const fixture = new Fixture();
  const [before, after] = [new Receiver(), new Receiver()];
  let calls = 0;
  const inside = new Receiver(false, () => {
    if (++calls !== 2) return;
    fixture.stack.catchUp();
    fixture.publish(["a.x new"]);
  });
  for (const receiver of [before, inside, after]) fixture.subscribe(receiver);
  fixture.publish(["a.b 1", "a.b 2", "a.b 3", "a.b 4"]);
  expect([before.log, inside.log, after.log]).toEqual([
    ["1 2", "new", "3 4"],
    ["1", "2", "new", "3", "4"],
    ["1", "new", "2", "3 4"],
  ]);
});

test("another server gets a run once, however many of its subscriptions match", () => {
  const fixture = new Fixture();
  const [local, server] = [new Receiver(), new Server()];
  fixture.subscribe(server, "a.*", null, Origin.Route);
  fixture.subscribe(local);
  fixture.subscribe(server, "a.*", null, Origin.Route);
  expect(fixture.publish(MESSAGES)).toBe(6);
  expect([local.log, server.log]).toEqual([["1 2 3"], ["1 2 3"]]);
});

test("another server gets a message once, with all queue groups for which it was chosen", () => {
  const fixture = new Fixture();
  const [local, route, leaf] = [new Receiver(), new Server(), new Server()];
  fixture.subscribe(route, "a.*", null, Origin.Route);
  for (const queue of ["q1", "q2"]) fixture.subscribe(leaf, "a.*", queue, Origin.LeafHub);
  fixture.subscribe(leaf, "a.*", "q3", Origin.LeafHub);
  fixture.subscribe(local, "a.*", "q3");
  fixture.publish(["a.b 1", "a.b 2"]);
  expect([local.log, route.log, leaf.log]).toEqual([
    ["1", "2"],
    ["1", "2"],
    ["1 +q1 +q2", "2 +q1 +q2"],
  ]);
});

test("a message that only another server takes has a responder", () => {
  const fixture = new Fixture();
  const untaken: number[] = [];
  const noResponders = { onNoResponders: (_batch: MessageBatch, index: number) => void untaken.push(index) };
  const server = fixture.subscribe(new Server(), "a.*", "q", Origin.Route);
  fixture.publish(MESSAGES, {}, MessageSource.Client, noResponders);
  expect(untaken).toEqual([]);
  fixture.interest.remove(server);
  fixture.publish(MESSAGES, {}, MessageSource.Client, noResponders);
  expect(untaken).toEqual([0, 1, 2]);
});

test("a request that only a waiting connection took, while a receiver that takes nothing published, has a responder", () => {
  const fixture = new Fixture();
  const untaken: number[] = [];
  const connection = new Receiver();
  const refusing = new Receiver(false, () => {
    fixture.stack.catchUp();
    fixture.publish(["b.x elsewhere"]);
  });
  refusing.deliver = (subscription, batch, from, to) => 0 * Receiver.prototype.deliver.call(refusing, subscription, batch, from, to);
  fixture.subscribe(connection);
  fixture.subscribe(refusing);
  fixture.publish(MESSAGES, {}, MessageSource.Client, { onNoResponders: (_batch, index) => void untaken.push(index) });
  expect([untaken, connection.log]).toEqual([[], ["1", "2", "3"]]);
});

test("only requests that a filter drops have no responders", () => {
  const fixture = new Fixture();
  const untaken: number[] = [];
  const subscription = fixture.subscribe(new Receiver());
  subscription.filter = {
    sizeMin: 0,
    byteAt: -1,
    byteThere: 0,
    sizeMax: 9,
    allows: (subject, start, end) => Buffer.from(subject.subarray(start, end)).toString() !== "a.b",
  };
  fixture.publish(MESSAGES, {}, MessageSource.Client, { onNoResponders: (_batch, index) => void untaken.push(index) });
  expect(untaken).toEqual([0, 2]);
});

test("messages do not return to a connection without echo, and never to the server that sent them", () => {
  const fixture = new Fixture();
  const [client, server, other] = [new Receiver(), new Server(), new Server()];
  fixture.subscribe(client);
  fixture.subscribe(server, "a.*", null, Origin.LeafHub);
  fixture.subscribe(other, "a.*", null, Origin.LeafHub);
  const by = (sink: Sink, echo: boolean) => ({ originator: { sink, echo } as unknown as Originator });
  fixture.publish(["a.b silent"], by(client, false));
  fixture.publish(["a.b echoed"], by(client, true));
  fixture.publish(["a.b leaf"], by(server, true), MessageSource.LeafHub);
  expect([client.log, server.log, other.log]).toEqual([
    ["echoed", "leaf"],
    ["silent", "echoed"],
    ["silent", "echoed", "leaf"],
  ]);
});

test("messages do not return to the leaf cluster that sent them, unless they came through an import", () => {
  const fixture = new Fixture();
  const [east, west] = [new Server("east"), new Server("west")];
  for (const server of [east, west]) {
    fixture.subscribe(server, "a.*", null, Origin.LeafHub);
    fixture.subscribe(server, "a.*", "q", Origin.LeafHub);
  }
  fixture.publish(["a.b 1"], { originCluster: "east" }, MessageSource.LeafHub);
  expect([east.log, west.log]).toEqual([[], ["1 +q"]]);
  fixture.publish(["a.b 2"], { originCluster: "east", imported: { via: {}, before: null, jetStreamReply: false } }, MessageSource.LeafHub);
  expect([...east.log, ...west.log].map(line => line.split(" ")[0]).sort()).toEqual(["1", "2", "2"]);
});

test("the source of a message decides whether routes and leaf nodes get it", () => {
  const sources = [MessageSource.Client, MessageSource.LeafHub, MessageSource.LeafSpoke, MessageSource.Route];
  const origins = [Origin.Route, Origin.RouteLeaf, Origin.LeafHub, Origin.LeafSpoke];
  const maySend = sources.map(source => {
    const fixture = new Fixture();
    const servers = origins.map(origin => {
      const server = new Server();
      fixture.subscribe(server, "a.*", null, origin);
      return server;
    });
    fixture.publish(["a.b 1"], {}, source);
    return origins.filter((_, index) => servers[index]!.log.length > 0);
  });
  expect(maySend).toEqual([origins, origins, [Origin.LeafHub, Origin.LeafSpoke], [Origin.LeafHub]]);
});

test("a result is planned once, also if the plan of another result has marked its sinks", () => {
  const fixture = new Fixture();
  const [first, second] = [new Receiver(), new Receiver()];
  for (const pattern of ["a.*", "b.*", "b.*"]) fixture.subscribe(first, pattern);
  fixture.subscribe(second);
  fixture.publish(MESSAGES);
  fixture.publish(["b.b 4", "b.b 5"]);
  fixture.publish(MESSAGES);
  expect([first.log, second.log]).toEqual([
    ["1 2 3", "4", "4", "5", "5", "1 2 3"],
    ["1 2 3", "1 2 3"],
  ]);
});

test("a delivery stops between two receivers when its share is used up, and continues there", () => {
  const fixture = new Fixture();
  const receivers = Array.from({ length: 5 }, () => new Receiver());
  for (const receiver of receivers) fixture.subscribe(receiver);
  const share = fixture.publishShares(MESSAGES, 2);
  const counts: number[] = [];
  for (let complete = false; !complete; ) {
    complete = share();
    counts.push(receivers.filter(({ log }) => log.length > 0).length);
  }
  expect(counts).toEqual([2, 4, 5]);
  expect(receivers.map(({ log }) => log)).toEqual(Array(5).fill(["1 2 3"]));
  expect(fixture.stack.isIdle).toBe(true);
});

test("deliveries of several publishers that have stopped continue independently", () => {
  const fixture = new Fixture();
  const receivers = Array.from({ length: 3 }, () => new Receiver());
  for (const receiver of receivers) fixture.subscribe(receiver);
  const [one, two] = [fixture.publishShares(["a.b 1", "a.b 2"], 1), fixture.publishShares(["a.b 3", "a.b 4"], 1)];
  expect([one(), two(), one(), two(), two(), one()]).toEqual([false, false, false, false, true, true]);
  expect(receivers.map(({ log }) => log)).toEqual([
    ["1 2", "3 4"],
    ["1 2", "3 4"],
    ["3 4", "1 2"],
  ]);
});

test("a receiver that waited for its run and is replaced while a delivery has stopped: its successor gets the messages, the others nothing twice", () => {
  const fixture = new Fixture();
  const [done, old, successor, last] = [new Receiver(), new Receiver(), new Receiver(), new Receiver()];
  fixture.subscribe(done);
  const replaced = fixture.subscribe(old);
  fixture.subscribe(last);
  const share = fixture.publishShares(MESSAGES, 1);
  share();
  fixture.subscribe(successor);
  fixture.unsubscribe(replaced);
  while (!share());
  expect([done.log, old.log, successor.log, last.log]).toEqual([["1 2 3"], [], ["1", "2", "3"], ["1", "2", "3"]]);
});

test("no receiver waits for a run while a delivery has stopped between two messages for code inside the process", () => {
  const fixture = new Fixture();
  const [inside, waiting] = [new Receiver(false), new Receiver()];
  fixture.subscribe(inside);
  const subscription = fixture.subscribe(waiting);
  const share = fixture.publishShares(MESSAGES, 25); // one message
  share();
  expect([inside.log, waiting.log]).toEqual([["1", "2"], ["1"]]);
  fixture.unsubscribe(subscription);
  while (!share());
  expect([inside.log, waiting.log]).toEqual([["1", "2", "3"], ["1"]]);
});

test("a connection that joins a queue group of the same messages gets what it waits for before the group's next message", () => {
  const fixture = new Fixture();
  const waiting = new Receiver();
  let joins = 0;
  const inside = new Receiver(false, () => {
    if (++joins === 2) fixture.subscribe(waiting, "a.*", "q");
  });
  const deaf = { mark: 0, takesRuns: true, deliver: () => 0 };
  fixture.subscribe(inside);
  fixture.subscribe(waiting);
  fixture.subscribe(deaf, "a.*", "q");
  fixture.publish(MESSAGES);
  expect(waiting.log).toEqual(["1 2", "2", "3", "3"]);
});

test("requests without responders are reported once and in order, also if the delivery stops between them", () => {
  const fixture = new Fixture();
  const told: string[] = [];
  const noResponders: NoResponders = {
    onNoResponders: (batch, index) => {
      told.push(batch.payload(index).toString());
      fixture.meter.done++;
    },
  };
  const share = fixture.publishShares(MESSAGES, 1, noResponders);
  expect([share(), share(), share()]).toEqual([false, false, true]);
  expect(told).toEqual(["1", "2", "3"]);
});
