/**
 * The one place that decides who gets the messages of a batch, whoever published them.
 *
 *   batch + match result ─▶ plain receivers ─▶ one member of each queue group ─▶ connections to other servers, each once
 *                           (reference, core §1.11)
 * What receivers see is what they would see if each message went to all of them before the next one, each in the order above, and each
 * message to those who want it at that time. Runs, several messages handed to a receiver at once, do not change that:
 *
 *   receivers that only queue output      nobody sees when they get a message, only what stands before and behind it in their output.
 *                                         They wait for their run until the batch is through
 *   code inside the process, and          get message by message meanwhile (delivery-plan.ts, `stepped`)
 *   connections that are named twice
 *   code inside the process publishes     what it publishes may reach a waiting receiver: before that, `catchUp` hands all of them what
 *                                         they would have by now. The rest of this message goes from receiver to receiver; with the next
 *                                         one they wait again
 *   it changes interest                   `catchUp` before the next message; from there on each message is matched anew
 *   it ends a waiting receiver            `catchUp` first: connections call it when they close
 * So one receiver inside the process costs the others their runs only while it publishes.
 *
 * In place, from the start, receiver by receiver: a single message; a message that is traced; groups with members on other servers, for
 * which the connections must be collected per message; requests, where the fate of each is asked for and a filter may drop some.
 *
 * Where it stands is written down in fields, not in nested calls: message, receiver (position in `plain`), group, and how far the runs are.
 */
import type { Random } from "../../base/random/random.ts";
import type { MessageBatch } from "../batch/message-batch.ts";
import type { Subscription } from "../batch/subscription.ts";
import { MatchResult } from "../subject/match-result.ts";
import { type MessageSource, type QueueDelivery, selectQueueMember } from "../subject/queue-selection.ts";
import type { DeliveryPlan, DeliveryPlanner } from "./delivery-plan.ts";
import { comesBack, goesOn, RemoteMembers } from "./remote-members.ts";
import { deliverTraced } from "./traced-delivery.ts";

/** The interest in which messages are published. */
export interface Interest {
  /** Differs whenever a result may differ. */
  readonly generation: number;
  match(source: Uint8Array, start: number, end: number): MatchResult<Subscription>;
}

/** Told of messages that nobody took. */
export interface NoResponders {
  /** Called in the order of the messages, with those that have a reply subject and others. */
  onNoResponders(batch: MessageBatch, index: number): void;
}

/** Whoever publishes, as far as a fan-out asks. */
export interface FanOutPublisher {
  readonly interest: Interest;
  readonly source: MessageSource;
  /** null: does not want to know. Asked once per batch. */
  readonly noResponders: NoResponders | null;
}

const NOBODY = new MatchResult<Subscription>([], []);

export class FanOut implements QueueDelivery<Subscription> {
  private readonly planner: DeliveryPlanner;
  private readonly random: Random;
  private readonly remotes = new RemoteMembers();
  /** Members on other servers that were chosen for the present message: noted once no callback can publish in between. */
  private readonly chosen: Subscription[] = [];

  // What is delivered
  private batch!: MessageBatch;
  private end = 0;
  private interest!: Interest;
  private source!: MessageSource;
  private noResponders: NoResponders | null = null;
  private result = NOBODY;
  private plan!: DeliveryPlan;
  /** Of the interest when it gave `result`. */
  private generation = 0;
  /** Gets nothing: it published the messages and wants no echo. */
  private silent: object | null = null;

  // Where it stands
  private message = 0;
  /** Position in `plain` of the receiver that gets `message`; behind the last one: the groups do. */
  private receiver = 0;
  private group = 0;
  /** How many of `plan.stepped` have got `message`. */
  private step = 0;
  /** The first message that receivers of runs do not have. */
  private runStart = 0;
  /** `message` goes to every receiver in its place: no run waits. */
  private inPlace = false;
  /** So do all messages after it. */
  private staysInPlace = false;
  /** The interest has changed: each message is matched anew. */
  private changed = false;
  private delivered = 0;

  constructor(planner: DeliveryPlanner, random: Random) {
    this.planner = planner;
    this.random = random;
  }

  /**
   * Delivers messages `from` to `to` of a batch, which have the same receivers.
   * @param result those receivers, of the publisher's interest when its generation was `generation`
   * @returns deliveries, added up over messages and receivers
   */
  deliver(
    publisher: FanOutPublisher,
    batch: MessageBatch,
    from: number,
    to: number,
    result: MatchResult<Subscription>,
    generation: number,
  ): number {
    const { originator } = batch;
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
    this.advance();
    return this.delivered;
  }

  /** Lets go of what it delivered. */
  release(): void {
    this.result = NOBODY;
    this.noResponders = null;
    this.silent = null;
  }

