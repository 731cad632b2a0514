/**
 * The only place that decides which receivers get the messages of a batch, for all kinds of publishers.
 *
 *   batch + match result ─▶ plain receivers ─▶ one member of each queue group ─▶ connections to other servers, each once
 *                           (reference, core §1.11)
 * Rule: receivers see the same as if each message were delivered to all of them, in the order above, before the next message, and each message
 * to the receivers that match at that time. A run (several messages handed to a receiver at once) must not change that:
 *
 *   receivers that only queue output      Only the order of their output matters, not when they get a message. They wait for their run
 *                                         until the other receivers have the whole batch
 *   code inside the process, and          They get message by message in the meantime (delivery-plan.ts, `stepped`)
 *   connections that match twice
 *   code inside the process publishes     Its message may reach a waiting receiver. Before that, `catchUp` hands the waiting receivers the
 *                                         messages that they would already have by the rule. The rest of this message is delivered receiver
 *                                         by receiver; from the next message on they wait again
 *   it changes interest, or members of    `catchUp` before the next message, or the next group; from then on each message is matched again
 *   the queue groups
 *   it closes a waiting receiver          `catchUp` first: connections call it when they close
 * So a receiver inside the process prevents the runs of the others only while it publishes.
 *
 * Delivered "in place", receiver by receiver from the start: a single message; a traced message; groups with members on other servers, because
 * the connections must be collected per message; requests whose publisher wants to know about missing responders, if a filter may drop some.
 *
 * The progress is held in fields, not in nested calls: message, receiver (position in `plain`), group, and the start of the runs. So a delivery
 * to many receivers stops when its share of work is used up, between two receivers, and continues later (`resume`). In the meantime other
 * connections are served. If they change interest, the message that is being delivered still goes to the receivers that matched when it was
 * begun, and later messages are matched again. No receiver waits for a run while others have its messages (`catchUp`), unless all receivers get
 * runs: those that do not have theirs when interest changes get the messages one by one, as do new receivers (`followInterest`). So of two
 * subscriptions of which one replaces the other, at most one message is missed by both, as in the reference.
 */
