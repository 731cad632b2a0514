import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { Random } from "../../base/random/random.ts";
import { ClientPermissions } from "./client-permissions.ts";
import type { PermissionOptions } from "./permission-options.ts";
import { Permissions } from "./permissions.ts";

const NOTHING_SAID: PermissionOptions = { publish: null, subscribe: null, responses: null };
const lists = (allow: string[] | null, deny: string[] | null = null) => ({ allow, deny });
const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** A client's permissions, asked in text. */
class Asked {
  readonly clock = new FakeClock();
  readonly client: ClientPermissions;

  constructor(options: Partial<PermissionOptions>) {
    const random = new Random(1);
    this.client = new ClientPermissions(Permissions.compile({ ...NOTHING_SAID, ...options }, random), this.clock, random);
  }

  publishes(...subjects: string[]): string[] {
    return subjects.filter(subject => this.client.mayPublish(...range(subject)));
  }

  /** `subject` or `subject queue`. */
  subscribes(...subscriptions: string[]): string[] {
    return subscriptions.filter(text => this.client.maySubscribe(...wish(text)));
  }

  /** Which of the messages a subscription gets; null when it has no filter. */
  delivers(subscription: string, ...subjects: string[]): string[] | null {
    const filter = this.client.filterOf(...wish(subscription));
    return filter === null ? null : subjects.filter(subject => filter.allows(...range(subject)));
  }

  track(...replies: string[]): void {
    for (const reply of replies) this.client.trackReply(...range(reply));
  }

  follow(options: Partial<PermissionOptions>): void {
    this.client.follow(Permissions.compile({ ...NOTHING_SAID, ...options }, new Random(2)));
  }
}

function range(subject: string): [Uint8Array, number, number] {
  const bytes = Buffer.from(`<${subject}>`);
  return [bytes, 1, bytes.length - 1];
}

function wish(text: string): [Uint8Array, Uint8Array | null] {
  const [subject, queue] = text.split(" ");
  return [Buffer.from(subject), queue === undefined ? null : Buffer.from(queue)];
}

describe("publishing", () => {
  test("an allow list of publish allows what it covers and nothing else", () => {
    const asked = new Asked({ publish: lists(["orders.*.created", "audit.>", "ping"]) });
    const allowed = ["orders.eu.created", "audit.a", "audit.a.b", "ping"];
    expect(asked.publishes(...allowed, "orders.created", "orders.eu.us.created", "orders.eu.createdx", "audit", "ping.a", "pin")).toEqual(
      allowed,
    );
  });

  test("without an allow list everything may be published; an empty one allows nothing", () => {
    expect(new Asked({}).publishes("a", "$SYS.x", "a..b")).toEqual(["a", "$SYS.x", "a..b"]);
    expect(new Asked({ publish: lists(null) }).publishes("a")).toEqual(["a"]);
    expect(new Asked({ publish: lists([]) }).publishes("a", "")).toEqual([]);
  });

  test("a deny list of publish wins over the allow list; an empty one denies nothing", () => {
    const asked = new Asked({ publish: lists(["orders.>"], ["orders.*.secret"]) });
    expect(asked.publishes("orders.a", "orders.a.secret", "orders.a.secret.b")).toEqual(["orders.a", "orders.a.secret.b"]);
    expect(new Asked({ publish: lists(null, ["a.>"]) }).publishes("a", "a.b", "b")).toEqual(["a", "b"]);
    expect(new Asked({ publish: lists(null, []) }).publishes("a")).toEqual(["a"]);
  });

  test("a published wildcard is text, which only wildcards cover; a subject with an empty token is covered by nothing", () => {
    const asked = new Asked({ publish: lists(["a.*", "b"]) });
    expect(asked.publishes("a.*", "a.>", "*", ">", "a..", "a.", ".a", "a..b", "")).toEqual(["a.*", "a.>"]);
    expect(new Asked({ publish: lists([">"]) }).publishes("a.b", "a..b", "a.", "")).toEqual(["a.b"]);
    expect(new Asked({ publish: lists(null, [">"]) }).publishes("a.b", "a..b")).toEqual(["a..b"]);
  });

  test("decisions of a long list stay right while 1,000 subjects pass the 128 that are remembered", () => {
    const asked = new Asked({ publish: lists([...numbered("one.", 500), "many.*.created"], numbered("many.7.", 20)) });
    const subjects = [...numbered("one.", 1_000), ...numbered("many.", 300).map(subject => `${subject}.created`)];
    const allowed = subjects.filter(subject => subject.startsWith("many") || Number(subject.slice(4)) < 500);
    for (let round = 0; round < 4; round++) expect(asked.publishes(...subjects)).toEqual(allowed);
  });
});

