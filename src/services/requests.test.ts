import { expect, test } from "bun:test";
import { FakeHost } from "../../test/doubles/fake-host.ts";
import { Account } from "../accounts/account/account.ts";
import { LocalSubscriber } from "../messaging/batch/local-subscriber.ts";
import { Inboxes } from "./inboxes.ts";
import { type Answer, type OutgoingRequest, PENDING_MAX, Requests } from "./requests.ts";

const SUBJECT = "a.service";

function setUp() {
  const host = new FakeHost();
  const account = new Account("A", host);
  const service = new LocalSubscriber(account, error => {
    throw error;
  });
  const asked: { reply: string; payload: string; header: string }[] = [];
  service.subscribe(SUBJECT, null, (batch, index) =>
    asked.push({
      reply: batch.source.toString("latin1", batch.replyStart(index), batch.replyEnd(index)),
      payload: Buffer.from(batch.payload(index)).toString(),
      header: batch.headerSize(index) > 0 ? Buffer.from(batch.header(index)).toString() : "",
    }),
  );
  const requests = new Requests(
    host.turn.timers,
    new Inboxes("one", error => {
      throw error;
    }),
  );
  const ask = (more: Partial<OutgoingRequest> = {}): Promise<Answer> =>
    requests.ask({ account, subject: SUBJECT, header: null, payload: "who?", timeoutMs: 1_000, isWanted: () => true, ...more });
  const answer = (at: number, text: string) => account.publisher.publish(asked[at]!.reply, "", null, text);
  return { host, account, requests, asked, ask, answer };
}

const text = (answer: Answer) => (typeof answer === "string" ? answer : `"${Buffer.from(answer).toString()}"`);

test("each request has its own inbox with a random name, and gets its own answer", async () => {
  const { account, asked, ask, answer, requests } = setUp();
  const answers = [ask(), ask({ header: Buffer.from("NATS/1.0\r\nA: b\r\n\r\n"), payload: "and who?" })];
  expect(asked.map(({ payload, header }) => [payload, header])).toEqual([
    ["who?", ""],
    ["and who?", "NATS/1.0\r\nA: b\r\n\r\n"],
  ]);
  expect(asked[0]!.reply).toMatch(/^\$SYS\._INBOX\.\w{8}\.[0-9a-f]{32}$/);
  expect(asked[0]!.reply).not.toBe(asked[1]!.reply);
  answer(1, "two");
  answer(0, "one");
  expect((await Promise.all(answers)).map(text)).toEqual(['"one"', '"two"']);
  expect([requests.size, account.interest.all().length]).toEqual([0, 1]);
});

test("an answer is a copy, because the delivery's buffer is reused", async () => {
  const { ask, answer } = setUp();
  const first = ask();
  answer(0, "first");
  const second = ask();
  answer(1, "other");
  expect([text(await first), text(await second)]).toEqual(['"first"', '"other"']);
});

test("a second answer is discarded", async () => {
  const { account, asked, ask, answer } = setUp();
  const first = ask();
  expect([answer(0, "first"), answer(0, "second")]).toEqual([1, 0]);
  expect(text(await first)).toBe('"first"');
  expect(account.interest.hasInterest(Buffer.from(asked[0]!.reply), 0, asked[0]!.reply.length)).toBe(false);
});

test("a request without an answer ends after its timeout; later answers are discarded", async () => {
  const { ask, answer, host, requests } = setUp();
  const answered = ask({ timeoutMs: 50 });
  host.clock.advance(49);
  expect(requests.size).toBe(1);
  host.clock.advance(2);
  expect([text(await answered), requests.size, answer(0, "late")]).toEqual(["late", 0, 0]);
});

test("the number of waiting requests is limited; unwanted ones are dropped first", async () => {
  const { account, ask, requests } = setUp();
  let here = true;
  const first = ask({ isWanted: () => here });
  for (let count = 1; count < PENDING_MAX; count++) void ask();
  expect(text(await ask())).toBe("crowded");
  here = false;
  const last = ask();
  expect([text(await first), requests.size]).toEqual(["late", PENDING_MAX]);
  expect(account.interest.all().length).toBe(PENDING_MAX + 1);
  expect(text(await Promise.race([last, Promise.resolve<Answer>("crowded")]))).toBe("crowded"); // the last request waits
});
