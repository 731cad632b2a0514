import { expect, test } from "bun:test";
import { FakeHost } from "../../../test/doubles/fake-host.ts";
import { Random } from "../../base/random/random.ts";
import { LocalSubscriber } from "../../messaging/batch/local-subscriber.ts";
import { NO_SERVICE_EXPORT, NO_SERVICE_IMPORT, type ServiceExportOptions, type ServiceImportOptions } from "../trade/trade-options.ts";
import type { Account } from "./account.ts";
import { type AccountOptions, emptyAccount } from "./account-options.ts";
import { Accounts } from "./accounts.ts";
import { NO_JETSTREAM } from "./jetstream-access.ts";

const service = (subject: string, more: Partial<ServiceExportOptions> = {}): ServiceExportOptions => ({
  ...NO_SERVICE_EXPORT,
  subject,
  ...more,
});
const importOf = (account: string, subject: string, to = ""): ServiceImportOptions => ({ ...NO_SERVICE_IMPORT, account, subject, to });

/** Accounts with subscribers that record the messages they receive. */
class AccountsFixture {
  readonly host = new FakeHost();
  readonly accounts = new Accounts(this.host);

  constructor(given: Record<string, Partial<AccountOptions>>) {
    this.configure(given);
  }

  configure(given: Record<string, Partial<AccountOptions>>): ReadonlySet<Account> {
    const accounts = Object.entries(given).map(([name, one]) => ({ ...emptyAccount(name), ...one }));
    return this.accounts.prepare({ accounts, systemAccount: null, jetStream: NO_JETSTREAM }).install();
  }

  of(name: string): Account {
    return this.accounts.get(name)!;
  }

  /** Subscribes, and records `subject reply payload` of each message. */
  listen(name: string, subject: string): { notes: string[]; stop: () => void } {
    const notes: string[] = [];
    const subscriber = new LocalSubscriber(this.of(name), error => notes.push(String(error)));
    const subscription = subscriber.subscribe(subject, null, (batch, index) => {
      notes.push(`${batch.subjectText(index)} ${batch.replyText(index)} ${batch.payload(index)}`);
    })!;
    return {
      notes,
      stop: () => {
        subscriber.unsubscribe(subscription);
        this.of(name).onSubscriptionRemoved(subscription.subject);
      },
    };
  }

  publish(name: string, subject: string, reply = "", payload = "x"): number {
    return this.of(name).publisher.publish(subject, reply, null, payload);
  }
}

const reply = (note: string) => note.split(" ")[1]!;

test("a request reaches the exporter with its own reply subject, and one answer goes back", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc", "ask")] } });
  const requests = fixture.listen("A", "svc");
  const answers = fixture.listen("B", "in.1");
  expect(fixture.publish("B", "ask", "in.1", "question")).toBe(1);
  const replySubject = reply(requests.notes[0]!);
  expect(requests.notes).toEqual([`svc ${replySubject} question`]);
  expect(replySubject).toMatch(/^_R_\.\w{6}\.\w{6}$/);
  expect([fixture.publish("A", replySubject, "", "answer"), fixture.publish("A", replySubject, "", "once more")]).toEqual([1, 1]);
  expect(answers.notes).toEqual(["in.1  answer"]);
  expect([fixture.of("A").responses.size, fixture.of("B").responses.awaited]).toEqual([0, 0]);
});

/** Gives each pair of numbers twice: an address has two numbers, so every other draw repeats the address before. */
class RepeatingRandom extends Random {
  private readonly pair: number[] = [];
  private at = 0;

  override nextUint32(): number {
    const place = this.at++ % 4;
    if (place < 2) this.pair[place] = super.nextUint32();
    return this.pair[place % 2]!;
  }
}

