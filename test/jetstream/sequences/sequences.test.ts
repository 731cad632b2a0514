/** Generated sequences of requests, publishes and reads, with restarts between them: all answers are those of nats-server. */
import { expect } from "bun:test";
import { Random } from "../../../src/base/random/random.ts";
import { seedFromEnv } from "../../doubles/seed.ts";
import { live } from "../../reference/recording.ts";
import { compareSequences } from "./compare-sequences.ts";
import { randomSequence } from "./random-sequence.ts";

/** Number of sequences; `make faults` plays more. */
const SEQUENCES = Number(process.env.SEQUENCES ?? 24);

/** Sequences that once differed. */
const KNOWN = [376698561, 470036291];

live.test(
  "generated sequences: the stream API, publishing and reading answer as nats-server, also after restarts",
  async () => {
    const random = new Random(seedFromEnv());
    // The first sequence has the seed itself, so that one that differs can be played alone: SEED=… SEQUENCES=1.
    const seeds = [seedFromEnv(), ...Array.from({ length: SEQUENCES - 1 }, () => random.nextUint32())];
    const differences = await compareSequences(
      ["ours", "nats-server"],
      [...(SEQUENCES === 1 ? [] : KNOWN), ...seeds].map(seed => randomSequence(seed)),
    );
    expect(differences.map(({ text }) => text).join("\n\n==========\n\n")).toBe("");
  },
  1_800_000,
);
