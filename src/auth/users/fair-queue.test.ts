import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { addressGroup, FairQueue } from "./fair-queue.ts";

interface Item {
  readonly address: string;
  readonly user: string;
}
const item = (address: string, user: string): Item => ({ address, user });

/** How many items are taken before this one. */
function stepsTo(queue: FairQueue<Item>, wanted: Item): number {
  for (let steps = 0; ; steps++) {
    const next = queue.next();
    if (next === undefined || next === wanted) return next === undefined ? Number.POSITIVE_INFINITY : steps;
  }
}

test("an item waits for a few others, whatever is in the queue", () => {
  const floods: Record<string, (index: number) => Item> = {
    "one address, one user": () => item("1", "root"),
    "one address, unknown users": () => item("1", ""),
    "one address, many users": index => item("1", `user${index}`),
    "many addresses, one user": index => item(`${index}`, "root"),
    "many addresses, unknown users": index => item(`${index}`, ""),
  };
  for (const [title, of] of Object.entries(floods)) {
    const queue = new FairQueue<Item>(10_000);
    for (let index = 0; index < 4_200; index++) queue.add(of(index));
    const mine = item("mine", "me");
    expect(queue.add(mine)).toBeNull();
    expect(stepsTo(queue, mine), title).toBeLessThanOrEqual(3);
  }
});

test("the user's own address has only the user's share: other users of the address do not wait for it", () => {
  const queue = new FairQueue<Item>(10_000);
  for (let index = 0; index < 4_200; index++) queue.add(item("shared", "root"));
  const mine = item("shared", "me");
  queue.add(mine);
  expect(stepsTo(queue, mine)).toBeLessThanOrEqual(3);
});

test("a full queue drops the newest item of a large address or user, and keeps what the small ones have", () => {
  const queue = new FairQueue<Item>(100);
  const flood = Array.from({ length: 100 }, () => item("1", "root"));
  for (const one of flood) expect(queue.add(one)).toBeNull();
  const more = item("1", "root");
  expect(queue.add(more)).toBe(more);
  const [second, third] = [item("2", "me"), item("3", "me")];
  expect([queue.add(second), queue.add(third), queue.size]).toEqual([flood[99]!, flood[98]!, 100]);
  const spread = new FairQueue<Item>(100);
  for (let index = 0; index < 100; index++) spread.add(item(`${index}`, "root"));
  const mine = item("mine", "me");
  expect(spread.add(mine)).not.toBe(mine);
});

test("fuzz: each item leaves once, and within an address and user in its order", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const queue = new FairQueue<Item & { readonly at: number }>(50);
  const inside = new Set<Item>();
  const last = new Map<string, number>();
  for (let round = 0; round < 20_000; round++) {
    const message = `SEED=${seed} round=${round}`;
    const what = random.below(5);
    if (what < 3) {
      const one = { ...item(`${random.below(6)}`, `${random.below(4)}`), at: round };
      const left = queue.add(one);
      if (left !== one) inside.add(one);
      if (left !== null && left !== one) expect(inside.delete(left), message).toBe(true);
    } else if (what === 3) {
      const next = queue.next();
      expect(next === undefined, message).toBe(inside.size === 0);
      if (next === undefined) continue;
      expect(inside.delete(next), message).toBe(true);
      const key = `${next.address} ${next.user}`;
      expect(next.at, message).toBeGreaterThan(last.get(key) ?? -1);
      last.set(key, next.at);
    } else if (inside.size > 0) {
      const [any] = inside;
      expect([queue.delete(any as never), queue.delete(any as never)], message).toEqual([true, false]);
      inside.delete(any!);
    }
    expect(queue.size, message).toBe(inside.size);
  }
});

test("addresses of one IPv6 network of 64 bits are one; IPv4 addresses are not grouped", () => {
  expect(addressGroup("2001:db8::1")).toBe(addressGroup("2001:db8:0:0:ffff::2"));
  expect(addressGroup("2001:db8::1")).not.toBe(addressGroup("2001:db8:0:1::1"));
  for (const text of ["192.0.2.1", "", "::ffff:192.0.2.1", "x:y"]) expect(addressGroup(text)).toBe(text);
});