test("an address that a pending answer has is not given to a second request", () => {
  const given = { A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc")] }, C: { imports: [importOf("A", "svc")] } };
  const fixture = new AccountsFixture(given);
  const requests = fixture.listen("A", "svc");
  fixture.publish("B", "svc", "first"); // also draws the prefix of the account
  Object.assign(fixture.host.turn, { random: new RepeatingRandom(1) });
  const answers = { B: fixture.listen("B", "in.*"), C: fixture.listen("C", "in.*") };
  for (let index = 0; index < 20; index++) fixture.publish(index % 2 === 0 ? "B" : "C", "svc", `in.${index}`);
  const addresses = requests.notes.slice(1).map(reply);
  expect(new Set(addresses).size).toBe(20);
  expect(fixture.of("A").responses.size).toBe(21);
  for (const [index, address] of addresses.entries()) fixture.publish("A", address, "", `to ${index}`);
  const expected = (first: number) => Array.from({ length: 10 }, (_, at) => `in.${first + 2 * at}  to ${first + 2 * at}`);
  expect([answers.B.notes, answers.C.notes]).toEqual([expected(0), expected(1)]);
});

/** Accounts A0 to An: each imports `svc` from the one before. The last ones stand first, so no account has imports when it is imported from. */
function chainOf(count: number): AccountsFixture {
  const accounts: [string, Partial<AccountOptions>][] = Array.from({ length: count }, (_, index) => [
    `A${index}`,
    { exports: [service("svc")], imports: index === 0 ? [] : [importOf(`A${index - 1}`, "svc")] },
  ]);
  return new AccountsFixture(Object.fromEntries(accounts.reverse()));
}

test("a request passes through a chain of 1,000 accounts, and its answer back", () => {
  const fixture = chainOf(1_001);
  const requests = fixture.listen("A0", "svc");
  const answers = fixture.listen("A1000", "in");
  expect(fixture.publish("A1000", "svc", "in", "question")).toBe(1);
  expect(fixture.publish("A0", reply(requests.notes[0]!), "", "answer")).toBe(1);
  expect(answers.notes).toEqual(["in  answer"]);
});

test("a request is dropped, with a line in the log, when it has passed through 1,024 accounts", () => {
  const fixture = chainOf(2_500);
  const requests = fixture.listen("A0", "svc");
  expect(fixture.publish("A2499", "svc", "in", "question")).toBe(0);
  expect([requests.notes, fixture.host.lines]).toEqual([[], ['Service import "svc" dropped a message that passed through 1024 imports']]);
  for (const index of [0, 1_000, 2_499]) expect(fixture.of(`A${index}`).responses.size).toBe(0);
  expect(fixture.publish("A1000", "svc", "in", "question")).toBe(1);
});

test("an answer within the request's delivery is dropped when both together pass through more accounts", () => {
  const fixture = chainOf(1_001);
  const service = new LocalSubscriber(fixture.of("A0"), error => {
    throw error;
  });
  service.subscribe("svc", null, (batch, index) => void fixture.publish("A0", batch.replyText(index), "", "answer"));
  const answers = fixture.listen("A1000", "in");
  expect(fixture.publish("A1000", "svc", "in", "question")).toBe(1);
  expect(answers.notes).toEqual([]);
});

test("a stream of answers ends with an empty message", () => {
  const exports = [service("svc", { responseType: "Stream" })];
  const fixture = new AccountsFixture({ A: { exports }, B: { imports: [importOf("A", "svc")] } });
  const requests = fixture.listen("A", "svc");
  const answers = fixture.listen("B", "in");
  fixture.publish("B", "svc", "in");
  const replySubject = reply(requests.notes[0]!);
  for (const payload of ["1", "2", "", "3"]) fixture.publish("A", replySubject, "", payload);
  expect(answers.notes).toEqual(["in  1", "in  2", "in  "]);
  expect(fixture.of("A").responses.size).toBe(0);
});

test("a request without a responder is not delivered, and no answer is pending", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc")] } });
  expect(fixture.publish("B", "svc", "in")).toBe(0);
  expect([fixture.of("A").responses.size, fixture.of("B").responses.awaited]).toEqual([0, 0]);
});

test("a pending answer expires after its export's threshold", () => {
  const exports = [service("svc", { responseThresholdMs: 5_000 })];
  const fixture = new AccountsFixture({ A: { exports }, B: { imports: [importOf("A", "svc")] } });
  const requests = fixture.listen("A", "svc");
  const answers = fixture.listen("B", "in.*");
  fixture.publish("B", "svc", "in.1");
  fixture.host.clock.advance(3_000);
  fixture.publish("B", "svc", "in.2");
  fixture.host.clock.advance(2_500);
  expect(fixture.of("A").responses.size).toBe(1);
  for (const note of requests.notes) fixture.publish("A", reply(note), "", "late");
  expect(answers.notes).toEqual(["in.2  late"]);
  fixture.publish("B", "svc", "in.3");
  fixture.host.clock.advance(10_000);
  expect([fixture.of("A").responses.size, fixture.of("B").responses.awaited, fixture.host.timers.size]).toEqual([0, 0, 0]);
});