describe("subscribing", () => {
  test("an allow list of subscribe allows what it covers, for wildcards too; an empty one allows everything", () => {
    const asked = new Asked({ subscribe: lists(["a.*", "b.>", "c"]) });
    const allowed = ["a.b", "a.*", "a.>", "b.*.c", "b.>", "c", "c any"];
    expect(asked.subscribes(...allowed, "a", ">", "*", "a.b.c", "c.*")).toEqual(allowed);
    expect(new Asked({ subscribe: lists([]) }).subscribes("a", ">")).toEqual(["a", ">"]);
  });

  test("an entry with a queue allows that queue only, and then plain entries do not allow others", () => {
    const queue = new Asked({ subscribe: lists(["a v1"]) });
    expect(queue.subscribes("a v1", "a", "a v2")).toEqual(["a v1"]);
    const both = new Asked({ subscribe: lists(["a", "a v1", "b"]) });
    expect(both.subscribes("a", "a v1", "a v2", "b v2")).toEqual(["a", "a v1", "b v2"]);
    const wild = new Asked({ subscribe: lists(["> *.prod", "x.* v.>"]) });
    expect(wild.subscribes("a v1.prod", "a prod", "a *.prod", "a >.prod", "x.y v.1.2", "x.y v", "x.y")).toEqual([
      "a v1.prod",
      "a *.prod",
      "x.y v.1.2",
    ]);
  });

  test("a deny list of subscribe wins; an entry with a queue denies that queue only", () => {
    const asked = new Asked({ subscribe: lists(["a.>", "b"], ["a.secret", "b v.*"]) });
    expect(asked.subscribes("a.b", "a.secret", "a.secret q", "a.*", "b", "b q", "b v.1")).toEqual(["a.b", "a.*", "b", "b q"]);
  });

  test("long lists answer like short ones", () => {
    const padding = [...numbered("pad.", 20), ...numbered("pad.", 20).map(subject => `${subject} q`)];
    const asked = new Asked({ subscribe: lists([...padding, "a", "a v1", "b"], [...padding, "b v.*", "a.secret"]) });
    expect(asked.subscribes("a", "a v1", "a v2", "b", "b q", "b v.1", "pad.3", "pad.3 q", "c")).toEqual(["a", "a v1", "b", "b q"]);
  });
});

