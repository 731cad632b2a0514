import { expect, test } from "bun:test";
import { FakeHost } from "../../../test/doubles/fake-host.ts";
import { LocalSubscriber } from "../../messaging/batch/local-subscriber.ts";
import { NO_SERVICE_EXPORT, NO_SERVICE_IMPORT, type ServiceExportOptions, type ServiceImportOptions } from "../trade/trade-options.ts";
import type { Account } from "./account.ts";
import { type AccountOptions, emptyAccount } from "./account-options.ts";
import { Accounts } from "./accounts.ts";

const service = (subject: string, more: Partial<ServiceExportOptions> = {}): ServiceExportOptions => ({
  ...NO_SERVICE_EXPORT,
  subject,
  ...more,
});
const takes = (account: string, subject: string, to = ""): ServiceImportOptions => ({ ...NO_SERVICE_IMPORT, account, subject, to });

/** Accounts whose members note what they receive. */
class Street {
  readonly host = new FakeHost();
  readonly accounts = new Accounts(this.host);

  constructor(given: Record<string, Partial<AccountOptions>>) {
    this.configure(given);
  }

  configure(given: Record<string, Partial<AccountOptions>>): ReadonlySet<Account> {
    const accounts = Object.entries(given).map(([name, one]) => ({ ...emptyAccount(name), ...one }));
    return this.accounts.prepare({ accounts, systemAccount: null }).install();
  }

  of(name: string): Account {
    return this.accounts.get(name)!;
  }

  /** Notes `subject reply payload` of what comes. */
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
  const street = new Street({ A: { exports: [service("svc")] }, B: { imports: [takes("A", "svc", "ask")] } });
  const asked = street.listen("A", "svc");
  const answered = street.listen("B", "in.1");
  expect(street.publish("B", "ask", "in.1", "question")).toBe(1);
  const address = reply(asked.notes[0]!);
  expect(asked.notes).toEqual([`svc ${address} question`]);
  expect(address).toMatch(/^_R_\.\w{6}\.\w{6}$/);
  expect([street.publish("A", address, "", "answer"), street.publish("A", address, "", "once more")]).toEqual([1, 0]);
  expect(answered.notes).toEqual(["in.1  answer"]);
  expect([street.of("A").responses.size, street.of("B").responses.awaited]).toEqual([0, 0]);
});

test("a stream of answers ends with an empty message", () => {
  const exports = [service("svc", { responseType: "Stream" })];
  const street = new Street({ A: { exports }, B: { imports: [takes("A", "svc")] } });
  const asked = street.listen("A", "svc");
  const answered = street.listen("B", "in");
  street.publish("B", "svc", "in");
  const address = reply(asked.notes[0]!);
  for (const payload of ["1", "2", "", "3"]) street.publish("A", address, "", payload);
  expect(answered.notes).toEqual(["in  1", "in  2", "in  "]);
  expect(street.of("A").responses.size).toBe(0);
});

test("a request without a responder is not delivered, and no answer is pending", () => {
  const street = new Street({ A: { exports: [service("svc")] }, B: { imports: [takes("A", "svc")] } });
  expect(street.publish("B", "svc", "in")).toBe(0);
  expect([street.of("A").responses.size, street.of("B").responses.awaited]).toEqual([0, 0]);
});

test("a pending answer expires after its export's threshold", () => {
  const exports = [service("svc", { responseThresholdMs: 5_000 })];
  const street = new Street({ A: { exports }, B: { imports: [takes("A", "svc")] } });
  const asked = street.listen("A", "svc");
  const answered = street.listen("B", "in.*");
  street.publish("B", "svc", "in.1");
  street.host.clock.advance(3_000);
  street.publish("B", "svc", "in.2");
  street.host.clock.advance(2_500);
  expect(street.of("A").responses.size).toBe(1);
  for (const note of asked.notes) street.publish("A", reply(note), "", "late");
  expect(answered.notes).toEqual(["in.2  late"]);
  street.publish("B", "svc", "in.3");
  street.host.clock.advance(10_000);
  expect([street.of("A").responses.size, street.of("B").responses.awaited, street.host.timers.size]).toEqual([0, 0, 0]);
});

