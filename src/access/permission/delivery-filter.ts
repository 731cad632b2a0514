import type { SubjectFilter } from "../../messaging/batch/subscription.ts";
import { hasWildcard } from "../../messaging/subject/subject.ts";
import { collide } from "../../messaging/subject/subject-overlap.ts";
import type { DecisionCache } from "./decision-cache.ts";
import type { Pattern } from "./pattern.ts";
import { DIRECT_PATTERNS_MAX } from "./pattern-set.ts";
import type { SubscribeList } from "./permissions.ts";

/**
 * Blocks denied messages of an allowed subscription: a client subscribed to `orders.>` must not receive `orders.secret` if that is denied.
 *
 * Built at SUB from the deny entries that overlap with the subscription's subject and queue. Usually they are few and
 * compared directly; more than eight are checked through the connection's decision cache, which all its filters share.
 */
export type DeliveryFilter = SubjectFilter;

/** Deny entries that overlap with a subscription. The search stops at one more than can be compared directly. */
export function overlappingEntries(deny: SubscribeList, subject: Uint8Array, queue: Uint8Array | null): Pattern[] {
  const found: Pattern[] = [];
  // A literal subject overlaps only with entries that cover it, usually none; the list answers that without a walk.
  const literal = !hasWildcard(subject, 0, subject.length);
  if (literal && !deny.denies(subject, 0, subject.length, queue)) return found;
  for (const pattern of deny.plain) {
    if (found.length > DIRECT_PATTERNS_MAX) return found;
    if (overlaps(pattern, subject)) found.push(pattern);
  }
  if (queue === null) return found;
  for (const entry of deny.queues.entries) {
    if (found.length > DIRECT_PATTERNS_MAX) return found;
    if (overlaps(entry.pattern, subject) && entry.coversQueue(queue)) found.push(entry.pattern);
  }
  return found;
}

function overlaps({ subject: denied }: Pattern, subject: Uint8Array): boolean {
  return collide(denied, 0, denied.length, subject, 0, subject.length);
}

/** Compares with each pattern. */
export class DirectFilter implements DeliveryFilter {
  readonly sizeMin: number;
  readonly sizeMax: number;
  readonly byteAt: number;
  readonly byteThere: number;

  constructor(private readonly denied: readonly Pattern[]) {
    const { lastFixedAt, subject } = denied[0];
    // Subjects of one subscription mostly begin alike, so a single pattern is told apart by its last byte.
    this.byteAt = denied.length === 1 ? lastFixedAt : -1;
    this.byteThere = this.byteAt === -1 ? 0 : subject[this.byteAt];
    this.sizeMin = Math.min(...denied.map(({ sizeMin }) => sizeMin));
    this.sizeMax = Math.max(...denied.map(({ sizeMax }) => sizeMax));
  }

  allows(subject: Uint8Array, start: number, end: number): boolean {
    const denied = this.denied;
    for (let index = 0; index < denied.length; index++) {
      if (denied[index].covers(subject, start, end)) return false;
    }
    return true;
  }
}

/** Looks up a long list and caches the decision. */
export class CachedFilter implements DeliveryFilter {
  readonly sizeMin = 0;
  readonly sizeMax = Number.MAX_SAFE_INTEGER;
  readonly byteAt = -1;
  readonly byteThere = 0;

  /** @param tag number of the queue in the cache */
  constructor(
    private readonly deny: SubscribeList,
    private readonly queue: Uint8Array | null,
    private readonly cache: DecisionCache,
    private readonly tag: number,
  ) {}

  allows(subject: Uint8Array, start: number, end: number): boolean {
    const hash = this.cache.hash(this.tag, subject, start, end);
    const known = this.cache.find(hash, this.tag, subject, start, end);
    if (known !== -1) return known === 1;
    const allowed = !this.deny.denies(subject, start, end, this.queue);
    this.cache.add(hash, this.tag, subject, start, end, allowed);
    return allowed;
  }
}
