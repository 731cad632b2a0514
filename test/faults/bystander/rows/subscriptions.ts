/** Many subscriptions, and what the server does for each of them. */
import { type AttackClient, linesOf } from "../attack-client.ts";
import type { Attack, Row } from "../row.ts";

const TRACE_ONLY_HEADER = "NATS/1.0\r\nNats-Trace-Dest: trace\r\nNats-Trace-Only: true\r\n\r\n";

/** Bytes of `line(0)`, `line(1)`, … up to about this size. */
function bytesOf(attack: Attack, size: number, line: (index: number) => string): Buffer {
  return linesOf(Math.ceil(attack.count(size) / line(1_000).length), line);
}

/** A row with one client, that prepares by `prepare` and then writes `bytes` at once. */
function rowOfOne(
  row: Pick<Row, "id" | "before" | "load">,
  fields: object,
  prepare: (client: AttackClient, attack: Attack) => Promise<void>,
  bytes: (attack: Attack) => Buffer,
): Row {
  return {
    ...row,
    async prepare(attack) {
      const client = await attack.connect(fields);
      await prepare(client, attack);
      await client.confirmed();
      const prebuilt = bytes(attack);
      return async () => {
        await client.write(prebuilt);
        await client.confirmed();
      };
    },
  };
}

const nothing = async () => {};

/** Patterns of 13 tokens, each `*` or `a`: every one matches thirteen times `a`. */
function patternOf(index: number): string {
  return Array.from({ length: 13 }, (_, token) => (index & (1 << token) ? "*" : "a")).join(".");
}

/** Thirteen times `a`, but one token is another one each time, so that half of the patterns match and no cache helps. */
function subjectOf(index: number): string {
  return Array.from({ length: 13 }, (_, token) => (token === index % 13 ? `x${index}` : "a")).join(".");
}

export const SUBSCRIPTION_ROWS: Row[] = [
  rowOfOne(
    { id: "trace-only", before: "5,000 SUB t.a", load: "216 KB of trace-only HPUB" },
    { headers: true },
    (client, attack) => client.writeLines(attack.count(5_000), index => `SUB t.a ${index}\r\n`),
    attack =>
      bytesOf(attack, 216_000, () => `HPUB t.a ${TRACE_ONLY_HEADER.length} ${TRACE_ONLY_HEADER.length}\r\n${TRACE_ONLY_HEADER}\r\n`),
  ),
  rowOfOne(
    { id: "no-echo", before: "50,000 SUB f with echo off", load: "1 MB of PUB f 0" },
    { echo: false },
    (client, attack) => client.writeLines(attack.count(50_000), index => `SUB f ${index}\r\n`),
    attack => bytesOf(attack, 1_000_000, () => "PUB f 0\r\n\r\n"),
  ),
  rowOfOne(
    { id: "patterns", before: "8,192 SUBs over {*,a} in 13 tokens", load: "800 KB of PUBs that match many" },
    { echo: false },
    (client, attack) => client.writeLines(attack.count(8_192), index => `SUB ${patternOf(index)} ${index}\r\n`),
    attack => bytesOf(attack, 800_000, index => `PUB ${subjectOf(index)} 0\r\n\r\n`),
  ),
  rowOfOne(
    { id: "queue-copies", before: "50,000 SUB h q", load: "457 KB of UNSUB and PUB in turn" },
    {},
    (client, attack) => client.writeLines(attack.count(50_000), index => `SUB h q ${index}\r\n`),
    attack => bytesOf(attack, 457_000, index => `UNSUB ${index}\r\nPUB h 0\r\n\r\n`),
  ),
  rowOfOne({ id: "groups", before: "", load: "30,000 SUB g q<i>" }, {}, nothing, attack =>
    linesOf(attack.count(30_000), index => `SUB g q${index} ${index}\r\n`),
  ),
  rowOfOne(
    { id: "cached-results", before: "result cache full", load: "30,000 SUB *.<i>.> and UNSUB" },
    {},
    async (client, attack) => {
      await client.write("SUB c.> 1\r\n");
      await client.writeLines(attack.count(1_000), index => `PUB c.${index}.d 0\r\n\r\n`);
    },
    attack => linesOf(attack.count(30_000), index => `SUB *.${index}.> ${index + 2}\r\nUNSUB ${index + 2}\r\n`),
  ),
  rowOfOne({ id: "subs", before: "", load: "100,000 SUBs in one write" }, {}, nothing, attack =>
    linesOf(attack.count(100_000), index => `SUB s.${index % 1_000}.${index} ${index}\r\n`),
  ),
  rowOfOne({ id: "connect-lines", before: "", load: "30,000 CONNECTs in one write" }, {}, nothing, attack =>
    linesOf(attack.count(30_000), () => 'CONNECT {"verbose":false,"pedantic":false}\r\n'),
  ),
  rowOfOne(
    { id: "leaving", before: "100,000 SUBs", load: "UNSUB of each in one write" },
    {},
    (client, attack) => client.writeLines(attack.count(100_000), index => `SUB s.${index % 1_000}.${index} ${index}\r\n`),
    attack => linesOf(attack.count(100_000), index => `UNSUB ${index}\r\n`),
  ),
];