test("a pending answer is dropped when the requester unsubscribes", () => {
  const street = new Street({ A: { exports: [service("svc")] }, B: { imports: [takes("A", "svc")] } });
  street.listen("A", "svc");
  const one = street.listen("B", "in.1");
  const all = street.listen("B", "in.*");
  street.publish("B", "svc", "in.1");
  street.publish("B", "svc", "in.2");
  one.stop();
  expect(street.of("A").responses.size).toBe(2); // the other one still waits
  all.stop();
  expect([street.of("A").responses.size, street.of("B").responses.awaited]).toEqual([0, 0]);
});

test("a request goes through a chain of accounts, and its answer back", () => {
  const street = new Street({
    A: { exports: [service("svc.*")] },
    B: { exports: [service("mid.*")], imports: [takes("A", "svc.*", "mid.$1")] },
    C: { imports: [takes("B", "mid.*", "ask.$1")] },
  });
  const asked = street.listen("A", "svc.*");
  const answered = street.listen("C", "in");
  street.publish("C", "ask.x", "in");
  expect(asked.notes[0]).toStartWith("svc.x _R_.");
  street.publish("A", reply(asked.notes[0]!), "", "ok");
  expect(answered.notes).toEqual(["in  ok"]);
});

test("a new configuration keeps accounts, subscriptions and pending answers, and changes imports", () => {
  const street = new Street({ A: { exports: [service("svc"), service("new")] }, B: { imports: [takes("A", "svc")] }, C: {} });
  const before = street.of("B");
  const asked = street.listen("A", ">");
  const answered = street.listen("B", "in");
  street.publish("B", "svc", "in");
  street.configure({ A: { exports: [service("svc"), service("new")] }, B: { imports: [takes("A", "new")] } });
  expect([street.of("B"), street.accounts.get("C")]).toEqual([before, undefined]);
  expect([street.publish("B", "svc", "in"), street.publish("B", "new", "in")]).toEqual([0, 1]);
  street.publish("A", reply(asked.notes[0]!), "", "from before");
  expect(answered.notes).toEqual(["in  from before"]);
});

test("an account removed from the configuration loses its exports and imports", () => {
  const street = new Street({ A: { exports: [service("svc")] }, B: { imports: [takes("A", "svc")] } });
  const gone = street.of("B");
  street.listen("A", "svc");
  street.configure({ A: { exports: [service("svc")] } });
  expect([gone.publisher.publish("svc", "", null, "x"), gone.interest.count]).toEqual([0, 0]);
});

test("mappings of the exporter apply to requests, those of the requester to answers", () => {
  const moved = (source: string, subject: string) => ({ source, destinations: [{ subject, weight: 100, cluster: "" }] });
  const street = new Street({
    A: { exports: [service("svc")], mappings: [moved("svc", "elsewhere")] },
    B: { imports: [takes("A", "svc")], mappings: [moved("in.*", "mapped.$1")] },
  });
  const asked = street.listen("A", "elsewhere");
  const answered = street.listen("B", "mapped.*");
  street.publish("B", "svc", "in.7");
  street.publish("A", reply(asked.notes[0]!), "", "a");
  expect(answered.notes).toEqual(["mapped.7  a"]);
});

test("an account with expired claims does not answer", () => {
  const street = new Street({ A: { exports: [service("svc")] }, B: { imports: [takes("A", "svc")] } });
  street.listen("A", "svc");
  street.of("A").expired = true;
  expect(street.publish("B", "svc", "in")).toBe(0);
});

test("a message passes through one account 32 times at most", () => {
  const chain = (count: number) => ({
    exports: Array.from({ length: count }, (_, index) => service(`s.${index}`)),
    imports: Array.from({ length: count }, (_, index) => takes("A", `s.${index}`, `s.${index + 1}`)),
  });
  for (const [count, taken] of [
    [31, 1],
    [32, 0],
    [200, 0],
  ]) {
    const street = new Street({ A: chain(count!) });
    const asked = street.listen("A", "s.0");
    expect(street.publish("A", `s.${count}`, "in"), `${count} imports`).toBe(taken!);
    expect([asked.notes.length, street.of("A").responses.size], `${count} imports`).toEqual([taken!, taken! * count!]);
  }
});
