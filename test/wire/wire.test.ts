/**
 * The differential wire test: every scenario of `scenarios/` is played against our server and against nats-server 2.15.2.
 *
 * Both must do what stands in the file, byte for byte, so ours is tested without the reference too, and a wrong expectation is
 * shown by the reference. Only INFO lines are not written out there: they are compared between the two.
 */
import { afterAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findReference, ReferenceServer, referenceIsRequired } from "../reference/reference-server.ts";
import { infoDifference } from "./info-difference.ts";
import { startOurServer } from "./our-server.ts";
import { playScenario, type SeenInfo } from "./play.ts";
import { parseScenarios, type Scenario } from "./scenario.ts";
import { ServerPool } from "./server-pool.ts";

const SCENARIO_TIMEOUT_MS = 20_000;
const SCENARIOS_MIN = 300;

const directory = join(import.meta.dir, "scenarios");
const reference = findReference();
const skipsReference = reference.path === null && !referenceIsRequired();
const ourServers = new ServerPool(startOurServer);
const referenceServers = new ServerPool(config => ReferenceServer.start(config.join("\n")));
/** What the reference's connections were told in INFO, kept for the comparison with ours. */
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
    const skipped = skipsReference ? ` (skipped: ${reference.missing})` : "";
    test.skipIf(skipsReference)(
      `reference: ${title}${skipped}`,
      async () => {
        await playReference(scenario);
      },
      SCENARIO_TIMEOUT_MS,
    );
    test(
      `ours: ${title}`,
      async () => {
        const infos = await playScenario(scenario, await ourServers.get(scenario.config));
        if (reference.path === null) return;
        const theirs = await playReference(scenario);
        for (const [index, { place, info }] of infos.entries()) expect(infoDifference(info, theirs[index]!.info), place).toBe("");
      },
      SCENARIO_TIMEOUT_MS,
    );
  }
}

test("no scenario got lost", () => {
  expect(count).toBeGreaterThanOrEqual(SCENARIOS_MIN);
});
