import { expect, test } from "bun:test";
import { type Limits, modelCommands } from "../../../test/doubles/model-parser.ts";
import { type RecordingOptions, RecordingSink } from "../../../test/doubles/recording-sink.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { ConnectionKind } from "./connection-kind.ts";
import { Parser } from "./parser.ts";
import { Refusal } from "./refusal.ts";
import { VERB_TABLES } from "./verb-table.ts";

interface Outcome {
  readonly commands: string[];
  readonly refusal: Refusal;
}

interface ParserSetting extends RecordingOptions {
  readonly fast: boolean;
}

/** Parses the chunks as a connection does: a suspended parser gets the same chunk again. Parsed chunks are overwritten. */
function parseAll(chunks: readonly string[], limits: Limits, setting: ParserSetting): Outcome & { sink: RecordingSink } {
  const batch = new MessageBatch();
  const sink = new RecordingSink(batch, { ...setting, payloadBytesMax: limits.payloadBytesMax });
  const parser = new Parser(sink, batch, VERB_TABLES[ConnectionKind.Client], limits.lineBytesMax, limits.payloadBytesMax);
  sink.parser = parser;
  parser.fast = setting.fast;
  parser.headers = limits.headers;
  for (const text of chunks) {
    const chunk = Buffer.from(text, "latin1");
    let at = 0;
    do {
      parser.suspended = false;
      const reached = parser.parse(chunk, at);
      if (reached < 0) return { commands: sink.commands, refusal: -reached, sink };
      if (reached < at || batch.count !== 0 || (reached < chunk.length && !parser.suspended))
        throw new Error(`parser stopped at ${reached}`);
      at = reached;
      // At most the arguments and the payload of one message with its CRLF, or one line with its CR, and the spare room of the buffers.
      const heldMax = 2 * limits.lineBytesMax + limits.payloadBytesMax + 100;
      if (parser.heldBytes > heldMax) throw new Error(`parser holds ${parser.heldBytes} bytes`);
    } while (at < chunk.length);
    chunk.fill(0xaa);
  }
  parser.suspended = false;
  return { commands: sink.commands, refusal: Refusal.None, sink };
}

function cutAnywhere(wire: string, random: Random): string[] {
  const chunks: string[] = [];
  const most = random.pick([1, 2, 5, 40, 1_000, 5_000, 5_000, 100_000]);
  for (let at = 0; at < wire.length; ) {
    const size = random.between(1, most);
    chunks.push(wire.slice(at, at + size));
    at += size;
  }
  return chunks;
}

const SUBJECTS = ["a", "a", "foo", "foo.bar", "foo.bar.baz", "$JS.API", "_INBOX.x", "ü*", `long.${"x".repeat(80)}`, "\x01odd"];
const REPLIES = ["r", "_INBOX.abc.1", "_R_.x", "$JS.API.y", "_GR_.z", "$GR.q", "5", "r\x7f", "_inbox"];
const PAYLOADS = ["", "", "x", "hello", "a\r\nb", "PUB a 1\r\nx\r\n", "\r\n\r\n", "\n", "y".repeat(100)];
/** Larger than a small payload, than a held line, and than the shortest line limit. */
const LARGE_PAYLOADS = ["y".repeat(700), "z".repeat(3_000), "w".repeat(20_000)];

function eitherCase(word: string, random: Random): string {
  return random.chance(0.7) ? word : [...word].map(letter => (random.chance(0.5) ? letter.toLowerCase() : letter)).join("");
}

function sizeText(size: number, random: Random): string {
  return random.chance(0.05) ? `${"0".repeat(random.between(1, 6))}${size}`.slice(-10) : `${size}`;
}

/** A valid message, sometimes with unusual spelling, rarely with a mistake. */
function randomMessage(random: Random): string {
  const blank = () => (random.chance(0.04) ? random.pick(["  ", "\t", " \t "]) : " ");
  const end = random.chance(0.04) ? "\n" : random.chance(0.02) ? " \r\n" : "\r\n";
  const payload = random.pick(random.chance(0.03) ? LARGE_PAYLOADS : PAYLOADS);
  const reply = random.chance(0.3) ? `${random.pick(REPLIES)}${blank()}` : "";
  const subject = random.pick(SUBJECTS);
  if (random.chance(0.3)) {
    const header = random.chance(0.1) ? "" : "NATS/1.0\r\nA: b\r\n\r\n";
    const sizes = `${sizeText(header.length, random)}${blank()}${sizeText(header.length + payload.length, random)}`;
    return `${eitherCase("HPUB", random)}${blank()}${subject}${blank()}${reply}${sizes}${end}${header}${payload}\r\n`;
  }
  return `${eitherCase("PUB", random)}${blank()}${subject}${blank()}${reply}${sizeText(payload.length, random)}${end}${payload}\r\n`;
}

function randomCommand(random: Random): string {
  const kind = random.below(100);
  if (kind < 75) return randomMessage(random);
  if (kind < 80) return `${eitherCase("SUB", random)} foo.${random.below(9)} ${random.below(99)}\r\n`;
  if (kind < 84) return `${eitherCase("UNSUB", random)}\t${random.below(99)}${random.pick(["\r\n", "\n"])}`;
  if (kind < 88) return `${eitherCase(random.pick(["PING", "PONG"]), random)}${random.pick(["", "", " x", "\r"])}\r\n`;
  if (kind < 90) return `${eitherCase("CONNECT", random)}${random.pick([" ", "", "  \t"])}{"verbose":false}\r\n`;
  if (kind < 92)
    return random.pick(["+OK\r\n", "+ok x\n", "INFO {}\r\n", "info{}\r\n", "-ERR 'x'\r\n", "-err \t x\n", "HMSG a b\r\n\r\n", "SUB \r\n"]);
  if (kind < 95) return `SUB ${"s".repeat(random.between(190, 210))} 1\r\n`;
  if (kind < 97) return `PUB a ${random.pick(["21000", "20999", "20001", "999999999", "1000000000", "-1", "1x", "", "1 2 3"])}\r\n`;
  return hostile(random);
}

