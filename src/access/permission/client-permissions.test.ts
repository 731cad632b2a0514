import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { Random } from "../../base/random/random.ts";
import { ClientPermissions } from "./client-permissions.ts";
import type { PermissionOptions } from "./permission-options.ts";
import { Permissions } from "./permissions.ts";

const NO_PERMISSIONS: PermissionOptions = { publish: null, subscribe: null, responses: null };
const lists = (allow: string[] | null, deny: string[] | null = null) => ({ allow, deny });
const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** A client's permissions, with checks that take text. */
class PermissionsFixture {
  readonly clock = new FakeClock();
  readonly client: ClientPermissions;

  constructor(options: Partial<PermissionOptions>) {
    const random = new Random(1);
    this.client = new ClientPermissions(Permissions.compile({ ...NO_PERMISSIONS, ...options }, random), this.clock, random);
  }

  publishes(...subjects: string[]): string[] {
    return subjects.filter(subject => this.client.mayPublish(...range(subject)));
  }

  /** `subject` or `subject queue`. */
  subscribes(...subscriptions: string[]): string[] {
    return subscriptions.filter(text => this.client.maySubscribe(...subscriptionBytes(text)));
  }

  /** The messages that the subscription receives; null when it has no filter. */
  delivers(subscription: string, ...subjects: string[]): string[] | null {
    const filter = this.client.filterOf(...subscriptionBytes(subscription));
    return filter === null ? null : subjects.filter(subject => filter.allows(...range(subject)));
  }

  track(...replies: string[]): void {
    for (const reply of replies) this.client.trackReply(...range(reply));
  }

  follow(options: Partial<PermissionOptions>): void {
    this.client.follow(Permissions.compile({ ...NO_PERMISSIONS, ...options }, new Random(2)));
  }
}

function range(subject: string): [Uint8Array, number, number] {
  const bytes = Buffer.from(`<${subject}>`);
  return [bytes, 1, bytes.length - 1];
}

function subscriptionBytes(text: string): [Uint8Array, Uint8Array | null] {
  const [subject, queue] = text.split(" ");
  return [Buffer.from(subject), queue === undefined ? null : Buffer.from(queue)];
}

describe("publishing", () => {
  test("an allow list of publish allows exactly the subjects that it covers", () => {
    const fixture = new PermissionsFixture({ publish: lists(["orders.*.created", "audit.>", "ping"]) });
    const allowed = ["orders.eu.created", "audit.a", "audit.a.b", "ping"];
    expect(fixture.publishes(...allowed, "orders.created", "orders.eu.us.created", "orders.eu.createdx", "audit", "ping.a", "pin")).toEqual(
      allowed,
    );
  });

  test("without an allow list of publish everything is allowed; an empty one allows nothing", () => {
    expect(new PermissionsFixture({}).publishes("a", "$SYS.x", "a..b")).toEqual(["a", "$SYS.x", "a..b"]);
    expect(new PermissionsFixture({ publish: lists(null) }).publishes("a")).toEqual(["a"]);
    expect(new PermissionsFixture({ publish: lists([]) }).publishes("a", "")).toEqual([]);
  });

  test("a deny list of publish takes precedence over the allow list; an empty one denies nothing", () => {
    const fixture = new PermissionsFixture({ publish: lists(["orders.>"], ["orders.*.secret"]) });
    expect(fixture.publishes("orders.a", "orders.a.secret", "orders.a.secret.b")).toEqual(["orders.a", "orders.a.secret.b"]);
    expect(new PermissionsFixture({ publish: lists(null, ["a.>"]) }).publishes("a", "a.b", "b")).toEqual(["a", "b"]);
    expect(new PermissionsFixture({ publish: lists(null, []) }).publishes("a")).toEqual(["a"]);
  });

  test("a wildcard in a published subject is plain text, covered by wildcards only; a subject with an empty token is covered by no entry", () => {
    const fixture = new PermissionsFixture({ publish: lists(["a.*", "b"]) });
    expect(fixture.publishes("a.*", "a.>", "*", ">", "a..", "a.", ".a", "a..b", "")).toEqual(["a.*", "a.>"]);
    expect(new PermissionsFixture({ publish: lists([">"]) }).publishes("a.b", "a..b", "a.", "")).toEqual(["a.b"]);
    expect(new PermissionsFixture({ publish: lists(null, [">"]) }).publishes("a.b", "a..b")).toEqual(["a..b"]);
  });

  test("decisions of a long list stay correct when 1,000 subjects share a cache of 128", () => {
    const fixture = new PermissionsFixture({ publish: lists([...numbered("one.", 500), "many.*.created"], numbered("many.7.", 20)) });
    const subjects = [...numbered("one.", 1_000), ...numbered("many.", 300).map(subject => `${subject}.created`)];
    const allowed = subjects.filter(subject => subject.startsWith("many") || Number(subject.slice(4)) < 500);
    for (let round = 0; round < 4; round++) expect(fixture.publishes(...subjects)).toEqual(allowed);
  });
});

