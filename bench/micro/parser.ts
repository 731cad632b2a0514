/**
 * The parser alone: parses the commands of one read into a sink that counts. Then two ways to find the end of a line.
 *
 *   bun run bench/micro/parser.ts              BENCH_SHORT=1: a run of seconds
 */
import { do_not_optimize } from "mitata";
import { MessageBatch } from "../../src/messaging/batch/message-batch.ts";
import type { CommandSink } from "../../src/wire/protocol/command-sink.ts";
import { ConnectionKind } from "../../src/wire/protocol/connection-kind.ts";
import { Parser } from "../../src/wire/protocol/parser.ts";
import { Refusal } from "../../src/wire/protocol/refusal.ts";
import { VERB_TABLES } from "../../src/wire/protocol/verb-table.ts";
import { Measurement } from "./measurement/measurement.ts";

/** Most bytes that Bun delivers in one read. */
const READ_BYTES = 512 * 1024;

/** Accepts everything. All subjects have the same receivers, or each its own. */
class CountingSink implements CommandSink {
  messages = 0;
  bytes = 0;
  private open = false;
  constructor(
    private readonly batch: MessageBatch,
    private readonly joins: boolean,
  ) {}
  nextSubject(): boolean {
    return this.open && this.joins;
  }
  openBatch(source: Buffer): void {
    this.batch.source = source;
    this.batch.subjectSource = source;
    this.batch.bytesMax = 512 * 1024;
    this.open = true;
  }
  flushMessages(): void {
    this.messages += this.batch.count;
    this.bytes += this.batch.bytes;
    this.batch.clear();
    this.open = false;
  }
  checkMessage(): Refusal {
    return Refusal.None;
  }
  onMessage(): Refusal {
    this.flushMessages();
    return Refusal.None;
  }
  onLine(): Refusal {
    this.messages++;
    return Refusal.None;
  }
  onPing(): void {
    this.messages++;
  }
  onPong(): void {}
  onUnauthenticated(): Refusal {
    return Refusal.None;
  }
}

const measurement = new Measurement();

interface Load {
  readonly joins?: boolean;
  readonly fast?: boolean;
  /** Bytes per read. */
  readonly cut?: number;
}

function addLoad(name: string, commands: readonly string[], { joins = true, fast = true, cut = READ_BYTES }: Load = {}): void {
  const count = Math.max(1, Math.floor(READ_BYTES / commands.join("").length)) * commands.length;
  const wire = Buffer.from(Array.from({ length: count }, (_, index) => commands[index % commands.length]).join(""));
  const chunks: Buffer[] = [];
  for (let at = 0; at < wire.length; at += cut) chunks.push(Buffer.from(wire.subarray(at, at + cut)));
  const batch = new MessageBatch();
  const sink = new CountingSink(batch, joins);
  const parser = new Parser(sink, batch, VERB_TABLES[ConnectionKind.Client], 4096, 1024 * 1024);
  parser.fast = fast;
  parser.headers = true;
  const parse = () => {
    for (const chunk of chunks) {
      const reached = parser.parse(chunk, 0);
      if (reached !== chunk.length) throw new Error(`refused ${reached}: ${parser.detail}`);
    }
    return sink.messages;
  };
  if (parse() !== count) throw new Error(`${name}: ${sink.messages} of ${count} messages`);
  measurement.add(name, count, parse);
}

const pub = (subject: string, size: number, reply = "") => `PUB ${subject} ${reply}${size}\r\n${"x".repeat(size)}\r\n`;
const HEADER = "NATS/1.0\r\nNats-Msg-Id: 12345\r\n\r\n";
const hpub = (subject: string, size: number) =>
  `HPUB ${subject} ${HEADER.length} ${HEADER.length + size}\r\n${HEADER}${"x".repeat(size)}\r\n`;
const numbered = Array.from({ length: 1_000 }, (_, index) => pub(`bench.${index}`, 16));

addLoad("PUB 16 B, one subject", [pub("bench", 16)]);
addLoad("PUB 128 B, one subject", [pub("bench", 128)]);
addLoad("PUB 1 KiB, one subject", [pub("bench", 1024)]);
addLoad("PUB 16 B, two subjects in turn, same receivers", [pub("bench.a", 16), pub("bench.b", 16)]);
addLoad("PUB 16 B, two subjects in turn, other receivers", [pub("bench.a", 16), pub("bench.b", 16)], { joins: false });
addLoad("PUB 16 B, 1,000 subjects, same receivers", numbered);
addLoad("PUB 16 B with reply", [pub("bench", 16, "_INBOX.abcdefghijkl.1 ")]);
addLoad("HPUB 16 B, one subject", [hpub("bench", 16)]);
addLoad("PUB 16 B, reads of 64 KiB", [pub("bench", 16)], { cut: 64 * 1024 });
addLoad("PUB 16 B, reads of 4 KiB", [pub("bench", 16)], { cut: 4 * 1024 });
addLoad("PUB 16 B, reads of 256 B", [pub("bench", 16)], { cut: 256 });
addLoad("PUB 16 B, reads of 50 B: every message is cut", [pub("bench", 16)], { cut: 50 });
addLoad("PUB 16 B, through the states", [pub("bench", 16)], { fast: false });
addLoad("HPUB 16 B, through the states", [hpub("bench", 16)], { fast: false });
addLoad("SUB", ["SUB bench.* 1\r\n"]);
addLoad("PING", ["PING\r\n"]);

for (const size of [8, 16, 32, 64, 128, 512]) {
  const lines = Buffer.from(`${"x".repeat(size - 1)}\n`.repeat(1_000));
  measurement.add(`end of a line of ${size} B: native indexOf`, 1_000, () => {
    let count = 0;
    for (let at = 0; at < lines.length; count++) at = lines.indexOf(0x0a, at) + 1;
    return do_not_optimize(count);
  });
  measurement.add(`end of a line of ${size} B: loop`, 1_000, () => {
    let count = 0;
    for (let at = 0; at < lines.length; count++) {
      while (lines[at] !== 0x0a) at++;
      at++;
    }
    return do_not_optimize(count);
  });
}

await measurement.run();
