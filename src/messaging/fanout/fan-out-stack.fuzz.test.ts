/**
 * Several publishers whose deliveries stop at any place, because their shares of work are tiny. Between two shares, connections subscribe,
 * unsubscribe, replace subscriptions and close. A slow, simple model knows what each subscription may get:
 *
 *   subscription:  ────────[ exists ]────────────     before ─▶ none of its messages · during ─▶ all of them · after ─▶ none
 *   publisher:     ───[ 0 1 2 3 4 5 6 7 8 ]──────     only at both ends it is open which message is the first or last one
 */
import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { MessageBatch } from "../batch/message-batch.ts";
import type { Originator } from "../batch/originator.ts";
import { type Sink, Subscription } from "../batch/subscription.ts";
import { MessageSource } from "../subject/queue-selection.ts";
import { SubjectTrie } from "../subject/subject-trie.ts";
import type { FanOut, FanOutPublisher } from "./fan-out.ts";
import { FanOutStack } from "./fan-out-stack.ts";
import { LocalPublisher } from "./local-publisher.ts";

const ROUNDS = 1_000;
const SUBJECTS = ["a.x", "a.y", "b.x"];
const PATTERNS = ["a.x", "a.*", "*.x", ">", "b.x", "n.*"];
/** Callbacks get no messages of callbacks, so that these end. */
const CALLBACK_PATTERNS = ["a.x", "a.*", "b.x"];
/** Subscriptions of connections at one time: with more and more of them a delivery in tiny shares would not end. */
const CONNECTED_MAX = 15;
const NO_SID = new Uint8Array(0);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

/** A subscription, and when it existed. */
interface Interest {
  readonly subscription: Subscription;
  readonly pattern: string;
  readonly queue: string | null;
  readonly addedAt: number;
  endedAt: number;
  /** Numbers of the messages that it got, by the name of their publisher. */
  readonly got: Map<string, number[]>;
  /** The subscription that it replaced. */
  readonly replaces: Interest | null;
}

/** A message of a callback, which is delivered at once. */
interface NestedMessage {
  readonly subject: string;
  readonly at: number;
}

class World {
  readonly trie: SubjectTrie<Subscription>;
  readonly meter = new WorkMeter();
  readonly stack: FanOutStack;
  readonly publisher: LocalPublisher;
  readonly connections: Connection[];
  readonly interests: Interest[] = [];
  readonly publishers: Publisher[] = [];
  readonly nested = new Map<string, NestedMessage[]>();
  /** Rises with each share and with each change between two shares. */
  now = 0;

  constructor(readonly random: Random) {
    this.trie = new SubjectTrie({ cache: random.chance(0.8), random: new Random(1), schedule: () => {} });
    this.stack = new FanOutStack(random, this.meter);
    const turn = { fanOuts: this.stack, endSoon: () => {}, outMessages: 0, outBytes: 0 };
    const counters = { outMessages: 0, outBytes: 0, outClientMessages: 0, outClientBytes: 0 };
    this.publisher = new LocalPublisher({ interest: this.trie, traffic: { outMessages: 0, outBytes: 0 } }, { turn, counters });
    this.connections = Array.from({ length: 5 }, () => new Connection(this));
    const callbacks = random.chance(0.5) ? random.below(3) : 0;
    for (let count = random.below(12); count > 0; count--) this.subscribe();
    for (let count = 0; count < callbacks; count++) this.subscribe(new Callback(this, `callback ${count}`));
    for (let count = 1 + random.below(3); count > 0; count--) this.publishers.push(new Publisher(this, `publisher ${count}`));
  }

  subscribe(sink: Sink | null = null, replaces: Interest | null = null): void {
    const { random } = this;
    const to = sink ?? random.pick(this.connections.filter(({ closed }) => !closed));
    const patterns = to instanceof Callback ? CALLBACK_PATTERNS : PATTERNS;
    const pattern = replaces?.pattern ?? random.pick(patterns);
    const queue = replaces !== null ? replaces.queue : random.chance(0.3) ? random.pick(["q1", "q2"]) : null;
    const subscription = new Subscription(to, bytes(pattern), queue === null ? null : bytes(queue), NO_SID);
    if (random.chance(0.1)) subscription.deliveredMax = 1 + random.below(6);
    this.interests.push({ subscription, pattern, queue, addedAt: this.now, endedAt: Number.POSITIVE_INFINITY, got: new Map(), replaces });
    this.trie.insert(subscription);
  }