describe("delivery", () => {
  test("a wildcard subscription that meets a deny entry is filtered message by message", () => {
    const asked = new Asked({ subscribe: lists(null, ["orders.secret", "orders.*.card"]) });
    expect(asked.subscribes("orders.>")).toEqual(["orders.>"]);
    expect(asked.delivers("orders.>", "orders.a", "orders.secret", "orders.a.card", "orders.a.b")).toEqual(["orders.a", "orders.a.b"]);
  });

  test("a subscription that no deny entry can meet has no filter", () => {
    const asked = new Asked({ subscribe: lists(null, ["orders.secret", "a.> v1"]) });
    expect(["orders.eu", "orders.*.x", "audit.>", "a.>", "a.> v2"].map(text => asked.delivers(text))).toEqual(Array(5).fill(null));
    expect(new Asked({ subscribe: lists(["a"]) }).delivers(">")).toBe(null);
  });

  test("an entry with a queue filters the subscriptions of that queue", () => {
    const asked = new Asked({ subscribe: lists(null, ["a.secret v.*"]) });
    expect(asked.delivers("a.> v.1", "a.b", "a.secret")).toEqual(["a.b"]);
  });

  test("more entries than are compared one by one have cached decisions, by subject and by queue", () => {
    const denied = numbered("a.secret", 100);
    const asked = new Asked({ subscribe: lists(null, [...denied, ...numbered("a.queue", 100).map(subject => `${subject} v.1`)]) });
    const messages = ["a.b", "a.secret1", "a.queue1", "a.secret99", "a.queue100"];
    for (let round = 0; round < 2; round++) {
      expect(asked.delivers("a.>", ...messages)).toEqual(["a.b", "a.queue1", "a.queue100"]);
      expect(asked.delivers("a.> v.1", ...messages)).toEqual(["a.b", "a.queue100"]);
      expect(asked.delivers("a.> v.2", ...messages)).toEqual(["a.b", "a.queue1", "a.queue100"]);
    }
  });
});

describe("responses", () => {
  const responses = { messagesMax: 2, expiresMs: 1_000 };

  test("responses turn publishing off, except for allowed subjects and for tracked replies within their limit", () => {
    const asked = new Asked({ responses });
    expect(asked.client.tracksReplies).toBe(true);
    asked.track("_INBOX.1", "_INBOX.2");
    expect(asked.publishes("a", "_INBOX.1", "_INBOX.1", "_INBOX.1", "_INBOX.2", "_INBOX.3")).toEqual(["_INBOX.1", "_INBOX.1", "_INBOX.2"]);
    expect(new Asked({ responses, publish: lists(["a"]) }).publishes("a", "b")).toEqual(["a"]);
    expect(new Asked({ responses, publish: lists(null, ["a"]) }).publishes("a", "b")).toEqual([]);
  });

  test("a tracked reply may be answered although it is denied; one that may be published anyway is not counted", () => {
    const denied = new Asked({ responses, publish: lists([">"], ["secret"]) });
    denied.track("secret", "open");
    expect(denied.publishes("secret", "secret", "secret", "open", "open", "open")).toEqual(["secret", "secret", "open", "open", "open"]);
  });

  test("their time ends after expires, not at it; a reply tracked anew begins anew", () => {
    const asked = new Asked({ responses });
    asked.track("r");
    asked.clock.advance(1_000);
    expect(asked.publishes("r")).toEqual(["r"]);
    asked.clock.advance(1);
    expect(asked.publishes("r")).toEqual([]);
    asked.track("r");
    expect(asked.publishes("r", "r", "r")).toEqual(["r", "r"]);
  });

  test("negative numbers are no limit, zeros are the defaults", () => {
    const unlimited = new Asked({ responses: { messagesMax: -1, expiresMs: -1 } });
    unlimited.track("r");
    unlimited.clock.advance(1e9);
    expect(unlimited.publishes(...Array(50).fill("r"))).toHaveLength(50);
    const defaults = new Asked({ responses: { messagesMax: 0, expiresMs: 0 } });
    defaults.track("r", "late");
    expect(defaults.publishes("r", "r")).toEqual(["r"]);
    defaults.clock.advance(120_001);
    expect(defaults.publishes("late")).toEqual([]);
  });

  test("a reply that is delivered again takes one of its answers; without any left it begins anew", () => {
    const asked = new Asked({ responses: { messagesMax: 1, expiresMs: -1 } });
    asked.track("r", "r");
    expect(asked.publishes("r")).toEqual([]);
    asked.track("r", "r", "r");
    expect(asked.publishes("r", "r")).toEqual(["r"]);
  });

  test("without responses nothing is tracked", () => {
    const asked = new Asked({ publish: lists([]) });
    asked.track("r");
    expect([asked.client.tracksReplies, asked.publishes("r")]).toEqual([false, []]);
  });
});

