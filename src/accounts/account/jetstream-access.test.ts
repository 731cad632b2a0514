import { expect, test } from "bun:test";
import { FakeHost } from "../../../test/doubles/fake-host.ts";
import { LocalSubscriber } from "../../messaging/batch/local-subscriber.ts";
import { NO_SERVICE_EXPORT, NO_SERVICE_IMPORT } from "../trade/trade-options.ts";
import { type AccountOptions, emptyAccount } from "./account-options.ts";
import { Accounts } from "./accounts.ts";
import { type JetStreamAccess, NO_JETSTREAM } from "./jetstream-access.ts";

const API_EXPORT = { ...NO_SERVICE_EXPORT, subject: "$JS.API.>" };
const importOf = (account: string, to = "") => ({ ...NO_SERVICE_IMPORT, account, subject: "$JS.API.>", to });

/** Accounts of a server whose JetStream records what it is asked. */
class Fixture {
  readonly accounts = new Accounts(new FakeHost());
  /** Subjects of requests to the API. */
  readonly requests: string[] = [];

  constructor(given: Record<string, Partial<AccountOptions>>, access: Partial<JetStreamAccess>) {
    const accounts = Object.entries(given).map(([name, one]) => ({ ...emptyAccount(name), ...one }));
    this.accounts.prepare({ accounts, systemAccount: "SYS", jetStream: { ...NO_JETSTREAM, ...access } }).install();
    const onError = (error: unknown) => this.requests.push(String(error));
    new LocalSubscriber(this.accounts.system!, onError).subscribe("$JS.API.>", null, (batch, index) => {
      this.requests.push(batch.subjectText(index));
    });
  }

  /** @returns what JetStream was asked */
  ask(account: string, subject: string): string[] {
    this.requests.length = 0;
    this.accounts.get(account)!.publisher.publish(subject, "reply", null, "");
    return [...this.requests];
  }

  imports(account: string): string[] {
    return this.accounts
      .get(account)!
      .serviceImports.filter(one => one.plan.to === "$JS.API.>")
      .map(one => one.plan.exporter);
  }
}

test("while JetStream is on every account reaches the API, but the system account does not import its own", () => {
  const fixture = new Fixture({ A: {}, B: {} }, { enabled: true, accounts: new Set(["A"]) });
  expect(["A", "B", "$G", "SYS"].map(name => fixture.imports(name))).toEqual([["SYS"], ["SYS"], ["SYS"], []]);
  expect(fixture.ask("B", "$JS.API.STREAM.NAMES")).toEqual(["$JS.API.STREAM.NAMES"]);
  expect(fixture.ask("A", "$JS.hub.API.INFO")).toEqual([]);
});

test("while JetStream is off only accounts that are configured for it have the import", () => {
  const fixture = new Fixture({ A: {}, B: {} }, { accounts: new Set(["A"]) });
  expect(["A", "B"].map(name => fixture.imports(name))).toEqual([["SYS"], []]);
  const off = new Fixture({ A: {} }, {});
  expect([off.imports("A"), off.accounts.system!.serviceExports.size]).toEqual([[], 4]);
});

test("an account without JetStream that imports the API of another account asks only that one", () => {
  const given = { A: { exports: [API_EXPORT] }, B: { imports: [importOf("A")] }, C: { imports: [importOf("A", "js.A.>")] } };
  const fixture = new Fixture(given, { enabled: true, accounts: new Set(["A"]) });
  expect(["B", "C"].map(name => fixture.imports(name))).toEqual([["A"], ["A", "SYS"]]);
  expect(fixture.ask("B", "$JS.API.INFO").length).toBe(1);
  expect(fixture.ask("C", "js.A.STREAM.NAMES")).toEqual(["$JS.API.STREAM.NAMES"]);
});

test("a domain is another name of the API, in accounts that reach it and in the system account; configured mappings are kept", () => {
  const own = { source: "$JS.hub.API.INFO", destinations: [{ subject: "mine", weight: 100, cluster: "" }] };
  const fixture = new Fixture({ A: {}, B: { mappings: [own] } }, { enabled: true, domain: "hub", accounts: new Set(["A"]) });
  const mapped = (account: string) => fixture.accounts.get(account)!.mappings?.rules.map(({ source }) => source) ?? [];
  expect(mapped("A").length).toBe(9);
  expect(mapped("B").filter(source => source === "$JS.hub.API.INFO").length).toBe(1);
  expect(mapped("SYS")).toEqual(["$JS.hub.API.>"]);
  expect(fixture.ask("A", "$JS.API.INFO")).toEqual(["$JS.API.INFO"]);
});

test("a default domain directs requests of an account without JetStream to the domain", () => {
  const access = { enabled: true, accounts: new Set(["A"]), defaultDomains: { A: "far", B: "far", C: "" } };
  const fixture = new Fixture({ A: {}, B: {}, C: {} }, access);
  const rules = (name: string) =>
    fixture.accounts.get(name)!.mappings?.rules.map(({ source, destinations }) => `${source} ${destinations[0]!.subject}`);
  expect(rules("A")).toBe(undefined);
  expect(rules("B")?.slice(0, 2)).toEqual(["$JS.API.INFO $JS.far.API.INFO", "$JS.API.STREAM.> $JS.far.API.STREAM.>"]);
  expect(rules("C")).toBe(undefined);
});
