/**
 * The part of a fan-out that leaves the server: connections to other servers, each with the queue groups of which it shall serve a member.
 *
 *   orders.*  ─ route 1 ┐
 *   orders.eu ─ route 1 ├─▶ route 1: once, no queue · leaf 7: once, queues "a" and "b"
 *   group a, group b ─ leaf 7 ┘
 * A message goes once to each, whatever it matched there. Sent after the local receivers.
 * Source: reference, core §2.1.3, §2.3.2, §3.3.
 */
import type { MessageBatch } from "../batch/message-batch.ts";
import type { Sink, Subscription } from "../batch/subscription.ts";
import { MessageSource } from "../subject/queue-selection.ts";
import { Origin } from "../subject/trie-entry.ts";

/** What one connection carries. */
interface Load {
  /** The first subscription that matched. */
  subscription: Subscription;
  readonly queues: Uint8Array[];
}

export class RemoteMembers {
  private readonly loads: Load[] = [];
  /** How many of `loads` are in use. */
  private count = 0;
  /** Sinks that are noted have it as their `mark`. */
  private mark = 0;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Begins a new collection. @param mark no sink has it */
  begin(mark: number): void {
    this.mark = mark;
    this.count = 0;
  }

  /** Notes the connection of a subscription, once; and the queue group for which it was chosen. */
  note(subscription: Subscription): void {
    const { sink, queue } = subscription;
    const load = sink.mark === this.mark ? this.loadOf(sink) : this.open(subscription);
    if (queue !== null) load.queues.push(queue);
  }

  /** Hands messages `from` to `to` to each. @returns the most that one of them took */
  carry(batch: MessageBatch, from: number, to: number): number {
    let most = 0;
    for (let index = 0; index < this.count; index++) {
      const { subscription, queues } = this.loads[index];
      most = Math.max(most, subscription.sink.remote!.carry(subscription, batch, from, to, queues));
    }
    return most;
  }

  private open(subscription: Subscription): Load {
    subscription.sink.mark = this.mark;
    const { count, loads } = this;
    this.count++;
    if (count === loads.length) loads.push({ subscription, queues: [] });
    const load = loads[count];
    load.subscription = subscription;
    load.queues.length = 0;
    return load;
  }

  private loadOf(sink: Sink): Load {
    let index = 0;
    while (this.loads[index].subscription.sink !== sink) index++;
    return this.loads[index];
  }
}

/** Whether messages of the batch go on to a plain subscription of another server. */
export function goesOn(subscription: Subscription, batch: MessageBatch, source: MessageSource): boolean {
  const { origin } = subscription;
  // Within a cluster every server is connected to every other one.
  if (source === MessageSource.Route && origin !== Origin.LeafHub) return false;
  // What a hub sends is not passed on to the cluster of the spoke.
  if (source === MessageSource.LeafSpoke && (origin === Origin.Route || origin === Origin.RouteLeaf)) return false;
  return !comesBack(subscription, batch, source);
}

/** Whether messages of the batch would come back to the connection, or the leaf cluster, that they came from. */
export function comesBack(subscription: Subscription, batch: MessageBatch, source: MessageSource): boolean {
  const { sink, view, origin } = subscription;
  if (batch.originator?.sink === sink) return true;
  const cluster = sink.remote!.clusterOf(subscription);
  const { originCluster } = batch;
  // Seen in another account it is another message, which its cluster has not seen.
  if (batch.imported === null && view === null) return originCluster !== "" && cluster === originCluster;
  // But two spokes of one cluster would send it in circles.
  if (source !== MessageSource.LeafSpoke || origin !== Origin.LeafSpoke) return false;
  return cluster === originCluster || cluster === "" || originCluster === "";
}
