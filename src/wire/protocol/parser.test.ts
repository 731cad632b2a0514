import { describe, expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { type RecordingOptions, RecordingSink } from "../../../test/doubles/recording-sink.ts";
import { MESSAGES_MAX, MessageBatch } from "../../messaging/batch/message-batch.ts";
import { splitArguments } from "./arguments.ts";
import { ConnectionKind } from "./connection-kind.ts";
import type { MessageLine } from "./message-line.ts";
import { Parser } from "./parser.ts";
import { Refusal } from "./refusal.ts";
import { compileVerbs, message, VERB_TABLES, Verb } from "./verb-table.ts";

interface Setting extends RecordingOptions {
  readonly fast?: boolean;
  readonly headers?: boolean;
  readonly lineBytesMax?: number;
  readonly awaitingAuth?: boolean;
}

function newParser(setting: Setting = {}) {
  const batch = new MessageBatch();
  const sink = new RecordingSink(batch, setting);
  const lineBytesMax = setting.lineBytesMax ?? 4096;
  const parser = new Parser(sink, batch, VERB_TABLES[ConnectionKind.Client], lineBytesMax, setting.payloadBytesMax ?? 1024 * 1024);
  parser.fast = setting.fast ?? true;
  parser.headers = setting.headers ?? true;
  parser.awaitingAuth = setting.awaitingAuth ?? false;
  sink.parser = parser;
  return { batch, sink, parser, parse: (text: string, at = 0) => parser.parse(Buffer.from(text, "latin1"), at) };
}

/** The commands of a conversation that arrives in one read, and the refusal at its end. */
function commandsOf(text: string, setting: Setting = {}): string[] {
  const { sink, parse } = newParser(setting);
  const reached = parse(text);
  return reached === text.length ? sink.commands : [...sink.commands, `refused ${Refusal[-reached]}`];
}

for (const fast of [true, false]) {
  describe(fast ? "in the publish loop" : "in the parser's states", () => {
    test("a PUB whose payload holds CRLF and commands is one message", () => {
      expect(commandsOf("PUB foo 18\r\nPUB bar 1\r\nx\r\nPING\r\nPUB a 0\r\n\r\n", { fast })).toEqual([
        "MSG foo [] h-1 o PUB bar 1\r\nx\r\nPING",
        "MSG a [] h-1 o ",
      ]);
    });

    test("the number of arguments decides which are reply, header size and total size", () => {
      const header = "NATS/1.0\r\n\r\n";
      expect(
        commandsOf(`PUB foo 1 2\r\nab\r\nHPUB foo 12 14\r\n${header}hi\r\nHPUB foo 7 12 12\r\n${header}\r\nHPUB foo 0 2\r\nhi\r\n`, {
          fast,
        }),
      ).toEqual(["MSG foo [1] h-1 o ab", `MSG foo [] h12 o ${header}hi`, `MSG foo [7] h12 o ${header}`, "MSG foo [] h0 o hi"]);
    });

    test("any number of blanks and tabs separates arguments, and a bare LF ends a line but not a payload", () => {
      expect(commandsOf("PUB \t foo\t\tr 1 \r\nx\r\npub foo 1\ny\r\nPUB foo 1\r\nz\n", { fast })).toEqual([
        "MSG foo [r] h-1 o x",
        "MSG foo [] h-1 o y",
        "refused UnknownOperation",
      ]);
    });

    test("receivers see sizes with leading zeros as the publisher wrote them", () => {
      const header = "NATS/1.0\r\n\r\n";
      expect(
        commandsOf(`PUB foo 002\r\nab\r\nHPUB foo 012 14\r\n${header}ab\r\nHPUB foo 12 0014\r\n${header}ab\r\nPUB foo 00\r\n\r\n`, {
          fast,
        }),
      ).toEqual([
        "MSG foo [] h-1 o002 ab",
        `MSG foo [] h12 o012 14 ${header}ab`,
        `MSG foo [] h12 o12 0014 ${header}ab`,
        "MSG foo [] h-1 o00 ",
      ]);
    });

    test("receivers do not see the size of an empty header", () => {
      expect(commandsOf("HPUB foo 00 2\r\nab\r\nHPUB foo 00 02\r\nab\r\nHPUB foo 0 02\r\nab\r\n", { fast })).toEqual([
        "MSG foo [] h0 o ab",
        "MSG foo [] h0 o02 ab",
        "MSG foo [] h0 o02 ab",
      ]);
    });

    test("arguments may be as long as the control line limit and no longer", () => {
      const subject = "s".repeat(60);
      const setting = { fast, lineBytesMax: 62 };
      expect(commandsOf(`PUB ${subject} 1\r\nx\r\n`, setting)).toEqual([`MSG ${subject} [] h-1 o x`]);
      expect(commandsOf(`PUB ${subject}s 1\r\nx\r\n`, setting)).toEqual(["refused MaxControlLineExceeded"]);
      expect(commandsOf(`SUB ${subject} 1\r\n`, setting)).toEqual([`LINE Sub ${subject} 1`]);
      expect(commandsOf(`SUB ${subject} 12\n`, setting)).toEqual(["refused MaxControlLineExceeded"]);
      // An unfinished line is refused as soon as it must be longer than 62 bytes.
      expect(commandsOf(`SUB ${subject} 1\r`, setting)).toEqual([]);
      expect(commandsOf(`SUB ${subject} 12`, setting)).toEqual(["refused MaxControlLineExceeded"]);
    });

    test("a payload may be as long as its limit and no longer, header included", () => {
      const setting = { fast, payloadBytesMax: 14 };
      expect(commandsOf(`PUB foo 14\r\n${"x".repeat(14)}\r\n`, setting)).toEqual([`MSG foo [] h-1 o ${"x".repeat(14)}`]);
      expect(commandsOf(`PUB foo 15\r\n${"x".repeat(15)}\r\n`, setting)).toEqual(["refused MaxPayloadExceeded"]);
      expect(commandsOf("HPUB foo 12 15\r\nNATS/1.0\r\n\r\nabc\r\n", setting)).toEqual(["refused MaxPayloadExceeded"]);
    });

    test("malformed arguments of PUB and HPUB are refused with their error", () => {
      const detailOf = (text: string, headers = true) => {
        const { parser, parse } = newParser({ fast, headers });
        expect(parse(text), text).toBe(-Refusal.MalformedArguments);
        return parser.detail;
      };
      expect(detailOf("PUB foo\r\n")).toBe('processPub Parse Error: "foo"');
      expect(detailOf("PUB \r\n")).toBe('processPub Parse Error: ""');
      expect(detailOf("PUB foo r 1 2\r\n")).toBe('processPub Parse Error: "foo r 1 2"');
      expect(detailOf("PUB foo -1\r\n")).toBe('processPub Bad or Missing Size: "foo -1"');
      expect(detailOf("PUB foo 1000000000\r\n")).toBe('processPub Bad or Missing Size: "foo 1000000000"');
      expect(detailOf("HPUB foo 1\r\n")).toBe('processHeaderPub Parse Error: "foo 1"');
      expect(detailOf("HPUB foo x 1\r\n")).toBe('processHeaderPub Bad or Missing Header Size: "foo x 1"');
      expect(detailOf("HPUB foo 1 x\r\n")).toBe('processHeaderPub Bad or Missing Total Size: "foo 1 x"');
      expect(detailOf("HPUB foo 3 2\r\n")).toBe('processHeaderPub Header Size larger then TotalSize: "foo 3 2"');
      expect(detailOf("HPUB foo 1 1\r\n", false)).toBe("message headers not supported");
    });

    test("a command between messages of a run is handled in its order", () => {
      expect(commandsOf("PUB a 1\r\n1\r\nPUB a 1\r\n2\r\nSUB b 1\r\nPUB a 1\r\n3\r\nPING\r\n", { fast })).toEqual([
        "MSG a [] h-1 o 1",
        "MSG a [] h-1 o 2",
        "LINE Sub b 1",
        "MSG a [] h-1 o 3",
        "PING",
      ]);
    });

    test("a parser that is suspended after a command continues after that command", () => {
      const wire = "PUB a 1\r\n1\r\nPUB b 1\r\n2\r\nPING\r\nSUB c 1\r\n";
      const { sink, parser, parse } = newParser({ fast, suspends: () => true });
      const stops: number[] = [];
      for (let at = 0; at < wire.length; stops.push(at)) {
        parser.suspended = false;
        at = parse(wire, at);
      }
      expect(stops).toEqual([12, 24, 30, 39]);
      expect(sink.commands).toEqual(["MSG a [] h-1 o 1", "MSG b [] h-1 o 2", "PING", "LINE Sub c 1"]);
      expect([parser.suspended, parse("PING\r\n")]).toEqual([true, 0]);
    });
  });
}

test("a batch has at most 1,024 messages of one subject", () => {
  const { sink, parse } = newParser();
  parse("PUB a 1\r\nx\r\n".repeat(2 * MESSAGES_MAX + 5));
  expect(sink.batches).toEqual([MESSAGES_MAX, MESSAGES_MAX, 5]);
});

test("a batch is full at 64 KiB of small payloads, and at its own limit of larger payloads", () => {
  const batchesOf = (size: number, count: number) => {
    const { sink, parse } = newParser({ batchBytesMax: 256 * 1024 });
    parse(`PUB a ${size}\r\n${"x".repeat(size)}\r\n`.repeat(count));
    return sink.batches;
  };
  expect(batchesOf(512, 300)).toEqual([128, 128, 44]);
  expect(batchesOf(1024, 600)).toEqual([256, 256, 88]);
});

test("subjects with the same receivers share a batch, others do not", () => {
  const { sink, parse } = newParser({ receiversOf: subject => subject[0] });
  parse("PUB a1 1\r\n1\r\nPUB a2 1\r\n2\r\nPUB a1 1\r\n3\r\nPUB b 1\r\n4\r\nPUB a1 1\r\n5\r\n");
  expect(sink.batches).toEqual([3, 1, 1]);
});

test("the loop does not take commands that are incomplete, malformed or over a limit", () => {
  const { sink, parse } = newParser();
  parse("PUB  a 1\r\nx\r\nPUB a 01\r\nx\r\nPUB a _R_.b 1\r\nx\r\nPUB a $JS.ACK.b 1\r\nx\r\nPUB a _GR_.b 1\r\nx\r\nPUB a 1\r\nx");
  parse("\r\n");
  expect([sink.batches, sink.single]).toEqual([[], 6]);
});

test("no bytes are kept after a long line or a message is complete", () => {
  const { parser, parse } = newParser();
  parse(`SUB ${"x".repeat(3_000)}`);
  expect(parser.heldBytes).toBe(3_000);
  parse(" 1\r\n");
  expect(parser.heldBytes).toBe(0);
  parse("PUB foo reply 20000\r\nabc");
  expect(parser.heldBytes).toBe(15 + 3); // the arguments, and the payload so far
  parse(`${"x".repeat(19_997)}\r\n`);
  expect(parser.heldBytes).toBe(0);
});

test("before authentication only CONNECT is accepted", () => {
  const setting = { fast: false, awaitingAuth: true };
  expect(commandsOf('connect {"user":"a"}\r\n', setting)).toEqual(['LINE Connect {"user":"a"}']);
  expect(commandsOf("PING\r\n", setting)).toEqual(["UNAUTHENTICATED", "refused AuthorizationViolation"]);
  expect(commandsOf("CPING\r\n", setting)).toEqual(["refused UnknownOperation"]);
  expect(commandsOf("PING\r\n", { ...setting, unauthenticated: Refusal.None })).toEqual(["UNAUTHENTICATED", "PING"]);
});

test("an unknown operation is refused at its first wrong byte, and the error shows the bytes there", () => {
  const { sink, parser, parse } = newParser({ fast: false });
  expect(parse("PI")).toBe(2);
  expect(parse(`X${"y".repeat(40)}\r\n`)).toBe(-Refusal.UnknownOperation);
  expect(parser.detail).toContain(`proto='"X${"y".repeat(31)}"...'`);
  expect(sink.commands).toEqual([]);
});

test("the log shows a line that is too long, but not a CONNECT, in one piece or in several", () => {
  const secret = 'CONNECT {"pass":"secret"}'.padEnd(80, "x");
  const cuts = [[`${secret}\r\n`], [secret.slice(0, 30), `${secret.slice(30)}\r\n`], [secret.slice(0, 9), secret.slice(9)]];
  for (const chunks of cuts) {
    const { parser, parse } = newParser({ lineBytesMax: 64 });
    for (const chunk of chunks) parse(chunk);
    expect(parser.detail).toBe("maximum control line exceeded (snip: [REDACTED]...)");
  }
  const { parser, parse } = newParser({ lineBytesMax: 8 });
  parse("SUB a.long.subject 1\r\n");
  expect(parser.detail).toBe('maximum control line exceeded (snip: "a.long.subject "...)');
});

/** `RMSG <account> <subject> [reply] <size>`, or `<account> <subject> + <reply> <queue>… <size>`, or `… | <queue>… <size>`. */
function readRouted(line: MessageLine, source: Buffer): string | null {
  const bounds = new Int32Array(2 * 64);
  const count = splitArguments(source, line.start, line.end, bounds);
  if (count < 3) return "too few arguments";
  line.subjectStart = bounds[2];
  line.subjectEnd = bounds[3];
  const indicator = source.toString("latin1", bounds[4], bounds[5]);
  const reply = indicator === "+" ? 6 : indicator !== "|" && count === 4 ? 4 : -1;
  if (reply !== -1) {
    line.replyStart = bounds[reply];
    line.replyEnd = bounds[reply + 1];
  }
  line.size = Number(source.toString("latin1", bounds[2 * count - 2], bounds[2 * count - 1]));
  return null;
}

test("a message verb of another kind needs a row and a reader; the sink gets its arguments however the network splits them", () => {
  class RoutedSink extends RecordingSink {
    override onMessage(source: Buffer, line: MessageLine): Refusal {
      this.commands.push(source.toString("latin1", line.start, line.end));
      return super.onMessage(source);
    }
  }
  const wire = "RMSG A foo 2\r\nhi\r\nRMSG A foo bar 0\r\n\r\nRMSG A foo + bar q1 q2 q3 2\r\nho\r\nrmsg A foo | q1 2\r\nhu\r\n";
  for (let cut = 1; cut <= wire.length; cut++) {
    const batch = new MessageBatch();
    const sink = new RoutedSink(batch);
    const parser = new Parser(sink, batch, compileVerbs([message("RMSG", Verb.Pub, readRouted)]), 4096, 1024);
    sink.parser = parser;
    for (let at = 0; at < wire.length; at += cut) {
      const chunk = Buffer.from(wire.slice(at, at + cut));
      expect(parser.parse(chunk, 0)).toBe(chunk.length);
      chunk.fill(0xaa);
    }
    expect(sink.commands, `cut every ${cut} bytes`).toEqual([
      "A foo 2",
      "MSG foo [] h-1 o hi",
      "A foo bar 0",
      "MSG foo [bar] h-1 o ",
      "A foo + bar q1 q2 q3 2",
      "MSG foo [bar] h-1 o ho",
      "A foo | q1 2",
      "MSG foo [] h-1 o hu",
    ]);
  }
});

test("assertions: the batch is empty when parsing begins, and the state is known", () => {
  const { batch, parse } = newParser();
  batch.count = 1;
  expect(brokenAssertion(() => parse("PING\r\n"))).toBe("Assertion broken: the batch is empty when parsing begins: 1");
  const { parser, parse: parseOther } = newParser();
  (parser as unknown as { state: number }).state = 99;
  expect(brokenAssertion(() => parseOther("PING\r\n"))).toBe("Assertion broken: the parser's state is known: 99");
});

test("assertions: a batch has room for the message that is added", () => {
  const batch = new MessageBatch(1);
  batch.add(0, 1, 0, 0, -1, 2, 3);
  expect(brokenAssertion(() => batch.add(0, 1, 0, 0, -1, 2, 3))).toBe(
    "Assertion broken: a batch has room for the message that is added: 1",
  );
});