  end(interest: Interest): void {
    const { subscription } = interest;
    if (subscription.closed) return;
    subscription.closed = true;
    interest.endedAt = this.now;
    this.trie.remove(subscription);
  }

  interestOf(subscription: Subscription): Interest {
    return this.interests.find(interest => interest.subscription === subscription)!;
  }

  /** What connections do between two shares. */
  change(): void {
    const { random } = this;
    const own = this.interests.filter(({ subscription }) => !subscription.closed && subscription.sink instanceof Connection);
    const drawn = random.below(8);
    if (drawn < 3) {
      if (own.length < CONNECTED_MAX) this.subscribe();
    } else if (drawn < 5 && own.length > 0) this.end(random.pick(own));
    else if (drawn < 7 && own.length > 0) {
      const old = random.pick(own);
      this.subscribe(null, old);
      this.end(old);
    } else if (random.chance(0.2) && this.connections.filter(({ closed }) => !closed).length > 1) random.pick(this.connections).close();
  }

  run(): void {
    const { random } = this;
    const sharesMax = random.pick([1, 5, 40, 300]);
    const changes = random.pick([0, 0.2, 0.8]);
    for (;;) {
      const left = this.publishers.filter(publisher => !publisher.done);
      if (left.length === 0) return;
      this.now++;
      this.meter.begin(1 + random.below(sharesMax));
      random.pick(left).work();
      this.now++;
      for (let count = 0; count < 3; count++) if (random.chance(changes)) this.change();
    }
  }

  record(subscription: Subscription, batch: MessageBatch, index: number): void {
    const [publisher, number] = batch.payload(index).toString().split("/") as [string, string];
    const { got } = this.interestOf(subscription);
    if (!got.has(publisher)) got.set(publisher, []);
    got.get(publisher)!.push(Number(number));
  }

  check(): void {
    for (const publisher of this.publishers) {
      for (const interest of this.interests) if (interest.queue === null) this.checkPlain(publisher, interest);
      for (const queue of ["q1", "q2"]) this.checkGroup(publisher, queue);
      this.checkNoResponders(publisher);
    }
    for (const [name, messages] of this.nested) {
      for (const interest of this.interests) if (interest.queue === null) checkNested(interest, messages, interest.got.get(name) ?? []);
    }
  }

  private checkPlain({ name, subjects, begunAt, endedAt, silent }: Publisher, interest: Interest): void {
    const { addedAt, got, pattern, subscription } = interest;
    const numbers = got.get(name) ?? [];
    const wanted = subscription.sink === silent ? [] : matching(subjects, pattern);
    // No gap, no message twice, none in another order
    const first = numbers.length === 0 ? 0 : wanted.indexOf(numbers[0]!);
    expect(numbers).toEqual(wanted.slice(first, first + numbers.length));
    if (subscription.deliveredMax > 0) expect(subscription.delivered).toBeLessThanOrEqual(subscription.deliveredMax);
    if (addedAt <= begunAt) expect(first).toBe(0);
    const stays = interest.endedAt > endedAt;
    if (stays && numbers.length > 0) expect(numbers.at(-1)).toBe(wanted.at(-1)!);
    if (stays && addedAt <= begunAt) expect(numbers).toEqual(wanted);
    if (stays && addedAt > begunAt) this.checkReplacement(name, interest, wanted, begunAt);
  }

  /** Of subscriptions that replace each other, one message at most is missed at each replacement. */
  private checkReplacement(name: string, last: Interest, wanted: readonly number[], begunAt: number): void {
    const all = new Set<number>();
    let replacements = 0;
    let interest: Interest | null = last;
    let gap = false;
    for (; interest !== null; interest = interest.replaces) {
      for (const number of interest.got.get(name) ?? []) all.add(number);
      if (interest.addedAt <= begunAt) break;
      replacements++;
      const old: Interest | null = interest.replaces;
      gap ||= old !== null && old.endedAt !== interest.addedAt; // it ended before, at its maximum
    }
    if (interest === null || gap || this.chainIsSilent(last)) return;
    expect(wanted.length - all.size).toBeLessThanOrEqual(replacements);
  }

