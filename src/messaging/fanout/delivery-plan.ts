/**
 * How a fan-out walks a match result: which receivers may get several messages at once. Found out once per result and kept there.
 *
 *   runs      receivers that only queue output and are named once in the result: nobody can see when they get their messages
 *   stepped   receivers that get messages one by one, in step with the others: code inside the process, which may publish or change
 *             interest between two messages, and connections that the result names twice (message 1 to both, then message 2 to both)
 *   remotes   subscriptions of other servers: collected per connection
 */
import type { Subscription } from "../batch/subscription.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { isRemote } from "../subject/queue-selection.ts";

export class DeliveryPlan {
  /**
   * @param runs positions in `MatchResult.plain`, rising; null: all of them
   * @param stepped positions, rising
   * @param remotes positions, rising
   * @param remoteGroups some queue group has members on other servers
   */
  constructor(
    readonly runs: readonly number[] | null,
    readonly stepped: readonly number[],
    readonly remotes: readonly number[],
    readonly remoteGroups: boolean,
  ) {}
}

/** Of nearly all results. */
const ALL_RUNS = new DeliveryPlan(null, [], [], false);

/** Makes plans. One per server, as its marks on sinks must differ from plan to plan. */
export class DeliveryPlanner {
  private lastMark = 0;

  /** A number that no sink has as its `mark`. */
  nextMark(): number {
    return ++this.lastMark;
  }

  /** The plan of a result, made when it is first needed. */
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

  /** Marks the sinks that may get a message twice as `repeated`. @returns whether a queue group has members on other servers */
  private markSinks({ plain, groups }: MatchResult<Subscription>, repeated: number): boolean {
    const once = this.nextMark();
    const inThisGroup = this.nextMark();
    for (const { sink } of plain) sink.mark = sink.mark === once || sink.mark === repeated ? repeated : once;
    let remoteGroups = false;
    for (const group of groups) {
      // One member of a group gets a message, so a connection may have several members; but not in two groups.
      for (const { sink, origin } of group) {
        if (isRemote(origin)) remoteGroups = true;
        sink.mark = sink.mark === once || sink.mark === repeated ? repeated : inThisGroup;
      }
      for (const { sink } of group) if (sink.mark === inThisGroup) sink.mark = once;
    }
    return remoteGroups;
  }
}