describe("changed permissions", () => {
  const responses = { messagesMax: -1, expiresMs: -1 };

  test("tracked replies stay allowed if the response settings are the same, and are forgotten if not", () => {
    for (const [next, left] of [
      [{ responses: { ...responses }, publish: lists(["b"]) }, ["b", "r"]],
      [{ responses: { messagesMax: 5, expiresMs: -1 } }, []],
      [{ publish: lists([]) }, []],
    ] as const) {
      const asked = new Asked({ responses, publish: lists(["a"]) });
      asked.track("r");
      asked.follow(next as Partial<PermissionOptions>);
      expect(asked.publishes("a", "b", "r")).toEqual([...left]);
    }
  });

  test("follow drops remembered decisions, and new filters use the new lists", () => {
    const long = numbered("pad.", 50);
    const asked = new Asked({ publish: lists([...long, "a"]), subscribe: lists(null, long) });
    expect(asked.publishes("a", "b")).toEqual(["a"]);
    expect(asked.delivers("pad.>", "pad.1", "pad.99")).toEqual(["pad.99"]);
    asked.follow({ publish: lists([...long, "b"]), subscribe: lists(null, [...long, "pad.99"]) });
    expect(asked.publishes("a", "b")).toEqual(["b"]);
    expect(asked.delivers("pad.>", "pad.1", "pad.99")).toEqual([]);
  });

  test("a subscription that has become denied is filtered, whatever its subject", () => {
    const asked = new Asked({});
    asked.follow({ subscribe: lists(null, ["a", "b v1"]) });
    expect([asked.delivers("a", "a"), asked.delivers("b v1", "b"), asked.delivers("b", "b"), asked.delivers("c", "c")]).toEqual([
      [],
      [],
      null,
      null,
    ]);
  });
});

describe("subjects that are known by numbers", () => {
  const SOME = 1_000;
  /** Asked so often that answers are remembered by number. */
  function askedOften(options: Partial<PermissionOptions>): Asked {
    const asked = new Asked(options);
    for (let stamp = 1; stamp <= SOME; stamp++) asked.client.mayAlwaysPublishStamped(stamp, ...range(`a.${stamp}`));
    return asked;
  }

  test("a stamped decision belongs to its stamp, however large stamps get", () => {
    const asked = askedOften({ publish: lists(["a.>"]) });
    const stamps = [SOME + 5, 2 ** 30 + 5, 2 ** 31 + 5, 2 ** 32 + 5, 2 ** 40 + 5, 2 ** 53 - 5];
    for (const round of [1, 2]) {
      const answers = stamps.flatMap(stamp => [
        asked.client.mayAlwaysPublishStamped(stamp, ...range("a.x")),
        asked.client.mayAlwaysPublishStamped(stamp + 1, ...range("b.x")),
      ]);
      expect(answers, `round ${round}`).toEqual(stamps.flatMap(() => [true, false]));
    }
  });

  test("stamped decisions are dropped with the permissions, and when stamps belong to other subjects", () => {
    const asked = askedOften({ publish: lists(["a.>"]) });
    const ask = (subject: string) => asked.client.mayAlwaysPublishStamped(7, ...range(subject));
    expect([ask("a.7"), ask("b.7")]).toEqual([true, true]); // the number counts, not the bytes
    asked.client.forgetStamps();
    expect([ask("b.7"), ask("a.7")]).toEqual([false, false]);
    asked.follow({ publish: lists(["b.>"]) });
    expect([ask("b.7")]).toEqual([true]);
  });

  test("filters of different queues stay separate when their tags start again", () => {
    const asked = new Asked({ subscribe: lists(null, [...numbered("no.", 9), "secret q2", "other.* q1"]) });
    const wide = (queue: string) => asked.delivers(`> ${queue}`, "secret");
    expect(wide("q1")).toEqual(["secret"]);
    Object.assign(asked.client, { filterTag: 2 ** 30 - 1 });
    expect(wide("q2")).toEqual([]);
  });
});