  private chainIsSilent(last: Interest): boolean {
    for (let interest: Interest | null = last; interest !== null; interest = interest.replaces) {
      if (this.publishers.some(({ silent }) => silent === interest!.subscription.sink)) return true;
    }
    return false;
  }

  /** Each message goes to one member, if there is one all the time. */
  private checkGroup({ name, subjects, begunAt, endedAt, silent }: Publisher, queue: string): void {
    const members = this.interests.filter(interest => interest.queue === queue);
    const deliveries = members.flatMap(({ got }) => got.get(name) ?? []).sort((one, other) => one - other);
    expect(deliveries).toEqual([...new Set(deliveries)]);
    for (const { got } of members) expect(got.get(name) ?? []).toEqual((got.get(name) ?? []).toSorted((one, other) => one - other));
    const always = members.filter(
      member => member.addedAt <= begunAt && member.endedAt > endedAt && member.subscription.sink !== silent && takes(member),
    );
    const owed = subjects.map((_, number) => number).filter(number => always.some(({ pattern }) => matches(subjects[number]!, pattern)));
    expect(deliveries).toEqual(expect.arrayContaining(owed));
  }

  private checkNoResponders({ begunAt, endedAt, refused, requests, silent, subjects }: Publisher): void {
    if (!requests) return expect(refused).toEqual([]);
    expect(refused).toEqual([...new Set(refused)].sort((one, other) => one - other));
    const there = this.interests.filter(interest => interest.subscription.sink !== silent);
    const always = there.filter(interest => interest.addedAt <= begunAt && interest.endedAt > endedAt && takes(interest));
    const ever = there.filter(interest => interest.addedAt <= endedAt && interest.endedAt >= begunAt);
    for (const number of refused) expect(always.some(({ pattern }) => matches(subjects[number]!, pattern))).toBe(false);
    subjects.forEach((subject, number) => {
      if (!ever.some(({ pattern }) => matches(subject, pattern))) expect(refused).toContain(number);
    });
  }
}

function takes({ subscription }: Interest): boolean {
  return subscription.deliveredMax === 0 && !(subscription.sink instanceof Callback && !subscription.sink.takes);
}

function checkNested(
  { addedAt, endedAt, pattern, subscription }: Interest,
  messages: readonly NestedMessage[],
  got: readonly number[],
): void {
  if (subscription.deliveredMax > 0) return;
  const wanted = messages
    .map((_, number) => number)
    .filter(number => {
      const { at, subject } = messages[number]!;
      return addedAt <= at && at < endedAt && matches(subject, pattern);
    });
  expect(got).toEqual(wanted);
}

function matching(subjects: readonly string[], pattern: string): number[] {
  return subjects.map((_, number) => number).filter(number => matches(subjects[number]!, pattern));
}

function matches(subject: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^.]+").replace(">", ".+")}$`).test(subject);
}

/** A client that publishes: it continues where its share ended. */
class Publisher implements FanOutPublisher {
  readonly source = MessageSource.Client;
  readonly subjects: readonly string[];
  readonly requests: boolean;
  /** Its connection, if it wants no echo. */
  readonly silent: Connection | null;
  /** Messages without responders. */
  readonly refused: number[] = [];
  begunAt = Number.POSITIVE_INFINITY;
  endedAt = Number.POSITIVE_INFINITY;
  private readonly originator: Originator;
  private next = 0;
  private batch: MessageBatch | null = null;
  private fanOut: FanOut | null = null;
  private spare = new MessageBatch(64);

  constructor(
    private readonly world: World,
    readonly name: string,
  ) {
    const { random } = world;
    const subjects = SUBJECTS.slice(0, random.pick([1, 3]));
    this.subjects = Array.from({ length: 1 + random.below(25) }, () => random.pick(subjects));
    this.requests = random.chance(0.4);
    const sink = random.pick(world.connections);
    const echo = random.chance(0.7);
    this.silent = echo ? null : sink;
    this.originator = { sink, echo } as unknown as Originator;
  }

  get interest() {
    return this.world.trie;
  }

  get noResponders() {
    return this.requests ? this : null;
  }

