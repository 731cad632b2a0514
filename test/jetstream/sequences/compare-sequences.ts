/** Plays the same sequences on two servers, several beside each other, and compares what they answer. */
import { type PlayedPart, playPart } from "./play-sequence.ts";
import type { Sequence } from "./step.ts";
import { type ServerKind, TestedServer } from "./tested-server.ts";

/** Sequences that are played beside each other, each in its own account. */
const BESIDE = 12;
/** Steps before a difference that are shown. */
const SHOWN_STEPS = 400;

export interface Difference {
  readonly sequence: Sequence;
  readonly text: string;
}

/** @returns the differences, at most one for each sequence; empty: there are none */
export async function compareSequences(kinds: readonly [ServerKind, ServerKind], sequences: readonly Sequence[]): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const how of ["stop", "kill"] as const) {
    const same = sequences.filter(({ restart }) => restart === how);
    for (let at = 0; at < same.length; at += BESIDE) differences.push(...(await compareBeside(kinds, same.slice(at, at + BESIDE))));
  }
  return differences;
}

async function compareBeside(kinds: readonly [ServerKind, ServerKind], sequences: readonly Sequence[]): Promise<Difference[]> {
  const [ours, theirs] = await Promise.all(kinds.map(kind => played(kind, sequences)));
  return sequences.flatMap((sequence, index) => {
    const text = differenceOf(ours![index]!, theirs![index]!);
    return text === null ? [] : [{ sequence, text: `SEED=${sequence.seed} account ${sequence.limits}\n${text}` }];
  });
}

/** @returns for each sequence what was answered, by part */
async function played(kind: ServerKind, sequences: readonly Sequence[]): Promise<(PlayedPart | Error)[][]> {
  await using server = await TestedServer.start(
    kind,
    sequences.map(({ limits }) => limits),
  );
  const results: (PlayedPart | Error)[][] = sequences.map(() => []);
  const parts = Math.max(...sequences.map(sequence => sequence.parts.length));
  for (let part = 0; part < parts; part++) {
    if (part > 0) await server.restart(sequences[0]!.restart);
    await Promise.all(
      sequences.map(async (sequence, index) => {
        const steps = sequence.parts[part];
        if (steps === undefined || results[index]!.at(-1) instanceof Error) return;
        try {
          results[index]!.push(await playPart(await server.client(index), steps));
        } catch (error) {
          results[index]!.push(new Error(`${(error as Error).stack}\n${server.log.split("\n").slice(-20).join("\n")}`));
        }
      }),
    );
  }
  return results;
}

/** @returns null: none */
function differenceOf(ours: readonly (PlayedPart | Error)[], theirs: readonly (PlayedPart | Error)[]): string | null {
  const before: string[] = [];
  for (const [part, our] of ours.entries()) {
    const their = theirs[part]!;
    if (part > 0) before.push("restart");
    if (our instanceof Error) return `${before.join("\n")}\n${our.message}`;
    if (their instanceof Error) return `${before.join("\n")}\nnats-server: ${their.message}`;
    for (const [index, title] of our.titles.entries()) {
      const got = our.answers[index]!;
      const wanted = their.answers[index] ?? [];
      if (!Bun.deepEquals(got, wanted)) {
        const lines = [...before.slice(-SHOWN_STEPS), `\n${title}`];
        const count = Math.max(got.length, wanted.length);
        for (let line = 0; line < count; line++) {
          if (got[line] !== wanted[line]) lines.push(`  ours         ${got[line]}`, `  nats-server  ${wanted[line]}`);
        }
        return lines.join("\n");
      }
      before.push(`${title}\n    ${got.join("\n    ")}`);
    }
    if (our.faults.length > 0)
      return `${before.join("\n")}\ncontradictions: ${our.faults.join("; ")} (nats-server: ${their.faults.join("; ")})`;
  }
  return null;
}