describe("subscribing", () => {
  test("an allow list of subscribe allows the subjects that it covers, including wildcards; an empty one allows everything", () => {
    const fixture = new PermissionsFixture({ subscribe: lists(["a.*", "b.>", "c"]) });
    const allowed = ["a.b", "a.*", "a.>", "b.*.c", "b.>", "c", "c any"];
    expect(fixture.subscribes(...allowed, "a", ">", "*", "a.b.c", "c.*")).toEqual(allowed);
    expect(new PermissionsFixture({ subscribe: lists([]) }).subscribes("a", ">")).toEqual(["a", ">"]);
  });

  test("an entry with a queue allows only that queue; plain entries for the subject then allow no other queue", () => {
    const queue = new PermissionsFixture({ subscribe: lists(["a v1"]) });
    expect(queue.subscribes("a v1", "a", "a v2")).toEqual(["a v1"]);
    const both = new PermissionsFixture({ subscribe: lists(["a", "a v1", "b"]) });
    expect(both.subscribes("a", "a v1", "a v2", "b v2")).toEqual(["a", "a v1", "b v2"]);
    const wild = new PermissionsFixture({ subscribe: lists(["> *.prod", "x.* v.>"]) });
    expect(wild.subscribes("a v1.prod", "a prod", "a *.prod", "a >.prod", "x.y v.1.2", "x.y v", "x.y")).toEqual([
      "a v1.prod",
      "a *.prod",
      "x.y v.1.2",
    ]);
  });

  test("a deny list of subscribe takes precedence; an entry with a queue denies only that queue", () => {
    const fixture = new PermissionsFixture({ subscribe: lists(["a.>", "b"], ["a.secret", "b v.*"]) });
    expect(fixture.subscribes("a.b", "a.secret", "a.secret q", "a.*", "b", "b q", "b v.1")).toEqual(["a.b", "a.*", "b", "b q"]);
  });

  test("long lists decide like short ones", () => {
    const padding = [...numbered("pad.", 20), ...numbered("pad.", 20).map(subject => `${subject} q`)];
    const fixture = new PermissionsFixture({ subscribe: lists([...padding, "a", "a v1", "b"], [...padding, "b v.*", "a.secret"]) });
    expect(fixture.subscribes("a", "a v1", "a v2", "b", "b q", "b v.1", "pad.3", "pad.3 q", "c")).toEqual(["a", "a v1", "b", "b q"]);
  });
});

