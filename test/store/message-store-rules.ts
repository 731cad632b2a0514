/**
 * What every message store must do, rule by rule. A test file beside each store runs them: `describeMessageStore(kind)`.
 * Sources: src/store/contract/message-store.ts; formats.md §10.11, §10.12, §10.15; nats-server 2.15.3 (tried on streams).
 */
import { describe } from "bun:test";
import { describeExpiry } from "./rules/expiry.ts";
import { describeLimits } from "./rules/limits.ts";
import { describeQueries } from "./rules/queries.ts";
import { describeRemoving } from "./rules/removing.ts";
import { describeStoring } from "./rules/storing.ts";
import type { StoreKind } from "./store-kind.ts";

export function describeMessageStore(kind: StoreKind): void {
  describe(`${kind.name}: storing and reading`, () => describeStoring(kind));
  describe(`${kind.name}: limits`, () => describeLimits(kind));
  describe(`${kind.name}: removing`, () => describeRemoving(kind));
  describe(`${kind.name}: expiry`, () => describeExpiry(kind));
  describe(`${kind.name}: queries`, () => describeQueries(kind));
}
