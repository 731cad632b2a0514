import { expect } from "bun:test";
import { findReference, ReferenceServer, referenceIsRequired } from "../reference/reference-server.ts";
import { startOurServer } from "../wire/our-server.ts";
import { play, type Scenario } from "./stage.ts";

const reference = findReference();
export const skipped = reference.path === null && !referenceIsRequired();
/** For names of tests. */
export const reason = skipped ? ` (skipped: ${reference.missing})` : "";

/** Plays it on both. @returns what everybody received by step, which is the same on both */
export async function playOnBoth(scenario: Scenario, where = ""): Promise<readonly (readonly string[])[]> {
  const config = `server_name: "one"\n${scenario.config}`;
  const ours = await startOurServer([config]);
  const theirs = await ReferenceServer.start(config).catch(async (error: Error) => {
    await ours.stop();
    throw error;
  });
  try {
    const wanted = await play(scenario, theirs.port);
    const got = await play(scenario, ours.port);
    for (const [step, notes] of wanted.entries()) expect(got[step], `${where} step ${step}: ${scenario.steps[step]!.send}`).toEqual(notes);
    return wanted;
  } finally {
    await ours.stop();
    await theirs.stop();
  }
}
