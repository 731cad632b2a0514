import { expect } from "bun:test";
import { askBoth } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { startOurServer } from "../wire/our-server.ts";
import { runTraceScenario, type TraceScenario } from "./trace-scenario.ts";

/** Runs a scenario on ours and on the reference, and asserts the same results. @returns what all users received, by step */
export async function runOnBothServers(scenario: TraceScenario, where = ""): Promise<readonly (readonly string[])[]> {
  const config = `server_name: "one"\n${scenario.config}`;
  const runOn = async (server: { port: number; stop(): Promise<void> }) => {
    try {
      return await runTraceScenario(scenario, server.port);
    } finally {
      await server.stop();
    }
  };
  const [got, wanted] = await askBoth(
    async () => runOn(await startOurServer([config])),
    async () => runOn(await ReferenceServer.start(config)),
  );
  for (const [step, notes] of wanted.entries()) expect(got[step], `${where} step ${step}: ${scenario.steps[step]!.send}`).toEqual(notes);
  expect(got.length).toBe(wanted.length);
  return wanted;
}
