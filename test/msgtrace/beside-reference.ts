import { expect } from "bun:test";
import { askBoth } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { startOurServer } from "../wire/our-server.ts";
import { runScenario, type Scenario } from "./stage.ts";

/** Plays it on both. @returns what everybody received by step, which is the same on both */
export async function playOnBoth(scenario: Scenario, where = ""): Promise<readonly (readonly string[])[]> {
  const config = `server_name: "one"\n${scenario.config}`;
  const playOn = async (server: { port: number; stop(): Promise<void> }) => {
    try {
      return await runScenario(scenario, server.port);
    } finally {
      await server.stop();
    }
  };
  const [got, wanted] = await askBoth(
    async () => playOn(await startOurServer([config])),
    async () => playOn(await ReferenceServer.start(config)),
  );
  for (const [step, notes] of wanted.entries()) expect(got[step], `${where} step ${step}: ${scenario.steps[step]!.send}`).toEqual(notes);
  expect(got.length).toBe(wanted.length);
  return wanted;
}