test("a pending answer is dropped when the requester unsubscribes", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc")] } });
  fixture.listen("A", "svc");
  const one = fixture.listen("B", "in.1");
  const all = fixture.listen("B", "in.*");
  fixture.publish("B", "svc", "in.1");
  fixture.publish("B", "svc", "in.2");
  one.stop();
  expect(fixture.of("A").responses.size).toBe(2); // the other subscription still matches
  all.stop();
  expect([fixture.of("A").responses.size, fixture.of("B").responses.awaited]).toEqual([0, 0]);
});

test("many awaited answers are reviewed in slices when a subscription with wildcards is removed, once for all changes before the end", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc")] } });
  fixture.listen("A", "svc");
  const some = fixture.listen("B", "in.*");
  fixture.listen("B", "keep.*");
  for (let index = 0; index < 2_000; index++) fixture.publish("B", "svc", `${index % 4 === 0 ? "keep" : "in"}.${index}`);
  const { meter } = fixture.host.turn;
  for (let change = 0; change < 300; change++) fixture.listen("B", "in.>").stop();
  const before = meter.done;
  some.stop();
  expect(meter.done - before).toBeLessThan(100);
  expect(fixture.of("A").responses.size).toBe(2_000);
  fixture.publish("B", "svc", "in.late");
  fixture.host.clock.advance(0);
  expect(meter.done - before).toBeLessThan(2_001 * 40);
  expect([fixture.of("A").responses.size, fixture.of("B").responses.awaited]).toEqual([500, 500]);
  expect([...fixture.of("A").responses.all()].every(({ reply }) => Buffer.from(reply).toString().startsWith("keep."))).toBe(true);
});

test("a million pending answers expire in slices: at most a thousand are looked at in one call", () => {
  const exports = [service("svc", { responseThresholdMs: 5_000 }), service("other")];
  const fixture = new AccountsFixture({ A: { exports }, B: { imports: [importOf("A", "svc"), importOf("A", "other")] } });
  fixture.listen("A", "svc");
  fixture.listen("A", "other");
  for (let index = 0; index < 3_500; index++) fixture.publish("B", index % 7 === 0 ? "other" : "svc", `in.${index}`);
  const { turn, clock } = fixture.host;
  const { scheduler } = turn;
  const slices: number[] = [];
  const add = scheduler.add.bind(scheduler);
  scheduler.add = task => {
    slices.push(fixture.of("A").responses.size);
    add(task);
  };
  clock.advance(5_500);
  expect(slices).toEqual([3_500 - 857]);
  expect(fixture.of("A").responses.size).toBe(500);
  clock.advance(200_000);
  expect([fixture.of("A").responses.size, fixture.of("B").responses.awaited, fixture.host.timers.size]).toEqual([0, 0, 0]);
});

test("a request goes through a chain of accounts, and its answer back", () => {
  const fixture = new AccountsFixture({
    A: { exports: [service("svc.*")] },
    B: { exports: [service("mid.*")], imports: [importOf("A", "svc.*", "mid.$1")] },
    C: { imports: [importOf("B", "mid.*", "ask.$1")] },
  });
  const requests = fixture.listen("A", "svc.*");
  const answers = fixture.listen("C", "in");
  fixture.publish("C", "ask.x", "in");
  expect(requests.notes[0]).toStartWith("svc.x _R_.");
  fixture.publish("A", reply(requests.notes[0]!), "", "ok");
  expect(answers.notes).toEqual(["in  ok"]);
});

