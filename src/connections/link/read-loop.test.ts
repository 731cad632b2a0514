import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { FakeTransport } from "../../../test/doubles/fake-transport.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { Random } from "../../base/random/random.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { FLAG_AUTHENTICATING, FLAG_STALLED, FLAG_YIELDED } from "./connection-flag.ts";
import { ReadLoop, type ReadLoopOwner, type StreamParser } from "./read-loop.ts";
import { Turn } from "./turn.ts";

const KIB = 1024;

/** One letter is one command: `s` suspends, `!` is refused, all others are recorded. */
class LetterParser implements StreamParser {
  suspended = false;
  parsed = "";
  onSuspend: () => void = () => {};
  onLetter: () => void = () => {};

  parse(chunk: Buffer, at: number): number {
    let next = at;
    while (next < chunk.length && !this.suspended) {
      const letter = String.fromCharCode(chunk[next++]);
      if (letter === "!") return -Refusal.UnknownOperation;
      if (letter === "s") this.onSuspend();
      else this.parsed += letter;
      this.onLetter();
    }
    return next;
  }
}

/** @param lettersPerShare each letter counts as one unit of work; by default letters do not count */
function newReadLoop(lettersPerShare?: number) {
  const clock = new FakeClock();
  const turn = new Turn(clock, new TimingWheel(clock), new Random(1), lettersPerShare);
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
  if (lettersPerShare !== undefined) parser.onLetter = () => reading.charge(1);
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

test("a reader that used its share stops after the current command; it gets one share per round until its input is parsed", () => {
  const { clock, parser, transport, send } = newReadLoop(3);
  const rounds: string[] = [];
  send("abcdefgh");
  rounds.push(parser.parsed);
  expect(transport.paused).toBe(true);
  clock.afterEvents(() => rounds.push(parser.parsed)); // after the next slice
  clock.advance(0);
  expect(rounds).toEqual(["abc", "abcdefgh"]);
  expect(transport.paused).toBe(false);
});

test("readers take turns: each gets one share before the first one goes on", () => {
  const { clock, turn, send, parser } = newReadLoop(2);
  const order: string[] = [];
  const other = { left: 3, work: () => order.push(`other ${parser.parsed}`) > 0 && --other.left > 0 };
  send("abcdefgh");
  turn.scheduler.add(other);
  clock.advance(0);
  expect(order).toEqual(["other abcd", "other abcdef", "other abcdefgh"]);
});

test("many small events have one share per round together; input beyond it waits for its turn", () => {
  const { clock, parser, turn, transport, send } = newReadLoop(3);
  for (const letter of "ab") send(letter);
  expect([parser.parsed, transport.paused, turn.scheduler.waiting]).toEqual(["ab", false, 0]);
  for (const letter of "cdef") send(letter);
  expect([parser.parsed, transport.paused, turn.scheduler.waiting]).toEqual(["abc", true, 1]);
  clock.advance(0);
  expect([parser.parsed, transport.paused, turn.scheduler.waiting]).toEqual(["abcdef", false, 0]);
  send("g");
  expect(parser.parsed).toBe("abcdefg");
});

test("a chunk that arrives when the share of the round is used up is not parsed before the next slice", () => {
  const { clock, parser, transport, send } = newReadLoop(3);
  parser.onLetter = () => {};
  send("a".repeat(1024)); // counts as four units by its size
  send("b");
  expect([parser.parsed.length, transport.paused]).toEqual([1024, true]);
  clock.advance(0);
  expect([parser.parsed.length, transport.paused]).toEqual([1025, false]);
});

test("a reader that is stalled and used its share continues when the stall ends, before or after its turn in the slice", () => {
  for (const stallEndsFirst of [true, false]) {
    const { clock, parser, transport, send, resume } = newReadLoop(2);
    send("asbc");
    if (stallEndsFirst) resume(FLAG_STALLED);
    clock.advance(0);
    expect(parser.parsed).toBe(stallEndsFirst ? "abc" : "a");
    if (!stallEndsFirst) resume(FLAG_STALLED);
    clock.advance(0);
    expect([parser.parsed, transport.paused]).toEqual(["abc", false]);
  }
});

test("a reader whose stall ends while it is being resumed is not forgotten", () => {
  const { clock, parser, transport, owner, reading, send, resume } = newReadLoop();
  send("sab");
  let stalls = 0;
  owner.commitRead = () => {
    // It has stalled again, and the consumer is closed at once: reading is resumed within the call of `work`.
    if (++stalls === 1) {
      reading.suspend(FLAG_STALLED);
      owner.flags &= ~FLAG_STALLED;
      reading.resumeLater();
    }
    return 0;
  };
  parser.onSuspend = () => reading.suspend(FLAG_STALLED);
  resume(FLAG_STALLED);
  clock.advance(0);
  send("c");
  expect([parser.parsed, transport.paused]).toEqual(["abc", false]);
});

test("an unfinished command is finished before anything else is parsed, a share at a time, and counted", () => {
  const { clock, parser, turn, owner, reading, send } = newReadLoop(1_000);
  const finished: boolean[] = [];
  send("ab");
  const commits = owner.commits;
  Object.assign(owner, {
    commandUnfinished: true,
    finishCommand: () => {
      finished.push(finished.length === 2);
      owner.commandUnfinished = finished.length < 3;
      turn.meter.done += 1_000;
      return !owner.commandUnfinished;
    },
  });
  parser.onLetter = () => {};
  reading.suspend(FLAG_YIELDED);
  send("c");
  expect([parser.parsed, finished.length]).toEqual(["ab", 0]);
  clock.advance(0);
  expect([parser.parsed, finished, owner.commits - commits]).toEqual(["abc", [false, false, true], 5]);
});

test("an unfinished command is finished also after the connection is closed; the input behind it is dropped", () => {
  const { clock, turn, parser, owner, reading, send } = newReadLoop();
  let finished = 0;
  Object.assign(owner, {
    commandUnfinished: true,
    finishCommand: () => {
      owner.commandUnfinished = ++finished < 2;
      return !owner.commandUnfinished;
    },
  });
  reading.suspend(FLAG_YIELDED);
  send("abc");
  owner.closed = true;
  reading.stop();
  clock.advance(0);
  expect([finished, parser.parsed, turn.scheduler.waiting]).toEqual([2, "", 0]);
});

test("the owner is told once all input is parsed, and not while a share or a stall divides it", () => {
  const { clock, owner, send, resume } = newReadLoop(2);
  let told = 0;
  owner.onInputParsed = () => told++;
  send("abcds");
  expect(told).toBe(0);
  clock.advance(0);
  expect(told).toBe(0);
  resume(FLAG_STALLED);
  clock.advance(0);
  expect(told).toBe(1);
});

test("while an unfinished command needs bytes of the shared read buffer, other readers get another buffer", () => {
  const { clock, turn, transport, owner, reading } = newReadLoop(500_000);
  const chunk = "b".repeat(300 * KIB);
  let reads = 0;
  owner.transport = Object.assign(Object.create(transport) as FakeTransport, {
    readMore: (target: Buffer) => {
      if (++reads > 1) return 0;
      owner.commandUnfinished = true;
      reading.suspend(FLAG_YIELDED);
      return target.write(chunk, "latin1");
    },
  });
  owner.finishCommand = () => {
    owner.commandUnfinished = false;
    return true;
  };
  const held = turn.readBuffer;
  reading.onData(Buffer.alloc(256 * KIB, "a"));
  expect(turn.readBuffer).not.toBe(held);
  turn.readBuffer.fill("x");
  expect(held.toString("latin1", 0, chunk.length)).toBe(chunk);
  clock.advance(0);
});

test("assertions: a parser stops inside the chunk, after the offset where it began", () => {
  const { parser, send } = newReadLoop();
  parser.parse = () => 6;
  expect(brokenAssertion(() => send("hello"))).toBe(
    "Assertion broken: a parser stops inside the chunk, after the offset where it began: 6, 0",
  );
});

test("an error while reading continues ends the transport, and what is left of the input holds up nothing", () => {
  const { clock, turn, parser, owner, reading, transport, send } = newReadLoop(2);
  const defects: string[] = [];
  turn.onDefect = error => defects.push(error.message);
  let terminated = 0;
  transport.onTerminate = () => terminated++;
  send("abcdef");
  owner.commandUnfinished = true;
  owner.finishCommand = () => {
    throw new Error("broken");
  };
  expect([parser.parsed, reading.holdsInput]).toEqual(["ab", true]);
  clock.advance(0);
  expect([defects, terminated, reading.holdsInput, parser.parsed]).toEqual([["broken"], 1, false, "ab"]);
});