describe("delivery", () => {
  test("a wildcard subscription that overlaps with a deny entry is filtered message by message", () => {
    const fixture = new PermissionsFixture({ subscribe: lists(null, ["orders.secret", "orders.*.card"]) });
    expect(fixture.subscribes("orders.>")).toEqual(["orders.>"]);
    expect(fixture.delivers("orders.>", "orders.a", "orders.secret", "orders.a.card", "orders.a.b")).toEqual(["orders.a", "orders.a.b"]);
  });

  test("a subscription that overlaps with no deny entry has no filter", () => {
    const fixture = new PermissionsFixture({ subscribe: lists(null, ["orders.secret", "a.> v1"]) });
    expect(["orders.eu", "orders.*.x", "audit.>", "a.>", "a.> v2"].map(text => fixture.delivers(text))).toEqual(Array(5).fill(null));
    expect(new PermissionsFixture({ subscribe: lists(["a"]) }).delivers(">")).toBe(null);
  });

  test("an entry with a queue filters the subscriptions of that queue", () => {
    const fixture = new PermissionsFixture({ subscribe: lists(null, ["a.secret v.*"]) });
    expect(fixture.delivers("a.> v.1", "a.b", "a.secret")).toEqual(["a.b"]);
  });

  test("long lists of overlapping entries use cached decisions, by subject and queue", () => {
    const denied = numbered("a.secret", 100);
    const fixture = new PermissionsFixture({
      subscribe: lists(null, [...denied, ...numbered("a.queue", 100).map(subject => `${subject} v.1`)]),
    });
    const messages = ["a.b", "a.secret1", "a.queue1", "a.secret99", "a.queue100"];
    for (let round = 0; round < 2; round++) {
      expect(fixture.delivers("a.>", ...messages)).toEqual(["a.b", "a.queue1", "a.queue100"]);
      expect(fixture.delivers("a.> v.1", ...messages)).toEqual(["a.b", "a.queue100"]);
      expect(fixture.delivers("a.> v.2", ...messages)).toEqual(["a.b", "a.queue1", "a.queue100"]);
    }
  });
});

describe("responses", () => {
  const responses = { messagesMax: 2, expiresMs: 1_000 };

  test("responses deny publishing, except on allowed subjects and on tracked replies within their limit", () => {
    const fixture = new PermissionsFixture({ responses });
    expect(fixture.client.tracksReplies).toBe(true);
    fixture.track("_INBOX.1", "_INBOX.2");
    expect(fixture.publishes("a", "_INBOX.1", "_INBOX.1", "_INBOX.1", "_INBOX.2", "_INBOX.3")).toEqual([
      "_INBOX.1",
      "_INBOX.1",
      "_INBOX.2",
    ]);
    expect(new PermissionsFixture({ responses, publish: lists(["a"]) }).publishes("a", "b")).toEqual(["a"]);
    expect(new PermissionsFixture({ responses, publish: lists(null, ["a"]) }).publishes("a", "b")).toEqual([]);
  });

  test("a tracked reply may be answered even if it is denied; answers on allowed subjects are not counted", () => {
    const denied = new PermissionsFixture({ responses, publish: lists([">"], ["secret"]) });
    denied.track("secret", "open");
    expect(denied.publishes("secret", "secret", "secret", "open", "open", "open")).toEqual(["secret", "secret", "open", "open", "open"]);
  });

  test("a tracked reply expires after its time, not at it; tracking it again restarts it", () => {
    const fixture = new PermissionsFixture({ responses });
    fixture.track("r");
    fixture.clock.advance(1_000);
    expect(fixture.publishes("r")).toEqual(["r"]);
    fixture.clock.advance(1);
    expect(fixture.publishes("r")).toEqual([]);
    fixture.track("r");
    expect(fixture.publishes("r", "r", "r")).toEqual(["r", "r"]);
  });

  test("negative values mean no limit, zeros mean the defaults", () => {
    const unlimited = new PermissionsFixture({ responses: { messagesMax: -1, expiresMs: -1 } });
    unlimited.track("r");
    unlimited.clock.advance(1e9);
    expect(unlimited.publishes(...Array(50).fill("r"))).toHaveLength(50);
    const defaults = new PermissionsFixture({ responses: { messagesMax: 0, expiresMs: 0 } });
    defaults.track("r", "late");
    expect(defaults.publishes("r", "r")).toEqual(["r"]);
    defaults.clock.advance(120_001);
    expect(defaults.publishes("late")).toEqual([]);
  });

  test("delivering a tracked reply again uses up one of its answers; without answers left it starts again", () => {
    const fixture = new PermissionsFixture({ responses: { messagesMax: 1, expiresMs: -1 } });
    fixture.track("r", "r");
    expect(fixture.publishes("r")).toEqual([]);
    fixture.track("r", "r", "r");
    expect(fixture.publishes("r", "r")).toEqual(["r"]);
  });

  test("without responses nothing is tracked", () => {
    const fixture = new PermissionsFixture({ publish: lists([]) });
    fixture.track("r");
    expect([fixture.client.tracksReplies, fixture.publishes("r")]).toEqual([false, []]);
  });
});

