/**
 * How a fan-out delivers to the receivers of a match result: which of them may get several messages at once. Computed once per result and
 * stored in it.
 *
 *   runs      receivers that only queue output and occur once in the result: they may get all their messages in one call
 *   stepped   receivers that get messages one by one: code inside the process, which may publish or change interest between two messages,
 *             and connections that occur twice in the result (message 1 goes to both subscriptions, then message 2 to both)
 *   remotes   subscriptions of other servers: collected per connection
 */
import type { Subscription } from "../batch/subscription.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { isRemote } from "../subject/queue-selection.ts";

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
  ) {}
}

/** The shared plan of results whose receivers all may get runs and have no members on other servers: nearly all results. */
const ALL_RUNS = new DeliveryPlan(null, [], [], false);

/** Creates plans. One object per server, because its marks on sinks must differ from plan to plan. */
export class DeliveryPlanner {
  private lastMark = 0;

  /** A number that is not the `mark` of any sink. */
  nextMark(): number {
    return ++this.lastMark;
  }

  /** The plan of a result; created at the first call. */
  planOf(result: MatchResult<Subscription>): DeliveryPlan {
    return (result.plan as DeliveryPlan | null) ?? this.make(result);
  }

  private make(result: MatchResult<Subscription>): DeliveryPlan {
    const { plain } = result;
    const repeated = this.nextMark();
    const remoteGroups = this.markSinks(result, repeated);
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
    const plan = all && !remoteGroups ? ALL_RUNS : new DeliveryPlan(all ? null : runs, stepped, remotes, remoteGroups);
    result.plan = plan;
    return plan;
  }

  /**
   * Sets the mark `repeated` on sinks that may get a message twice.
   * @returns whether a queue group has members on other servers
   */
  private markSinks({ plain, groups }: MatchResult<Subscription>, repeated: number): boolean {
    const once = this.nextMark();
    const inThisGroup = this.nextMark();
    for (const { sink } of plain) sink.mark = sink.mark === once || sink.mark === repeated ? repeated : once;
    let remoteGroups = false;
    for (const group of groups) {
      // Only one member of a group gets a message, so a sink may have several members in one group, but not members in two groups.
      for (const { sink, origin } of group) {
        if (isRemote(origin)) remoteGroups = true;
        sink.mark = sink.mark === once || sink.mark === repeated ? repeated : inThisGroup;
      }
      for (const { sink } of group) if (sink.mark === inThisGroup) sink.mark = once;
    }
    return remoteGroups;
  }
}
