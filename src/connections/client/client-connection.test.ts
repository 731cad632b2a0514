import { expect, test } from "bun:test";
import { FakeHost } from "../../../test/doubles/fake-host.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import { ArgumentStyle, VERBS } from "../../wire/protocol/verb-table.ts";

const ARGUMENTS: Record<string, string> = { SUB: " a 1", UNSUB: " 1", CONNECT: " {}", INFO: " {}", "-ERR": " 'x'" };

test("every verb of a client with a line of arguments has a handler", () => {
  for (const { word, style, reader } of VERBS[ConnectionKind.Client]) {
    if (style === ArgumentStyle.Ignored || reader !== null) continue;
    const peer = new FakeHost().connect();
    peer.send(`${word}${ARGUMENTS[word] ?? " x"}\r\n`);
    expect(peer.next(), word).not.toContain("Unknown Protocol Operation");
  }
});

test("a client that is gone while its input waits has no subscriptions any more, and its messages are still published", () => {
  const host = new FakeHost({}, 10);
  const receiver = host.connect();
  receiver.send("SUB last 1\r\n");
  const gone = host.connect();
  host.clock.advance(0);
  gone.send(`SUB a 1\r\n${"PUB a 0\r\n\r\n".repeat(100)}SUB a 2\r\nPUB last 0\r\n\r\n`);
  const { client } = gone;
  expect(client.subscriptions.size).toBe(1);
  let added = 0;
  const { subscriptions } = client;
  const add = subscriptions.add.bind(subscriptions);
  subscriptions.add = subscription => {
    added++;
    return add(subscription);
  };
  client.onClose(null);
  expect([client.closed, subscriptions.size]).toEqual([false, 0]);
  host.clock.advance(0);
  expect([client.closed, added]).toEqual([true, 0]);
  expect(receiver.next()).toContain("MSG last 1 0");
});