import type { Random } from "../../base/random/random.ts";
import { UnitsOf, type WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { MessageBatch } from "../batch/message-batch.ts";
import type { Subscription } from "../batch/subscription.ts";
import { MatchResult } from "../subject/match-result.ts";
import { type MessageSource, type QueueDelivery, selectQueueMember } from "../subject/queue-selection.ts";
import { type DeliveryPlan, type DeliveryPlanner, versionOf } from "./delivery-plan.ts";
import { maySend, RemoteMembers, wouldReturn } from "./remote-members.ts";
import { deliverTraced } from "./traced-delivery.ts";

/** The interest of the account in which messages are published. */
export interface Interest {
  /** Changes whenever a result may change. */
  readonly generation: number;
  match(source: Uint8Array, start: number, end: number): MatchResult<Subscription>;
}

/** Notified of messages that no receiver took. */
export interface NoResponders {
  /** Called in the order of the messages, for messages with and without a reply subject. */
  onNoResponders(batch: MessageBatch, index: number): void;
}

/** The publisher, as a fan-out needs it. */
export interface FanOutPublisher {
  readonly interest: Interest;
  readonly source: MessageSource;
  /** null: not notified. Read once per batch. */
  readonly noResponders: NoResponders | null;
}

const NO_RECEIVERS = new MatchResult<Subscription>([], []);
/** Not the generation of any interest. */
const CHANGED = -1;
const NO_SUBSCRIPTIONS: ReadonlySet<Subscription> = new Set();

/** Which part of the current message's delivery comes next. */
enum Stage {
  Begin = 0,
  Plain,
  Groups,
}

export class FanOut implements QueueDelivery<Subscription> {
  private readonly planner: DeliveryPlanner;
  private readonly random: Random;
  private readonly meter: WorkMeter;
  private readonly remotes = new RemoteMembers();
  /** Members on other servers that were chosen for the current message. `carry` collects their connections, when no callback can publish. */
  private readonly chosen: Subscription[] = [];

  // The delivery
  private batch!: MessageBatch;
  private end = 0;
  private interest!: Interest;
  private source!: MessageSource;
  private noResponders: NoResponders | null = null;
  private result = NO_RECEIVERS;
  private plan!: DeliveryPlan;
  /** Generation of the interest when it gave `result`. */
  private generation = 0;
  /** The publisher's own sink if it wants no echo: it gets no messages. */
  private silent: object | null = null;

  /** It may stop when its share of work is used up. */
  private divisible = false;

  // The progress
  private message = 0;
  private stage = Stage.Begin;
  /** Position in `plain` of the receiver that gets `message`. After the last position: the groups get it. */
  private receiver = 0;
  private group = 0;
  /** Number of receivers of `plan.stepped` that have `message`. */
  private step = 0;
  /** Number of receivers that took `message`. */
  private taken = 0;
  /** The largest number of messages that one receiver of runs took. */
  private longestRun = 0;
  /** Receivers of runs that have all messages of the batch, while the others get them message by message. */
  private complete = NO_SUBSCRIPTIONS;
  /** So have the groups. */
  private groupsComplete = false;
  /** The first message that the receivers of runs do not have yet. */
  private runStart = 0;
  /** Waiting receivers that took `message` in `catchUp`. */
  private caughtUp = 0;
  /** `message` is delivered in place, receiver by receiver; no receiver waits for a run. */
  private inPlace = false;
  /** All messages after it are delivered in place too. */
  private staysInPlace = false;
  /** The interest has changed: each message is matched again. */
  private changed = false;
  /** Number of deliveries, summed over messages and receivers. */
  delivered = 0;

  constructor(planner: DeliveryPlanner, random: Random, meter: WorkMeter) {
    this.planner = planner;
    this.random = random;
    this.meter = meter;
  }

  /**
   * Begins to deliver messages `from` to `to` of a batch, which have the same receivers.
   * @param result these receivers
   * @param generation generation of the publisher's interest when it gave `result`
   * @param divisible it stops when the share of work is used up
   * @returns whether all messages are delivered; otherwise `resume` continues
   */
  begin(
    publisher: FanOutPublisher,
    batch: MessageBatch,
    from: number,
    to: number,
    result: MatchResult<Subscription>,
    generation: number,
    divisible: boolean,
  ): boolean {
    const { originator } = batch;
    this.divisible = divisible;
    this.stage = Stage.Begin;
    this.receiver = 0;
    this.longestRun = 0;
    this.complete = NO_SUBSCRIPTIONS;
    this.groupsComplete = false;
    this.batch = batch;
    this.end = to;
    this.interest = publisher.interest;
    this.source = publisher.source;
    this.noResponders = batch.hasReplies ? publisher.noResponders : null;
    this.silent = originator !== null && !originator.echo ? originator.sink : null;
    this.message = from;
    this.runStart = from;
    this.delivered = 0;
    this.generation = generation;
    this.use(result);
    batch.oneReceiver = result.plain.length === 1 && result.groups.length === 0;
    this.changed = this.interest.generation !== generation;
    this.staysInPlace = this.changed || to - from === 1 || this.plan.remoteGroups || (this.noResponders !== null && hasSpecial(result));
    return this.advance();
  }

  /** Continues a delivery that stopped. @param batch holds the messages now @returns whether all messages are delivered */
  resume(batch: MessageBatch): boolean {
    this.batch = batch;
    if (this.generation !== this.interest.generation && !this.changed && (this.runsOnly || this.message === this.end))
      this.followInterest();
    return this.advance();
  }

  /** Drops references to the delivered messages' receivers. */
  release(): void {
    this.result = NO_RECEIVERS;
    this.noResponders = null;
    this.silent = null;
    this.complete = NO_SUBSCRIPTIONS;
  }

  /** All receivers get the whole batch at once. */
  private get runsOnly(): boolean {
    return !this.staysInPlace && this.plan.stepped.length === 0 && this.result.groups.length === 0;
  }

  private get mustStop(): boolean {
    return this.divisible && this.meter.done >= this.meter.limit;
  }

  /**
   * Interest has changed while some receivers have the whole batch and others wait for their run. If the messages have other receivers now,
   * each message is matched again, and goes to those receivers that do not have it.
   */
  private followInterest(): void {
    const { batch, end, interest, result, runStart } = this;
    const { generation } = interest;
    let same = true;
    let subject = -1;
    for (let index = runStart; index < end && same; index++) {
      const start = batch.subjectStart(index);
      if (start === subject) continue;
      subject = start;
      same = interest.match(batch.subjectSource, start, batch.subjectEnd(index)) === result;
    }
    if (same) {
      this.generation = generation;
      return;
    }
    const { runs, stepped } = this.plan;
    const { plain } = result;
    const complete = new Set<Subscription>();
    for (let index = 0; index < this.receiver; index++) complete.add(plain[runs === null ? index : runs[index]]);
    for (const position of stepped) complete.add(plain[position]);
    this.complete = complete;
    this.groupsComplete = this.message === end;
    this.message = runStart;
    this.changed = true;
    this.staysInPlace = true;
  }

  /**
   * Called before code inside the process, which handles a message of this fan-out, does something that another receiver may see. Receivers that
   * wait for a run get the messages that they would already have if everything were delivered in place.
   */
  catchUp(): void {
    if (this.inPlace) return;
    this.inPlace = true;
    const { message, receiver, runStart, result, plan } = this;
    const { plain } = result;
    const { runs, remotes } = plan;
    const count = runs === null ? plain.length : runs.length;
    for (let index = 0; index < count; index++) {
      const position = runs === null ? index : runs[index];
      const to = position < receiver ? message + 1 : message;
      if (to === runStart) continue;
      const size = this.give(plain[position], runStart, to);
      if (to > message && size === to - runStart) this.caughtUp++;
    }
    if (remotes.length > 0 && message > runStart) this.carry(runStart, message);
    this.runStart = message + 1;
  }

  /** Continues from the progress fields. @returns whether all messages are delivered */
  private advance(): boolean {
    if (!this.runsOnly) {
      while (this.message < this.end) {
        if (!this.deliverMessage()) return false;
        this.message++;
        this.receiver = 0;
        if (!this.mustStop || this.message === this.end) continue;
        this.catchUp();
        this.runStart = this.message;
        return false;
      }
      return this.runStart >= this.end || this.deliverRuns();
    }
    if (this.runStart < this.end) {
      if (!this.deliverRuns()) return false;
      // Every receiver takes a run from its first message on, so no receiver took the messages after the longest run.
      this.message += this.longestRun;
    }
    const { batch, noResponders } = this;
    if (noResponders === null) return true;
    while (this.message < this.end) {
      noResponders.onNoResponders(batch, this.message++);
      if (this.mustStop && this.message < this.end) return false;
    }
    return true;
  }

  /** Delivers the runs up to the end of the batch, from `receiver` on. @returns false if it stopped before */
  private deliverRuns(): boolean {
    this.inPlace = true; // `catchUp` has nothing to do
    const { plain } = this.result;
    const { runs, remotes } = this.plan;
    const { runStart, end } = this;
    const count = runs === null ? plain.length : runs.length;
    while (this.receiver < count) {
      const taken = this.give(plain[runs === null ? this.receiver : runs[this.receiver]], runStart, end);
      this.receiver++;
      if (taken > this.longestRun) this.longestRun = taken;
      if (this.mustStop && this.receiver < count) return false;
    }
    if (remotes.length > 0) this.longestRun = Math.max(this.longestRun, this.carry(runStart, end));
    this.runStart = end;
    return true;
  }

  /** Delivers the current message to all receivers that do not wait for a run. @returns false if it stopped before */
  private deliverMessage(): boolean {
    const { batch, message, interest, noResponders } = this;
    if (this.stage === Stage.Begin) {
      if (this.changed) this.use(interest.match(batch.subjectSource, batch.subjectStart(message), batch.subjectEnd(message)));
      this.inPlace = this.staysInPlace;
      this.caughtUp = 0;
      this.taken = 0;
      this.receiver = 0;
      this.step = 0;
      this.group = 0;
      this.stage = Stage.Plain;
    }
    if (this.stage === Stage.Plain) {
      if (!this.deliverToPlain()) return false;
      this.stage = Stage.Groups;
    }
    if (!this.deliverToGroups()) return false;
    this.stage = Stage.Begin;
    let { taken } = this;
    if (this.generation !== interest.generation || (taken + this.caughtUp === 0 && noResponders !== null)) this.catchUp();
    taken += this.caughtUp;
    if (this.inPlace) {
      if (this.plan.remoteGroups || this.plan.remotes.length > 0) taken += this.carry(message, message + 1);
      this.runStart = message + 1;
    }
    if (taken === 0 && noResponders !== null && this.complete.size === 0) noResponders.onNoResponders(batch, message);
    if (this.generation !== interest.generation) {
      this.changed = true;
      this.staysInPlace = true;
    }
    return true;
  }

  /** @returns false if it stopped before the last receiver */
  private deliverToPlain(): boolean {
    const { complete, meter, message } = this;
    const { plain } = this.result;
    const { stepped, remotes } = this.plan;
    while (!this.inPlace) {
      if (this.step === stepped.length) {
        this.receiver = plain.length;
        return true;
      }
      this.receiver = stepped[this.step++];
      meter.done += UnitsOf.step;
      this.taken += this.give(plain[this.receiver], message, message + 1);
      const stops = this.mustStop;
      if (stops) this.catchUp();
      if (this.inPlace) this.receiver++; // it has published, or the delivery stops: the receivers after it do not have this message yet
      if (stops) return false;
    }
    while (this.receiver < plain.length) {
      const subscription = plain[this.receiver];
      if ((remotes.length === 0 || subscription.sink.remote === undefined) && !complete.has(subscription)) {
        this.taken += this.give(subscription, message, message + 1);
      }
      this.receiver++;
      if (this.mustStop && this.receiver < plain.length) return false;
    }
    return true;
  }

  /** Members on other servers are added to `chosen`. @returns false if it stopped before the last group */
  private deliverToGroups(): boolean {
    if (this.groupsComplete) return true;
    const { groups } = this.result;
    this.followGroups();
    while (this.group < groups.length) {
      const member = selectQueueMember(groups[this.group], this.source, this.random, this);
      this.group++;
      if (member !== null) {
        if (member.sink.remote === undefined) this.taken++;
        else this.chosen.push(member);
      }
      if (this.mustStop && this.group < groups.length) {
        this.catchUp();
        return false;
      }
    }
    return true;
  }

  /** A connection that waits for its run may be in a group now: what it would already have comes before what it gets there. */
  private followGroups(): void {
    const { plan, result } = this;
    if (this.inPlace || plan.version === -1 || plan.version === versionOf(result)) return;
    this.catchUp();
    this.generation = CHANGED;
  }

  /** Sends messages `from` to `to` once to each connection that must carry them. @returns the largest number that one of them took */
  private carry(from: number, to: number): number {
    const { batch, chosen, remotes, source } = this;
    const { plain } = this.result;
    remotes.begin(this.planner.nextMark());
    for (const position of this.plan.remotes) {
      const subscription = plain[position];
      if (maySend(subscription, batch, source)) remotes.note(subscription);
    }
    for (const member of chosen) remotes.note(member);
    chosen.length = 0;
    const taken = remotes.carry(batch, from, to);
    this.delivered += taken;
    return taken;
  }

  private use(result: MatchResult<Subscription>): void {
    this.result = result;
    this.plan = this.planner.planOf(result);
  }

  /** The only place where a local receiver gets messages. @returns how many it took */
  private give(subscription: Subscription, from: number, to: number): number {
    const { batch } = this;
    const { sink } = subscription;
    const silenced = sink === this.silent;
    let taken = 0;
    this.meter.done++;
    if (batch.trace !== null) {
      this.meter.done += UnitsOf.traced;
      taken = deliverTraced(subscription, batch, batch.trace, silenced) ? 1 : 0;
    } else if (!silenced) taken = sink.deliver(subscription, batch, from, to);
    this.delivered += taken;
    return taken;
  }

  // QueueDelivery

  tryDeliver(member: Subscription): boolean {
    const taken = this.give(member, this.message, this.message + 1);
    if (!member.sink.takesRuns) this.followGroups();
    return taken > 0;
  }

  isEcho(member: Subscription): boolean {
    return wouldReturn(member, this.batch, this.source);
  }
}

/** Whether any receiver may drop messages in the middle of a run. */
function hasSpecial({ plain }: MatchResult<Subscription>): boolean {
  for (const subscription of plain) if (subscription.special) return true;
  return false;
}
