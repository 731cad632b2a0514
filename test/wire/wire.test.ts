/**
 * The differential wire test: every scenario of `scenarios/` is played against our server and against nats-server 2.15.3.
 *
 * Both must do what the file says, byte for byte: so ours is tested without the reference too, and the reference reveals wrong
 * expectations. Only INFO lines are not in the file: those of the reference are recorded.
 */
import { afterAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answerOfReference, comparable, live, Recording } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { comparedInfo } from "./info-difference.ts";
import { startOurServer } from "./our-server.ts";
import { playScenario, type SeenInfo } from "./play.ts";
import { parseScenarios, type Scenario } from "./scenario.ts";
import { ServerPool } from "./server-pool.ts";

const SCENARIO_TIMEOUT_MS = 120_000;
const SCENARIOS_MIN = 300;

const directory = join(import.meta.dir, "scenarios");
const it = new Recording(import.meta.path);
const ourServers = new ServerPool(startOurServer);
const referenceServers = new ServerPool(config => ReferenceServer.start(config.join("\n")));
/** INFOs of the reference, kept for the comparison with ours. */
const referenceInfos = new Map<Scenario, Promise<SeenInfo[]>>();

function playReference(scenario: Scenario): Promise<SeenInfo[]> {
  let infos = referenceInfos.get(scenario);
  if (infos === undefined) {
    infos = referenceServers.get(scenario.config).then(server => playScenario(scenario, server));
    referenceInfos.set(scenario, infos);
  }
  return infos;
}

afterAll(async () => {
  await Promise.all([ourServers.stop(), referenceServers.stop()]);
});

let count = 0;
for (const file of readdirSync(directory).sort()) {
  for (const scenario of parseScenarios(readFileSync(join(directory, file), "utf8"), file)) {
    count++;
    const title = `${file}: ${scenario.title}`;
    live.test(`reference: ${title}`, async () => void (await playReference(scenario)), SCENARIO_TIMEOUT_MS);
    it.compared(
      `ours: ${title}`,
      async () => {
        const infos = await playScenario(scenario, await ourServers.get(scenario.config));
        const theirs = await answerOfReference(async () => (await playReference(scenario)).map(({ info }) => comparedInfo(info)));
        for (const [index, { place, info }] of infos.entries()) expect(comparable(comparedInfo(info)), place).toEqual(theirs[index]!);
        expect(infos.length).toBe(theirs.length);
      },
      SCENARIO_TIMEOUT_MS,
    );
  }
}

test("no scenario is missing", () => {
  expect(count).toBeGreaterThanOrEqual(SCENARIOS_MIN);
});
