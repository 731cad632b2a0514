/**
 * How a fan-out delivers to the receivers of a match result: which of them may get several messages at once. Computed once per result and
 * stored in it.
 *
 *   runs      receivers that only queue output and occur once in the result: they may get all their messages in one call
 *   stepped   receivers that get messages one by one: code inside the process, which may publish or change interest between two messages,
 *             and connections that occur twice in the result (message 1 goes to both subscriptions, then message 2 to both)
 *   remotes   subscriptions of other servers: collected per connection
 *
 * Queue groups change while the result stays. Where a plan depends on their members, because a connection may be in one of them too, it is valid for
 * one version of them. In a result with few members the next plan is made at once. With many, all receivers are stepped first, which is always
 * right, and the plan is made when it has been used so often that it pays off.
 */
import type { Subscription } from "../batch/subscription.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { membersOf } from "../subject/queue-group.ts";

export class DeliveryPlan {
  /**
   * @param runs positions in `MatchResult.plain`, in ascending order; null: all positions
   * @param stepped positions, in ascending order
   * @param remotes positions, in ascending order
   * @param remoteGroups whether a queue group has members on other servers
   */
  constructor(
    readonly runs: readonly number[] | null,
    readonly stepped: readonly number[],
    readonly remotes: readonly number[],
    readonly remoteGroups: boolean,
    /** Version of the groups' members that the plan is for; -1: it does not depend on them. */
    readonly version = -1,
    /** How often it may be used before a better one is made; Infinity: there is none. */
    public uses = Number.POSITIVE_INFINITY,
  ) {}
}

/** The shared plan of results whose receivers all may get runs and have no members on other servers: nearly all results. */
const ALL_RUNS = new DeliveryPlan(null, [], [], false);

/** Up to this number of members of groups, a plan is made at the first use. */
const MEMBERS_FEW = 256;
/** Receivers are stepped once per this number of members before the plan is made. */
const MEMBERS_PER_USE = 64;

/** Creates plans. One object per server, because its marks on sinks must differ from plan to plan. */
export class DeliveryPlanner {
  private lastMark = 0;

  /** A number that is not the `mark` of any sink. */
  nextMark(): number {
    return ++this.lastMark;
  }

  /** The plan of a result; made at the first call, and after changes of its queue groups. */
  planOf(result: MatchResult<Subscription>): DeliveryPlan {
    const plan = result.plan as DeliveryPlan | null;
    if (plan === null) return this.make(result);
    if (plan.version === -1) return plan;
    if (plan.version !== versionOf(result)) return this.make(result);
    return --plan.uses < 0 ? this.makeFull(result, plan.version) : plan;
  }

  private make(result: MatchResult<Subscription>): DeliveryPlan {
    const { plain, groups } = result;
    if (plain.length === 0) {
      const remoteGroups = hasRemotes(result);
      result.plan = remoteGroups ? new DeliveryPlan(null, [], [], true) : ALL_RUNS;
      return result.plan as DeliveryPlan;
    }
    if (groups.length === 0) return this.makeFull(result, -1);
    let members = 0;
    for (const group of groups) members += group.length;
    if (members <= MEMBERS_FEW) return this.makeFull(result, versionOf(result));
    const stepped: number[] = [];
    const remotes: number[] = [];
    for (let position = 0; position < plain.length; position++) {
      if (plain[position].sink.remote === undefined) stepped.push(position);
      else remotes.push(position);
    }
    const plan = new DeliveryPlan([], stepped, remotes, hasRemotes(result), versionOf(result), members / MEMBERS_PER_USE);
    result.plan = plan;
    return plan;
  }

  private makeFull(result: MatchResult<Subscription>, version: number): DeliveryPlan {
    const { plain } = result;
    const repeated = this.nextMark();
    this.markSinks(result, repeated);
    const remoteGroups = hasRemotes(result);
    const runs: number[] = [];
    const stepped: number[] = [];
    const remotes: number[] = [];
    for (let position = 0; position < plain.length; position++) {
      const { sink } = plain[position];
      if (sink.remote !== undefined) remotes.push(position);
      else if (sink.takesRuns && sink.mark !== repeated) runs.push(position);
      else stepped.push(position);
    }
    const all = runs.length === plain.length;
    const shared = all && !remoteGroups && version === -1;
    const plan = shared ? ALL_RUNS : new DeliveryPlan(all ? null : runs, stepped, remotes, remoteGroups, version);
    result.plan = plan;
    return plan;
  }

  /** Sets the mark `repeated` on sinks that may get a message twice. */
  private markSinks({ plain, groups }: MatchResult<Subscription>, repeated: number): void {
    const once = this.nextMark();
    const inThisGroup = this.nextMark();
    for (const { sink } of plain) sink.mark = sink.mark === once || sink.mark === repeated ? repeated : once;
    for (const group of groups) {
      const members = membersOf(group);
      // Only one member of a group gets a message, so a sink may have several members in one group, but not members in two groups.
      for (const { sink } of members) sink.mark = sink.mark === once || sink.mark === repeated ? repeated : inThisGroup;
      for (const { sink } of members) if (sink.mark === inThisGroup) sink.mark = once;
    }
  }
}

/** Changes whenever a member joins or leaves one of the groups. */
export function versionOf({ groups }: MatchResult<Subscription>): number {
  let version = 0;
  for (const group of groups) version += group.version;
  return version;
}

/** Whether a queue group has members on other servers. */
function hasRemotes({ groups }: MatchResult<Subscription>): boolean {
  for (const group of groups) if (group.remotes > 0) return true;
  return false;
}