test("a new configuration keeps accounts, subscriptions and pending answers, and changes imports", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc"), service("new")] }, B: { imports: [importOf("A", "svc")] }, C: {} });
  const before = fixture.of("B");
  const requests = fixture.listen("A", ">");
  const answers = fixture.listen("B", "in");
  fixture.publish("B", "svc", "in");
  fixture.configure({ A: { exports: [service("svc"), service("new")] }, B: { imports: [importOf("A", "new")] } });
  expect([fixture.of("B"), fixture.accounts.get("C")]).toEqual([before, undefined]);
  expect([fixture.publish("B", "svc", "in"), fixture.publish("B", "new", "in")]).toEqual([0, 1]);
  fixture.publish("A", reply(requests.notes[0]!), "", "from before");
  expect(answers.notes).toEqual(["in  from before"]);
});

test("an account removed from the configuration loses its exports and imports", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc")] } });
  const removed = fixture.of("B");
  fixture.listen("A", "svc");
  fixture.configure({ A: { exports: [service("svc")] } });
  expect([removed.publisher.publish("svc", "", null, "x"), removed.interest.count]).toEqual([0, 0]);
});

test("mappings of the exporter apply to requests, those of the requester to answers", () => {
  const moved = (source: string, subject: string) => ({ source, destinations: [{ subject, weight: 100, cluster: "" }] });
  const fixture = new AccountsFixture({
    A: { exports: [service("svc")], mappings: [moved("svc", "elsewhere")] },
    B: { imports: [importOf("A", "svc")], mappings: [moved("in.*", "mapped.$1")] },
  });
  const requests = fixture.listen("A", "elsewhere");
  const answers = fixture.listen("B", "mapped.*");
  fixture.publish("B", "svc", "in.7");
  fixture.publish("A", reply(requests.notes[0]!), "", "a");
  expect(answers.notes).toEqual(["mapped.7  a"]);
});

test("an account with expired claims does not answer", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc")] } });
  fixture.listen("A", "svc");
  fixture.of("A").expired = true;
  expect(fixture.publish("B", "svc", "in")).toBe(0);
});

test("a message passes through one account 32 times at most", () => {
  const chain = (count: number) => ({
    exports: Array.from({ length: count }, (_, index) => service(`s.${index}`)),
    imports: Array.from({ length: count }, (_, index) => importOf("A", `s.${index}`, `s.${index + 1}`)),
  });
  for (const [count, taken] of [
    [31, 1],
    [32, 0],
    [200, 0],
  ]) {
    const fixture = new AccountsFixture({ A: chain(count!) });
    const requests = fixture.listen("A", "s.0");
    expect(fixture.publish("A", `s.${count}`, "in"), `${count} imports`).toBe(taken!);
    expect([requests.notes.length, fixture.of("A").responses.size], `${count} imports`).toEqual([taken!, taken! * count!]);
  }
});

test("many answers on one reply subject are removed in slices when nobody subscribes to it any more; answered ones are left out", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc")] } });
  fixture.listen("A", "svc");
  const inbox = fixture.listen("B", "in");
  for (let index = 0; index < 3_000; index++) fixture.publish("B", "svc", "in");
  const { responses } = fixture.of("A");
  const subjects = [...responses.all()].map(({ subject }) => subject);
  inbox.stop();
  expect([responses.size, fixture.of("B").responses.awaited]).toEqual([2_000, 0]);
  const late = fixture.listen("B", "in");
  fixture.publish("B", "svc", "in");
  fixture.host.clock.advance(0);
  expect([responses.size, fixture.of("B").responses.awaited]).toEqual([1, 1]);
  expect(subjects).not.toContain([...responses.all()][0]!.subject);
  late.stop();
  expect([responses.size, fixture.of("B").responses.awaited]).toEqual([0, 0]);
});

test("the oldest pending answer is known while answers come and go in any order", () => {
  const fixture = new AccountsFixture({ A: { exports: [service("svc")] }, B: { imports: [importOf("A", "svc")] } });
  fixture.listen("A", "svc");
  for (const name of ["a", "b", "c"]) {
    fixture.listen("B", name);
    fixture.publish("B", "svc", name);
  }
  const { responses } = fixture.of("A");
  const [a, b, c] = [...responses.all()];
  fixture.publish("A", b!.subject, "");
  expect([a!.newer, c!.older]).toEqual([c!, a!]);
  fixture.publish("A", a!.subject, "");
  expect([c!.older, responses.size]).toEqual([null, 1]);
});
