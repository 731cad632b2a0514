import { copyBytes } from "../../base/bytes/ascii.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { Random } from "../../base/random/random.ts";
import { isJetStreamRequest } from "../../messaging/subject/jetstream-subject.ts";
import { DecisionCache } from "./decision-cache.ts";
import { CachedFilter, type DeliveryFilter, DirectFilter, overlappingEntries } from "./delivery-filter.ts";
import { DIRECT_PATTERNS_MAX } from "./pattern-set.ts";
import type { ResponsePermission } from "./permission-options.ts";
import type { Permissions } from "./permissions.ts";
import { TrackedReplies } from "./tracked-replies.ts";

/**
 * The permissions of one connection: the shared `Permissions`, plus this connection's cached decisions and tracked replies.
 *
 *   publish ──▶ few patterns? ─yes─▶ compare ──────────────────┐
 *                     └no─▶ cached? ─no─▶ trie, cache ─────────┴─▶ not allowed? ─▶ a tracked reply? ─▶ decision
 *
 * Everything here is created on first use: ten thousand connections with a handful of patterns each hold this object and
 * nothing else. Checks work on bytes and allocate nothing, unless a new decision is cached.
 */
const PUBLISH_DECISIONS_MAX = 128;
const DELIVERY_DECISIONS_MAX = 256;

export class ClientPermissions {
  private publishDecisions: DecisionCache | null = null;
  private deliveryDecisions: DecisionCache | null = null;
  private filterTag = 0;
  private replies: TrackedReplies | null = null;

  constructor(
    private shared: Permissions,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** The permissions in force. */
  get permissions(): Permissions {
    return this.shared;
  }

  /**
   * Whether the client may publish on the subject; wildcards in it are plain text. A call for a tracked reply uses up one of its answers,
   * so call once per message.
   * @param source borrowed for the call
   */
  mayPublish(source: Uint8Array, start: number, end: number): boolean {
    return this.mayAlwaysPublish(source, start, end) || this.mayAnswer(source, start, end);
  }

  /** Whether the subject is a tracked reply. Uses up one of its answers. */
  mayAnswer(source: Uint8Array, start: number, end: number): boolean {
    return this.replies?.use(source, start, end) ?? false;
  }

  /** The same without tracked replies: nothing is counted, so one call can cover many messages. */
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
   * Creates the filter that a subscription applies to each message before its delivery: it blocks messages whose subject is denied. A
   * subscription that is no longer allowed after `follow` needs it too. Valid until the next `follow`.
   * @param subject, @param queue borrowed for the call
   * @returns null when no message of the subscription can be denied
   */
  filterOf(subject: Uint8Array, queue: Uint8Array | null): DeliveryFilter | null {
    const deny = this.shared.subscribeDeny;
    if (deny === null) return null;
    const named = queue === null || queue.length === 0 ? null : queue;
    const entries = overlappingEntries(deny, subject, named);
    if (entries.length === 0) return null;
    if (entries.length <= DIRECT_PATTERNS_MAX) return new DirectFilter(entries);
    this.deliveryDecisions ??= new DecisionCache(DELIVERY_DECISIONS_MAX, this.random);
    // Without queue entries all subscriptions share their decisions.
    if (named === null || deny.queues.entries.length === 0) return new CachedFilter(deny, null, this.deliveryDecisions, 0);
    if (this.filterTag === TAG_MAX) {
      // Tags start again in a new cache; earlier filters keep the old one.
      this.deliveryDecisions = new DecisionCache(DELIVERY_DECISIONS_MAX, this.random);
      this.filterTag = 0;
    }
    this.filterTag++;
    return new CachedFilter(deny, copyBytes(named, 0, named.length), this.deliveryDecisions, this.filterTag);
  }

  /** Whether `trackReply` must be called for delivered messages. */
  get tracksReplies(): boolean {
    return this.shared.responses !== null;
  }

  /**
   * Call it when a message with this reply subject was delivered to the client: the client may now answer there. Does nothing if
   * the client may always publish there. As in the reference, a subject that is already tracked is not added again: the second message
   * uses one of its allowed answers. A subject whose allowed answers are used is tracked anew. A request to the JetStream API is never
   * tracked, because the answer would make that request (core §4.7).
   * @param source borrowed for the call
   */
  trackReply(source: Uint8Array, start: number, end: number): void {
    const responses = this.shared.responses;
    if (responses === null || start === end || isJetStreamRequest(source, start, end) || this.mayPublish(source, start, end)) return;
    this.replies ??= new TrackedReplies(responses, this.clock);
    this.replies.add(source, start, end);
  }

  /**
   * Replaces the permissions of a connected client. Tracked replies stay allowed if the response settings are the same.
   * The caller repeats `maySubscribe` and `filterOf` for each subscription.
   */
  follow(permissions: Permissions): void {
    if (!sameResponses(this.shared.responses, permissions.responses)) this.replies = null;
    this.shared = permissions;
    this.publishDecisions = null;
    this.deliveryDecisions = null;
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

/** Whether the response settings are equal. If so, a reload or a new claim keeps the tracked replies. */
function sameResponses(a: ResponsePermission | null, b: ResponsePermission | null): boolean {
  if (a === null || b === null) return a === b;
  return a.messagesMax === b.messagesMax && a.expiresMs === b.expiresMs;
}
