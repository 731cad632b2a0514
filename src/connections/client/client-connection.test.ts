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
