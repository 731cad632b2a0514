/** Random messages: subjects of streams, headers that mean something to a stream, in all forms. */
import type { Random } from "../../../src/base/random/random.ts";
import { STREAMS } from "./random-config.ts";
import { headerBlock } from "./raw-client.ts";
import type { Publication } from "./step.ts";

const TOKENS = ["x", "y", "z", "w"];

/** Headers with how often a message has them. */
const HEADERS: readonly (readonly [chance: number, lines: (random: Random) => readonly string[]])[] = [
  [0.25, random => [`Nats-Msg-Id: ${random.pick(["1", "2", "3", "4", "5", "Ã©"])}`]],
  [0.04, random => [`Nats-Expected-Stream: ${random.pick(["S1", "S2", "none"])}`]],
  [0.06, random => [`Nats-Expected-Last-Sequence: ${random.pick(["0", "1", "2", "3", "4", "5", "6", "x", "-1", "007"])}`]],
  [0.1, random => [`Nats-Expected-Last-Subject-Sequence: ${random.pick(["0", "0", "1", "2", "3", "4", "5", "x"])}`]],
  [
    0.06,
    random => [
      `Nats-Expected-Last-Subject-Sequence: ${random.pick(["0", "1", "2", "3", "4", "5"])}`,
      `Nats-Expected-Last-Subject-Sequence-Subject: ${randomFilter(random)}`,
    ],
  ],
  [0.02, random => [`Nats-Expected-Last-Subject-Sequence-Subject: ${randomFilter(random)}`]],
  [0.05, random => [`Nats-Expected-Last-Msg-Id: ${random.pick(["1", "2", "3", "Ã©"])}`]],
  [0.12, random => [`Nats-Rollup: ${random.pick(["sub", "sub", "all", "SUB", "All", "x", '"\\é', "", "sub "])}`]],
  [0.12, random => [`Nats-TTL: ${random.pick(["3600", "1h", "never", "NEVER", "0", "00", "100ms", "x", "-1", "", "1h1m", "+5"])}`]],
  [0.02, random => [`Nats-Incr: ${random.pick(["1", "-1", "+5", "x", "", "1.5", "99999999999999999999"])}`]],
  [0.02, random => [`Nats-Schedule: ${random.pick(["@every 1h", "@at 2099-01-01T00:00:00Z", "x", ""])}`]],
  [0.01, random => [`Nats-Schedule-Time-Zone: ${random.pick(["UTC", "Europe/Berlin", "Nowhere", ""])}`]],
  [0.01, random => [`Nats-Schedule-Next: ${random.pick(["purge", "x", ""])}`, `Nats-Scheduler: ${random.pick(["a.x", "", "a b"])}`]],
  [0.01, () => ["Nats-Scheduler: a.x"]],
  [0.01, random => [`Nats-Stream-Source: ${random.pick(["S1 1", ""])}`]],
  [0.02, random => [`Nats-Batch-Id: ${random.pick(["b", ""])}`, `Nats-Batch-Sequence: ${random.pick(["1", "2"])}`]],
  [0.02, () => ["Nats-Batch-Id: b", "Nats-Batch-Sequence: 1", "Nats-Batch-Commit: 1"]],
  [0.03, random => [`Nats-Marker-Reason: ${random.pick(["MaxAge", "Purge", ""])}`]],
  [0.04, random => [`KV-Operation: ${random.pick(["DEL", "PURGE"])}`]],
  [0.02, random => [`Nats-Required-Api-Level: ${random.pick(["1", "9"])}`]],
  [0.02, () => ['Nats-Request-Info: {"acc":"OTHER","rtt":1}']],
  [0.15, random => [`Kind: ${random.pick(["a", "b  ", "é", ""])}`]],
];

/** Blocks that no client library writes. */
const ODD_BLOCKS: readonly string[] = [
  "NATS/1.0\r\n\r\n",
  "NATS/1.0 503 text\r\n\r\n",
  "NATS/1.0 503 text\r\nKind: a\r\n\r\n",
  "NATS/1.0\r\nno colon\r\nNats-Msg-Id: 1\r\n\r\n",
  "NATS/1.0\r\nNats-Msg-Id:1\r\nNats-Msg-Id: 2\r\n\r\n",
  "NATS/1.0\r\nnats-msg-id: 1\r\n\r\n",
  "NATS/1.0\r\nNats-Msg-Id : 1\r\n\r\n",
  "NATS/1.0\r\nX: Nats-Msg-Id: 1\r\n\r\n",
  "NATS/1.0\r\nNats-Msg-Id:    1   \r\n\r\n",
  "NATS/1.0\r\nNats-Msg-Id: 1",
  "NATS/1.0\r\n",
  "NATS/1.0",
  "NATS/1.0 text",
  "text",
  "NATS/1.0\r\n\r\nNats-Msg-Id: 1\r\n\r\n",
  "NATS/1.0\r\nA: b\nNats-Msg-Id: 1\r\n\r\n",
  "NATS/1.0\r\nNats-Rollup: sub\nNats-Msg-Id: 1\r\n\r\n",
  "NATS/1.0\r\n: empty\r\n\r\n",
  `NATS/1.0\r\nLong: ${"x".repeat(65_600)}\r\n\r\n`,
  `NATS/1.0\r\nLong: ${"x".repeat(65_535 - 20)}\r\n\r\n`,
];

/** A subject with wildcards, or without. */
export function randomFilter(random: Random): string {
  const [, letter] = random.pick(STREAMS);
  const rest = random.pick(["x", "y", "z", "*", ">", "x.>", "*.z", "x.y", "t.*", "none"]);
  return random.chance(0.1) ? random.pick([">", "*", "*.x", "*.*", "a..b", "a.>.b", "", " "]) : `${letter}.${rest}`;
}

/** A subject that a stream may have. */
export function randomSubject(random: Random): string {
  const [, letter] = random.pick(STREAMS);
  if (random.chance(0.02)) return random.pick(["none", "t.x", `${letter}.*`, `${letter}.>`]);
  const first = random.pick(TOKENS);
  return random.chance(0.3) ? `${letter}.${first}.${random.pick(TOKENS)}` : `${letter}.${first}`;
}

export function randomPublication(random: Random): Publication {
  return {
    subject: randomSubject(random),
    header: randomHeader(random),
    payload: randomPayload(random),
    replyEnd: random.chance(0.01) ? random.pick([".1.fail.1.0.$FI", ".$FI"]) : "",
  };
}

function randomHeader(random: Random): string {
  if (random.chance(0.04)) return random.pick(ODD_BLOCKS);
  if (random.chance(0.35)) return "";
  return headerBlock(HEADERS.flatMap(([chance, lines]) => (random.chance(chance) ? lines(random) : [])));
}

function randomPayload(random: Random): string {
  const size = random.chance(0.02) ? random.between(1_000, 40_000) : random.chance(0.1) ? 0 : random.between(1, 60);
  return String.fromCharCode(0x61 + random.below(26)).repeat(size);
}
