/**
 * Imported streams: a subscription gets a shadow in the exporter's account and receives its messages under the local subject.
 *
 *   exporter: `orders.eu`  ──▶ shadow of `in.>` on `orders.>` ──▶ view ──▶ delivered as `in.orders.eu`
 * The shadow's subject depends on how the subscription relates to the import's local subject:
 *   equal or wider    the imported subject
 *   narrower          the requested part, translated back
 *   each has wildcards where the other has none    their intersection
 * Source: reference, core §3.4.
 */
import { assert } from "../../base/assert/assert.ts";
import { decode, encode } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import { type SubjectView, Subscription } from "../../messaging/batch/subscription.ts";
import type { SubjectTransform } from "../../messaging/mapping/subject-transform.ts";
import { hasWildcardText, isSubsetText } from "../../messaging/subject/subject-text.ts";
import type * as trade from "../trade/trade.ts";
import type { TradingAccount } from "./response.ts";

export class StreamImport implements SubjectView {
  readonly exporter: TradingAccount;
  readonly plan: trade.StreamImport;
  /** No longer authorized by the exporter. */
  invalid = false;
  private readonly to: Uint8Array;
  private readonly random: Random;
  private reversed: SubjectTransform | null = null;

  constructor(importer: TradingAccount, exporter: TradingAccount, plan: trade.StreamImport) {
    this.exporter = exporter;
    this.plan = plan;
    this.to = encode(plan.to);
    this.random = importer.host.turn.random;
  }

  get allowTrace(): boolean {
    return this.plan.options.allowTrace;
  }

  write(source: Uint8Array, start: number, end: number, target: Buffer, at: number): number {
    const { transform, usesPublished } = this.plan;
    if (transform !== null) return transform.transform(source, start, end, target, at, this.random);
    const bytes = usesPublished ? source : this.to;
    const from = usesPublished ? start : 0;
    const size = usesPublished ? end - start : this.to.length;
    if (at + size > target.length) return -1;
    for (let i = 0; i < size; i++) target[at + i] = bytes[from + i];
    return at + size;
  }

  /** Subject of the shadow in the exporter's account; null when subscription and import do not overlap. */
  shadowSubject(subject: string): string | null {
    const { from, to, transform, usesPublished } = this.plan;
    if (subject === to) return from;
    const narrowed = isSubsetText(subject, to) ? subject : null;
    if (narrowed === null) {
      if (!hasWildcardText(subject)) return null;
      if (isSubsetText(to, subject)) return from;
    }
    const common = narrowed ?? commonSubject(subject, to);
    if (common === null) return null;
    if (usesPublished) return common;
    if (transform === null) return narrowed === null ? common : from;
    this.reversed ??= transform.reverse();
    return this.reversed === null ? from : this.reversed.transformText(common, this.random);
  }
}

/** Intersection of a pattern and an import's subject when neither covers the other; null when empty or not expressible. */
function commonSubject(pattern: string, imported: string): string | null {
  const wanted = imported.split(".");
  const tokens = pattern.split(".").map((token, index) => {
    const other = wanted[index];
    return token === "*" && other !== undefined && other !== ">" ? other : token;
  });
  const last = tokens.length - 1;
  if (tokens[last] === ">" && wanted.length >= tokens.length) tokens.splice(last, 1, ...wanted.slice(last));
  const common = tokens.join(".");
  return isSubsetText(common, imported) ? common : null;
}

/** Creates the shadows of a subscription. Does nothing when its account imports no streams. */
export function addShadows(account: { readonly streamImports: readonly StreamImport[] }, subscription: Subscription): void {
  if (account.streamImports.length === 0) return;
  const subject = decode(subscription.subject);
  const shadows: Subscription[] = [];
  for (const one of account.streamImports) {
    if (one.invalid) continue;
    const shadowSubject = one.shadowSubject(subject);
    if (shadowSubject === null) continue;
    const shadow = new Subscription(subscription.sink, encode(shadowSubject), subscription.queue, subscription.sid);
    shadow.view = one;
    shadow.filter = subscription.filter;
    if (one.exporter.interest.insert(shadow)) shadows.push(shadow);
  }
  if (shadows.length > 0) subscription.shadows = shadows;
}

/** Removes the shadows of a subscription. */
export function removeShadows(subscription: Subscription): void {
  const { shadows } = subscription;
  if (shadows === null) return;
  subscription.shadows = null;
  for (const shadow of shadows) {
    shadow.closed = true;
    const removed = (shadow.view as StreamImport).exporter.interest.remove(shadow);
    assert(removed, "a shadow is in the interest of the exporting account");
  }
}
