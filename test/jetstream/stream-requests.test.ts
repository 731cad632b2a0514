/** Requests to create and update streams: our decision about each is what nats-server answers, byte for byte. */
import { expect } from "bun:test";
import { answerOfReference, Recording } from "../reference/recording.ts";
import { withJetStream } from "./jetstream-client.ts";
import { essenceOf, partsOf, SETTINGS, Streams } from "./stream-decisions.ts";
import { GROUPS, type Group } from "./stream-requests.ts";

const it = new Recording(import.meta.path);

/** Answers of ours that differ on purpose (docs/differences.md), or because a feature comes later. */
const OUR_OWN = /not supported by this server|first sequence is too large|forms a cycle/;

async function askReference(group: Group): Promise<string[]> {
  return withJetStream(SETTINGS[group.setting ?? "usual"], async client => {
    const answers: string[] = [];
    for (const request of group.requests) {
      const [verb, name, body] = partsOf(request);
      const answer = await client.ask(`STREAM.${verb}.${name}`, body);
      if (verb !== "DELETE") answers.push(essenceOf(answer));
    }
    return answers;
  });
}

for (const group of GROUPS) {
  it.compared(group.title, async () => {
    const theirs = await answerOfReference(() => askReference(group));
    const streams = new Streams(SETTINGS[group.setting ?? "usual"]);
    const ours = it.comparable(group.requests.map(request => streams.answer(request)).filter(answer => answer !== null));
    expect(ours.length).toBe(theirs.length);
    const bodies = group.requests.filter(([verb]) => verb !== "delete").map(request => request.join(" ").slice(0, 300));
    // What we refuse for a reason of our own is a valid configuration in nats-server.
    const isOwn = (index: number) => OUR_OWN.test(ours[index]!) && theirs[index]!.startsWith('{"name"');
    const pairs = (answers: readonly string[]) => answers.map((answer, index) => [bodies[index], isOwn(index) ? "our own" : answer]);
    expect(pairs(ours)).toEqual(pairs(theirs));
  });
}
