/**
 * The connections to other servers that a message is sent to. Each has a list of queue groups: the other server delivers the message to
 * one member of each.
 *
 *   orders.*  ─ route 1 ┐
 *   orders.eu ─ route 1 ├─▶ route 1: once, no queue · leaf 7: once, queues "a" and "b"
 *   group a, group b ─ leaf 7 ┘
 * Each connection gets a message once, however many of its subscriptions match. They are served after the local receivers.
 * Source: reference, core §2.1.3, §2.3.2, §3.3.
 */
import type { MessageBatch } from "../batch/message-batch.ts";
import type { Sink, Subscription } from "../batch/subscription.ts";
import { MessageSource } from "../subject/queue-selection.ts";
import { Origin } from "../subject/trie-entry.ts";

/** One connection, with the subscriptions for which it gets the message. */
interface Load {
  /** The first matching subscription of the connection. */
  subscription: Subscription;
  /** Queue groups for which the connection was chosen. */
  readonly queues: Uint8Array[];
}

export class RemoteMembers {
  private readonly loads: Load[] = [];
  /** Number of `loads` in use. */
  private count = 0;
  /** Sinks that are in `loads` have this number as their `mark`. */
  private mark = 0;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Begins a new collection. @param mark a number that is not the `mark` of any sink */
  begin(mark: number): void {
    this.mark = mark;
    this.count = 0;
  }

  /** Adds the connection of a subscription once, and the queue group for which it was chosen. */
  note(subscription: Subscription): void {
    const { sink, queue } = subscription;
    const load = sink.mark === this.mark ? this.loadOf(sink) : this.open(subscription);
    if (queue !== null) load.queues.push(queue);
  }

  /** Hands messages `from` to `to` to each connection. @returns how many messages were accepted by the connection that accepted most */
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

/** Whether messages of the batch may be sent to a plain subscription of another server. */
export function maySend(subscription: Subscription, batch: MessageBatch, source: MessageSource): boolean {
  const { origin } = subscription;
  // Within a cluster every server is connected to every other one.
  if (source === MessageSource.Route && origin !== Origin.LeafHub) return false;
  // Messages of a hub are not passed on to the cluster of the spoke.
  if (source === MessageSource.LeafSpoke && (origin === Origin.Route || origin === Origin.RouteLeaf)) return false;
  return !wouldReturn(subscription, batch, source);
}

/** Whether messages of the batch would return to the connection, or the leaf cluster, that sent them. */
export function wouldReturn(subscription: Subscription, batch: MessageBatch, source: MessageSource): boolean {
  const { sink, view, origin } = subscription;
  if (batch.originator?.sink === sink) return true;
  const cluster = sink.remote!.clusterOf(subscription);
  const { originCluster } = batch;
  // A message that was imported into another account is a new message for the cluster.
  if (batch.imported === null && view === null) return originCluster !== "" && cluster === originCluster;
  // Between spokes of the same cluster it would be sent in circles.
  if (source !== MessageSource.LeafSpoke || origin !== Origin.LeafSpoke) return false;
  return cluster === originCluster || cluster === "" || originCluster === "";
}
