import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { FakeTransport } from "../../../test/doubles/fake-transport.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { Random } from "../../base/random/random.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { FLAG_AUTHENTICATING, FLAG_STALLED } from "./connection-flag.ts";
import { ReadLoop, type ReadLoopOwner, type StreamParser } from "./read-loop.ts";
import { Turn } from "./turn.ts";

const KIB = 1024;

/** One letter is one command: `s` suspends, `!` is refused, all others are recorded. */
class LetterParser implements StreamParser {
  suspended = false;
  parsed = "";
  onSuspend: () => void = () => {};

  parse(chunk: Buffer, at: number): number {
    let next = at;
    while (next < chunk.length && !this.suspended) {
      const letter = String.fromCharCode(chunk[next++]);
      if (letter === "!") return -Refusal.UnknownOperation;
      if (letter === "s") this.onSuspend();
      else this.parsed += letter;
    }
    return next;
  }
}

function newReadLoop() {
  const clock = new FakeClock();
  const turn = new Turn(clock, new TimingWheel(clock), new Random(1));
  const transport = new FakeTransport();
  const parser = new LetterParser();
  const refused: string[] = [];
  const lines: string[] = [];
  const owner = {
    flags: 0,
    closed: false,
    inBytes: 0,
    commits: 0,
    host: { turn },
    label: "peer",
    log: { warn: (text: string) => lines.push(text) } as unknown as ReadLoopOwner["log"],
    transport: transport as ReadLoopOwner["transport"],
    commitRead: () => owner.commits++,
    commandUnfinished: false,
    finishCommand: () => true,
    onInputParsed: () => {},
    onCommandRefused: (refusal: Refusal) => refused.push(Refusal[refusal]),
  };
  const reading = new ReadLoop(owner, parser);
  const send = (text: string) => reading.onData(Buffer.from(text));
  const resume = (flag: number) => {
    owner.flags &= ~flag;
    reading.resumeLater();
    turn.end();
  };
  parser.onSuspend = () => reading.suspend(FLAG_STALLED);
  return { clock, turn, transport, parser, owner, reading, refused, lines, send, resume };
}

test("while the parser is suspended, the rest of its chunk and later chunks are kept, and the transport is paused", () => {
  const { parser, transport, owner, send, resume } = newReadLoop();
  send("ab");
  expect([parser.parsed, owner.commits, transport.paused]).toEqual(["ab", 1, false]);
  send("csde");
  send("fg");
  expect([parser.parsed, transport.paused]).toEqual(["abc", true]);
  resume(FLAG_STALLED);
  expect([parser.parsed, transport.paused]).toEqual(["abcdefg", false]);
});

test("if the parser is suspended again, the transport stays paused and no bytes are lost", () => {
  const { parser, transport, send, resume } = newReadLoop();
  send("asbsc");
  send("d");
  resume(FLAG_STALLED);
  expect([parser.parsed, transport.paused]).toEqual(["ab", true]);
  resume(FLAG_STALLED);
  expect([parser.parsed, transport.paused]).toEqual(["abcd", false]);
});

test("reading continues when no reason to be suspended is left", () => {
  const { parser, reading, send, resume } = newReadLoop();
  parser.onSuspend = () => {
    reading.suspend(FLAG_STALLED);
    reading.suspend(FLAG_AUTHENTICATING);
  };
  send("asb");
  resume(FLAG_STALLED);
  expect(parser.parsed).toBe("a");
  resume(FLAG_AUTHENTICATING);
  expect(parser.parsed).toBe("ab");
});

test("the owner gets a refusal after the read is counted, and nothing after it is parsed", () => {
  const { parser, owner, refused, send } = newReadLoop();
  send("a!b");
  expect([parser.parsed, owner.commits, refused]).toEqual(["a", 1, ["UnknownOperation"]]);
});

test("a stopped read loop drops kept chunks and resumes the transport, so that the peer's end is noticed", () => {
  const { parser, transport, owner, reading, send, resume } = newReadLoop();
  send("asb");
  owner.closed = true;
  reading.stop();
  expect([transport.paused, parser.suspended]).toEqual([false, true]);
  resume(FLAG_STALLED);
  expect(parser.parsed).toBe("a");
});

test("more reads follow a large read at once; an unparsed rest is copied from their shared buffer", () => {
  const { turn, parser, transport, owner, reading, resume } = newReadLoop();
  const more = ["b".repeat(256 * KIB), `c${"d".repeat(256 * KIB)}`, `esf${"g".repeat(256 * KIB)}`];
  const reads: number[] = [];
  owner.transport = Object.assign(Object.create(transport) as FakeTransport, {
    readMore: (target: Buffer) => {
      if (more.length === 0) return 0;
      reads.push(more[0]!.length);
      return target.write(more.shift()!, "latin1");
    },
  });
  reading.onData(Buffer.alloc(256 * KIB, "a"));
  expect(reads).toHaveLength(3);
  expect(parser.parsed.replace(/(.)\1+/g, "$1")).toBe("abcde");
  turn.readBuffer.fill("x");
  resume(FLAG_STALLED);
  expect(parser.parsed.replace(/(.)\1+/g, "$1")).toBe("abcdefg");
});

test("a read that takes two seconds is reported", () => {
  const { clock, parser, lines, reading, send } = newReadLoop();
  parser.onSuspend = () => clock.jump(2_500);
  send("as");
  expect(lines).toEqual(["peer - Readloop processing time: 2.5s"]);
  expect(reading.chunk).toBe(1);
});

test("assertions: a parser stops inside the chunk, after the offset where it began", () => {
  const { parser, send } = newReadLoop();
  parser.parse = () => 6;
  expect(brokenAssertion(() => send("hello"))).toBe(
    "Assertion broken: a parser stops inside the chunk, after the offset where it began: 6, 0",
  );
});
