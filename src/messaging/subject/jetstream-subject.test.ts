import { expect, test } from "bun:test";
import { encode } from "../../base/bytes/ascii.ts";
import { isJetStreamReply, isJetStreamRequest, isJetStreamSubject } from "./jetstream-subject.ts";

const kindOf = (subject: string) => {
  const bytes = encode(`x${subject}x`);
  const [start, end] = [1, bytes.length - 1];
  return [isJetStreamSubject(bytes, start, end), isJetStreamRequest(bytes, start, end), isJetStreamReply(bytes, start, end)];
};

test("JetStream subjects are told by their second token, API requests of a domain by their third", () => {
  expect(
    ["$JS.API", "$JS.API.INFO", "$JS.hub.API", "$JS.hub.API.INFO", "$JS.ACK.a", "$JS.FC.a", "$JS.SNAPSHOT.ACK.a", "$JS.EVENT.x"].map(
      kindOf,
    ),
  ).toEqual([
    [true, true, true],
    [true, true, true],
    [true, true, true],
    [true, true, true],
    [true, false, true],
    [true, false, true],
    [true, false, true],
    [true, false, true],
  ]);
  expect(["$JS", "$JS.", "$JS.API2.a", "$JS.a.b.API", "$JS.hub.ACK", "$JSC.R.a", "JS.API.a", "", "x.$JS.API"].map(kindOf)).toEqual([
    [false, false, false],
    [false, false, false],
    [false, false, true],
    [false, false, true],
    [false, false, true],
    [false, false, false],
    [false, false, false],
    [false, false, false],
    [false, false, false],
  ]);
});