describe("changed permissions", () => {
  const responses = { messagesMax: -1, expiresMs: -1 };

  test("tracked replies stay allowed if the response settings are unchanged, and are dropped otherwise", () => {
    for (const [next, left] of [
      [{ responses: { ...responses }, publish: lists(["b"]) }, ["b", "r"]],
      [{ responses: { messagesMax: 5, expiresMs: -1 } }, []],
      [{ publish: lists([]) }, []],
    ] as const) {
      const fixture = new PermissionsFixture({ responses, publish: lists(["a"]) });
      fixture.track("r");
      fixture.follow(next as Partial<PermissionOptions>);
      expect(fixture.publishes("a", "b", "r")).toEqual([...left]);
    }
  });

  test("follow drops cached decisions, and new filters use the new lists", () => {
    const long = numbered("pad.", 50);
    const fixture = new PermissionsFixture({ publish: lists([...long, "a"]), subscribe: lists(null, long) });
    expect(fixture.publishes("a", "b")).toEqual(["a"]);
    expect(fixture.delivers("pad.>", "pad.1", "pad.99")).toEqual(["pad.99"]);
    fixture.follow({ publish: lists([...long, "b"]), subscribe: lists(null, [...long, "pad.99"]) });
    expect(fixture.publishes("a", "b")).toEqual(["b"]);
    expect(fixture.delivers("pad.>", "pad.1", "pad.99")).toEqual([]);
  });

  test("a subscription that has become denied is filtered, with a wildcard or without", () => {
    const fixture = new PermissionsFixture({});
    fixture.follow({ subscribe: lists(null, ["a", "b v1"]) });
    expect([fixture.delivers("a", "a"), fixture.delivers("b v1", "b"), fixture.delivers("b", "b"), fixture.delivers("c", "c")]).toEqual([
      [],
      [],
      null,
      null,
    ]);
  });
});

test("filters of different queues stay separate when the tags restart", () => {
  const fixture = new PermissionsFixture({ subscribe: lists(null, [...numbered("no.", 9), "secret q2", "other.* q1"]) });
  const wide = (queue: string) => fixture.delivers(`> ${queue}`, "secret");
  expect(wide("q1")).toEqual(["secret"]);
  Object.assign(fixture.client, { filterTag: 2 ** 30 - 1 });
  expect(wide("q2")).toEqual([]);
});

test("a request to the JetStream API is not tracked as a reply", () => {
  const fixture = new PermissionsFixture({ publish: lists([]), responses: { messagesMax: 1, expiresMs: 0 } });
  fixture.track("$JS.API.INFO", "$JS.hub.API.INFO", "$JS.ACK.a", "$JS.other", "inbox");
  expect(fixture.publishes("$JS.API.INFO", "$JS.hub.API.INFO", "$JS.ACK.a", "$JS.other", "inbox")).toEqual([
    "$JS.ACK.a",
    "$JS.other",
    "inbox",
  ]);
});