  onNoResponders(batch: MessageBatch, index: number): void {
    this.refused.push(Number(batch.payload(index).toString().split("/")[1]));
  }

  get done(): boolean {
    return this.endedAt !== Number.POSITIVE_INFINITY;
  }

  /** One share. */
  work(): void {
    const { meter, now, stack } = this.world;
    if (this.begunAt > now) this.begunAt = now;
    if (this.fanOut !== null && stack.resume(this.fanOut, this.batch!)) {
      this.fanOut = null;
      this.batch!.clear();
    }
    while (this.fanOut === null && this.next < this.subjects.length && !meter.exhausted) this.publishRun();
    if (this.fanOut === null && this.next === this.subjects.length) this.endedAt = now;
  }

  /** As the parser does: messages with the same receivers share a batch. */
  private publishRun(): void {
    const { stack, trie } = this.world;
    const result = this.match(this.next);
    let to = this.next + 1;
    while (to < this.subjects.length && this.match(to) === result) to++;
    const batch = new MessageBatch(64);
    this.fill(batch, this.next, to);
    this.next = to;
    this.fanOut = stack.deliverShare(this, batch, result, trie.generation);
    if (this.fanOut === null) return;
    // As a client does: its own batch is free for others.
    batch.moveTo(this.spare);
    this.batch = this.spare;
  }

  private match(number: number) {
    const subject = bytes(this.subjects[number]!);
    return this.world.trie.match(subject, 0, subject.length);
  }

  private fill(batch: MessageBatch, from: number, to: number): void {
    let text = "";
    for (let number = from; number < to; number++) {
      const start = text.length;
      const subjectEnd = start + this.subjects[number]!.length;
      const replyEnd = subjectEnd + (this.requests ? 1 : 0);
      const payload = `${this.name}/${number}`;
      batch.add(start, subjectEnd, subjectEnd, replyEnd, -1, replyEnd, replyEnd + payload.length);
      text += `${this.subjects[number]}${this.requests ? "r" : ""}${payload}\r\n`;
    }
    batch.source = Buffer.from(text);
    batch.subjectSource = batch.source;
    batch.originator = this.originator;
  }
}

class Connection implements Sink {
  mark = 0;
  readonly takesRuns = true;
  closed = false;

  constructor(private readonly world: World) {}

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    const { world } = this;
    let index = from;
    for (; index < to && !this.closed && !subscription.closed; index++) {
      world.record(subscription, batch, index);
      world.meter.done++;
      if (++subscription.delivered === subscription.deliveredMax) world.end(world.interestOf(subscription));
    }
    return index - from;
  }

  close(): void {
    if (this.closed) return;
    this.world.stack.catchUp();
    this.closed = true;
    for (const interest of this.world.interests) if (interest.subscription.sink === this) this.world.end(interest);
  }
}

/** Code inside the process. It may publish when it gets a message. */
class Callback implements Sink {
  mark = 0;
  readonly takesRuns = false;
  readonly takes: boolean;
  private readonly publishes: boolean;

  constructor(
    private readonly world: World,
    private readonly name: string,
  ) {
    this.takes = world.random.chance(0.8);
    this.publishes = world.random.chance(0.6);
  }

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    const { name, world } = this;
    let index = from;
    for (; index < to && !subscription.closed; index++) {
      if (this.takes || subscription.queue === null) world.record(subscription, batch, index);
      if (++subscription.delivered === subscription.deliveredMax) world.end(world.interestOf(subscription));
      if (!this.publishes || world.random.chance(0.5)) continue;
      if (!world.nested.has(name)) world.nested.set(name, []);
      const messages = world.nested.get(name)!;
      messages.push({ subject: "n.x", at: world.now });
      world.publisher.publish("n.x", "", null, `${name}/${messages.length - 1}`);
    }
    return this.takes ? index - from : 0;
  }
}

test("fuzz: a delivery that stops anywhere reaches each subscription that exists once and in order, while interest changes", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < ROUNDS; round++) {
    const world = new World(random);
    world.run();
    try {
      world.check();
      expect(world.stack.isIdle).toBe(true);
    } catch (error) {
      throw new Error(`SEED=${seed} round=${round}: ${(error as Error).message}`);
    }
  }
});