  /**
   * Called before code inside the process, while it has a message of this fan-out, does what another receiver may see: receivers that wait
   * for a run get what they would have by now.
   * @returns how many of them took the present message
   */
  catchUp(): number {
    if (this.inPlace) return 0;
    this.inPlace = true;
    const { message, receiver, runStart, result, plan } = this;
    const { plain } = result;
    const { runs, remotes } = plan;
    const count = runs === null ? plain.length : runs.length;
    let took = 0;
    for (let index = 0; index < count; index++) {
      const position = runs === null ? index : runs[index];
      const to = position < receiver ? message + 1 : message;
      if (to === runStart) continue;
      const size = this.give(plain[position], runStart, to);
      if (to > message && size === to - runStart) took++;
    }
    if (remotes.length > 0 && message > runStart) this.carry(runStart, message);
    this.runStart = message + 1;
    return took;
  }

  /** Goes on from where it stands. */
  private advance(): void {
    if (this.staysInPlace || this.plan.stepped.length > 0 || this.result.groups.length > 0) {
      for (; this.message < this.end; this.message++) this.deliverMessage();
      if (this.runStart < this.end) this.deliverRuns();
      return;
    }
    const taken = this.deliverRuns();
    const { batch, noResponders } = this;
    if (noResponders === null) return;
    // Every receiver takes a run from its start: nobody took the messages behind the longest one.
    for (this.message += taken; this.message < this.end; this.message++) noResponders.onNoResponders(batch, this.message);
  }

  /** Hands out the runs, to the end of the batch. @returns the most messages that one receiver took */
  private deliverRuns(): number {
    this.inPlace = true; // nothing is left to catch up with
    const { plain } = this.result;
    const { runs, remotes } = this.plan;
    const { runStart, end } = this;
    const count = runs === null ? plain.length : runs.length;
    let most = 0;
    for (this.receiver = 0; this.receiver < count; this.receiver++) {
      const taken = this.give(plain[runs === null ? this.receiver : runs[this.receiver]], runStart, end);
      if (taken > most) most = taken;
    }
    if (remotes.length > 0) most = Math.max(most, this.carry(runStart, end));
    this.runStart = end;
    return most;
  }

  /** The present message, to all who do not wait for a run. */
  private deliverMessage(): void {
    const { batch, message, interest, noResponders } = this;
    if (this.changed) this.use(interest.match(batch.subjectSource, batch.subjectStart(message), batch.subjectEnd(message)));
    this.inPlace = this.staysInPlace;
    let taken = this.deliverToPlain() + this.deliverToGroups();
    if (this.generation !== interest.generation || (taken === 0 && noResponders !== null)) taken += this.catchUp();
    if (this.inPlace) {
      if (this.plan.remoteGroups || this.plan.remotes.length > 0) taken += this.carry(message, message + 1);
      this.runStart = message + 1;
    }
    if (taken === 0 && noResponders !== null) noResponders.onNoResponders(batch, message);
    if (this.generation !== interest.generation) {
      this.changed = true;
      this.staysInPlace = true;
    }
  }

  private deliverToPlain(): number {
    const { message } = this;
    const { plain } = this.result;
    const { stepped, remotes } = this.plan;
    let taken = 0;
    this.receiver = 0;
    for (this.step = 0; !this.inPlace; this.step++) {
      if (this.step === stepped.length) {
        this.receiver = plain.length;
        return taken;
      }
      this.receiver = stepped[this.step];
      taken += this.give(plain[this.receiver], message, message + 1);
      if (this.inPlace) this.receiver++; // it has published: the receivers behind it have yet to get this message
    }
    for (; this.receiver < plain.length; this.receiver++) {
      const subscription = plain[this.receiver];
      if (remotes.length === 0 || subscription.sink.remote === undefined) taken += this.give(subscription, message, message + 1);
    }
    return taken;
  }

  /** @returns how many local members took it; members on other servers are noted */
  private deliverToGroups(): number {
    const { groups } = this.result;
    let taken = 0;
    for (this.group = 0; this.group < groups.length; this.group++) {
      const member = selectQueueMember(groups[this.group], this.source, this.random, this);
      if (member === null) continue;
      if (member.sink.remote === undefined) taken++;
      else this.chosen.push(member);
    }
    return taken;
  }

  /** Messages `from` to `to`, once to each connection that shall carry them. @returns the most that one of them took */
  private carry(from: number, to: number): number {
    const { batch, chosen, remotes, source } = this;
    const { plain } = this.result;
    remotes.begin(this.planner.nextMark());
    for (const position of this.plan.remotes) {
      const subscription = plain[position];
      if (goesOn(subscription, batch, source)) remotes.note(subscription);
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
    if (batch.trace !== null) taken = deliverTraced(subscription, batch, batch.trace, silenced) ? 1 : 0;
    else if (!silenced) taken = sink.deliver(subscription, batch, from, to);
    this.delivered += taken;
    return taken;
  }

  // QueueDelivery

  tryDeliver(member: Subscription): boolean {
    return this.give(member, this.message, this.message + 1) > 0;
  }

  isEcho(member: Subscription): boolean {
    return comesBack(member, this.batch, this.source);
  }
}

/** Whether some receiver may drop messages in the middle of a run. */
function hasSpecial({ plain }: MatchResult<Subscription>): boolean {
  for (const subscription of plain) if (subscription.special) return true;
  return false;
}
