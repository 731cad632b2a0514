import { copyBytes } from "../../base/bytes/ascii.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { Random } from "../../base/random/random.ts";
import { DecisionCache } from "./decision-cache.ts";
import { CachedFilter, type DeliveryFilter, DirectFilter, overlappingEntries } from "./delivery-filter.ts";
import { DIRECT_PATTERNS_MAX } from "./pattern-set.ts";
import type { Permissions } from "./permissions.ts";
import { sameResponses } from "./same-responses.ts";
import { TrackedReplies } from "./tracked-replies.ts";

/**
 * What one connection may publish and subscribe: the shared `Permissions`, and what only this connection has.
 *
 *   publish ──▶ few patterns? ─yes─▶ compare ──────────────────┐
 *                     └no─▶ remembered? ─no─▶ trie, remember ──┴─▶ not allowed? ─▶ a tracked reply ─▶ answer
 *
 * Everything here is made when it is first needed: ten thousand connections with a handful of patterns each hold this object and
 * nothing else. Questions about subjects work on bytes; one that is remembered, or needs no remembering, allocates nothing.
 */
const PUBLISH_DECISIONS_MAX = 128;
const DELIVERY_DECISIONS_MAX = 256;
/** A power of two, and twice what a trie remembers. */
const STAMPED_SLOTS = 2048;
const STAMPED_FROM = 256;

export class ClientPermissions {
  private publishDecisions: DecisionCache | null = null;
  private deliveryDecisions: DecisionCache | null = null;
  private filterTag = 0;
  private replies: TrackedReplies | null = null;
  /** Answers by number: the stamp of what may be published, the same below zero of what may not. */
  private stamped: Float64Array | null = null;
  private unstamped = 0;

  constructor(
    private shared: Permissions,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Those in force. */
  get permissions(): Permissions {
    return this.shared;
  }

  /**
   * Whether the client may publish on the subject, whose wildcards are text. For a tracked reply the question is its answer: it is
   * counted, so ask once per message.
   * @param source borrowed for the call
   */
  mayPublish(source: Uint8Array, start: number, end: number): boolean {
    return this.mayAlwaysPublish(source, start, end) || (this.replies?.use(source, start, end) ?? false);
  }

  /**
   * As `mayAlwaysPublish`, for a subject that somebody else remembers under a number: then its answer is one array access away.
   * @param stamp stands for these very bytes, and no others, however large it gets; 0: for nothing
   */
  mayAlwaysPublishStamped(stamp: number, source: Uint8Array, start: number, end: number): boolean {
    if (stamp === 0) return this.mayAlwaysPublish(source, start, end);
    const { stamped } = this;
    if (stamped === null) {
      // Clients that walk through many subjects are worth the memory, others are not.
      if (++this.unstamped > STAMPED_FROM) this.stamped = new Float64Array(STAMPED_SLOTS);
      return this.mayAlwaysPublish(source, start, end);
    }
    const slot = stamp & (STAMPED_SLOTS - 1);
    const known = stamped[slot];
    if (known === stamp) return true;
    if (known === -stamp) return false;
    const allowed = this.mayAlwaysPublish(source, start, end);
    stamped[slot] = allowed ? stamp : -stamp;
    return allowed;
  }

  /** The same without regard to tracked replies: nothing is counted, so it may be asked for many messages at once. */
  mayAlwaysPublish(source: Uint8Array, start: number, end: number): boolean {
    const rule = this.shared.publish;
    if (rule === null) return true;
    return rule.isDirect ? rule.allows(source, start, end) : this.mayPublishRemembered(source, start, end);
  }

  /** @param queue null or empty: a plain subscription */
  maySubscribe(subject: Uint8Array, queue: Uint8Array | null): boolean {
    return this.shared.maySubscribe(subject, queue);
  }

  /**
   * For an allowed subscription: what to ask for each message at its delivery; null when nothing can be denied. For one that is not
   * allowed any more, after `follow`: a filter that lets nothing denied pass. It holds until the next `follow`.
   * @param subject, @param queue borrowed for the call
   */
  filterOf(subject: Uint8Array, queue: Uint8Array | null): DeliveryFilter | null {
    const deny = this.shared.subscribeDeny;
    if (deny === null) return null;
    const named = queue === null || queue.length === 0 ? null : queue;
    const entries = overlappingEntries(deny, subject, named);
    if (entries.length === 0) return null;
    if (entries.length <= DIRECT_PATTERNS_MAX) return new DirectFilter(entries);
    this.deliveryDecisions ??= new DecisionCache(DELIVERY_DECISIONS_MAX, this.random);
    // Without entries for queues all subscriptions have the same decisions.
    if (named === null || deny.queues.entries.length === 0) return new CachedFilter(deny, null, this.deliveryDecisions, 0);
    if (this.filterTag === TAG_MAX) {
      // Numbers begin again, in a cache that has not met them: filters before keep theirs.
      this.deliveryDecisions = new DecisionCache(DELIVERY_DECISIONS_MAX, this.random);
      this.filterTag = 0;
    }
    this.filterTag++;
    return new CachedFilter(deny, copyBytes(named, 0, named.length), this.deliveryDecisions, this.filterTag);
  }

  /** Whether `trackReply` wants to hear of delivered messages. */
  get tracksReplies(): boolean {
    return this.shared.responses !== null;
  }

  /**
   * A message with this reply subject was delivered to the client, which may answer there from now on, if it may not publish there
   * anyway. As in the reference, a reply that is tracked already is not tracked anew: the repetition takes one of its answers, and
   * only one without any left begins again.
   * @param source borrowed for the call
   */
  trackReply(source: Uint8Array, start: number, end: number): void {
    const responses = this.shared.responses;
    if (responses === null || start === end || this.mayPublish(source, start, end)) return;
    this.replies ??= new TrackedReplies(responses, this.clock, this.random.nextInt32());
    this.replies.add(source, start, end);
  }

  /**
   * The permissions have changed while the client was connected. Tracked replies stay allowed if the response settings are the same.
   * Ask `maySubscribe` and `filterOf` again for each subscription.
   */
  follow(permissions: Permissions): void {
    if (!sameResponses(this.shared.responses, permissions.responses)) this.replies = null;
    this.shared = permissions;
    this.publishDecisions = null;
    this.deliveryDecisions = null;
    this.forgetStamps();
  }

  /** The numbers of `mayAlwaysPublishStamped` stand for other subjects now. */
  forgetStamps(): void {
    this.stamped?.fill(0);
  }

  private mayPublishRemembered(source: Uint8Array, start: number, end: number): boolean {
    this.publishDecisions ??= new DecisionCache(PUBLISH_DECISIONS_MAX, this.random);
    const cache = this.publishDecisions;
    const hash = cache.hash(0, source, start, end);
    const known = cache.find(hash, 0, source, start, end);
    if (known !== -1) return known === 1;
    const allowed = this.shared.publish!.allows(source, start, end);
    cache.add(hash, 0, source, start, end, allowed);
    return allowed;
  }
}

const TAG_MAX = 2 ** 30 - 1;