function hostile(random: Random): string {
  return random.pick([
    "PUBX",
    "MSG a 1 0\r\n\r\n",
    "PUB\r\n",
    "PUB a 3\r\nabcd\r\n",
    "PUB a 3\r\nab\r\n",
    "PUB a 3\r\nabc\rX",
    "PUB a 3\r\nabc\n",
    "HPUB a 12 5\r\nhello\r\n",
    "HPUB a 3\r\n",
    "HPUB a 1x 3\r\nabc\r\n",
    "PUB a 0123456789\r\n",
    "\r\n",
    " PING\r\n",
    "R",
    "SUB",
    "HMSG a b\r\nx",
    "\x00",
  ]);
}

/** A command in which one byte is changed, removed or inserted. */
function mutate(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const byte = random.pick([" ", "\t", "\r", "\n", "0", "9", "a", "P", "\xff", "\x00"]);
  return `${text.slice(0, at)}${random.chance(0.5) ? byte : ""}${text.slice(at + random.below(2))}`;
}

function randomConversation(random: Random): string {
  const honest = random.chance(0.6);
  const commands = Array.from({ length: random.between(1, 30) }, () => {
    if (honest) return random.chance(0.8) ? randomMessage(random) : `SUB foo ${random.below(99)}\r\n`;
    const command = randomCommand(random);
    return random.chance(0.1) ? mutate(command, random) : command;
  });
  // Many messages with one subject, as publishers send them, and many messages with small differences.
  if (random.chance(0.3)) commands.push(...new Array<string>(random.between(2, 40)).fill(randomMessage(random)));
  if (random.chance(0.2)) {
    const alike = [
      "PUB foo 5\r\nhello\r\n",
      "PUB fox 5\r\nhello\r\n",
      "PUB foo 4\r\nhell\r\n",
      "PUB foo 5\r\nPUB x\r\n",
      "PUB f r 5\r\nhello\r\n",
    ];
    if (!honest) alike.push("PUB foo 5\r\nhello\rX", "pub foo 6\r\nhello\r\n\r\n", "PUB foo 5\nhello\r\n");
    const main = random.pick(alike);
    commands.push(...Array.from({ length: random.between(100, 300) }, () => (random.chance(0.95) ? main : random.pick(alike))));
  }
  const wire = commands.join("");
  return random.chance(0.2) ? wire.slice(0, random.below(wire.length)) : wire;
}

function randomLimits(random: Random): Limits {
  return {
    headers: random.chance(0.85),
    lineBytesMax: random.pick([203, 4_096]),
    payloadBytesMax: random.pick([20_020, 20_998, 1_000_000]),
  };
}

/** The receiver of a subject: subjects with the same receiver may share a batch. */
const RECEIVERS: ((subject: string) => string)[] = [subject => subject, subject => subject[0], () => "everyone"];

test("fuzz: the loop and the states read the same commands as the model, for any chunks and suspensions", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  let batched = 0;
  let single = 0;
  for (let round = 0; round < 1_500; round++) {
    const message = `SEED=${seed} round=${round}`;
    const wire = randomConversation(random);
    const limits = randomLimits(random);
    const expected = modelCommands(wire, limits);
    const text = expected.commands.join();
    const settings: ParserSetting[] = [
      { fast: false },
      { fast: true },
      { fast: random.chance(0.7), receiversOf: random.pick(RECEIVERS), suspends: () => random.chance(0.3), batchBytesMax: 512 * 1024 },
    ];
    for (const setting of settings) {
      for (const chunks of [[wire], cutAnywhere(wire, random)]) {
        const { commands, refusal, sink } = parseAll(chunks, limits, setting);
        if (refusal !== expected.refusal || commands.join() !== text) {
          expect(
            { commands, refusal: Refusal[refusal] },
            `${message} ${JSON.stringify({ ...setting, chunks: chunks.slice(0, 50) })}`,
          ).toEqual({
            commands: expected.commands,
            refusal: Refusal[expected.refusal],
          });
        }
        batched += sink.batches.reduce((sum, count) => sum + count, 0);
        single += sink.single;
      }
    }
  }
  // Enough messages went through the loop and through the states.
  expect(batched).toBeGreaterThan(10_000);
  expect(single).toBeGreaterThan(10_000);
});

test("fuzz: random bytes are read as the model reads them", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const pieces = [
    "PUB ",
    "HPUB ",
    "SUB ",
    "a",
    " ",
    "\t",
    "\r\n",
    "\n",
    "\r",
    "0",
    "1",
    "12",
    "999",
    "{",
    "CONNECT",
    "PING",
    "\xff",
    "\x00",
    "_R_.",
    "$",
  ];
  const limits = { headers: true, lineBytesMax: 64, payloadBytesMax: 1_000 };
  for (let round = 0; round < 6_000; round++) {
    const wire = Array.from({ length: random.between(1, 40) }, () =>
      random.chance(0.9) ? random.pick(pieces) : String.fromCharCode(random.below(256)),
    ).join("");
    const expected = modelCommands(wire, limits);
    for (const fast of [false, true]) {
      const { commands, refusal } = parseAll(cutAnywhere(wire, random), limits, { fast });
      expect({ commands, refusal }, `SEED=${seed} round=${round} fast=${fast} ${JSON.stringify(wire)}`).toEqual(expected);
    }
  }
});
