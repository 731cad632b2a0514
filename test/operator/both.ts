/** Scenarios that are played with our server and with nats-server, and must come out the same. */

import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../faults/until.ts";
import { askBoth, Recording } from "../reference/recording.ts";
import { type Side, startOurs, startReference } from "./pair.ts";
import { Peer } from "./peer.ts";
import { SYSTEM_USER, systemUserToken } from "./world.ts";

const TIMEOUT_MS = 120_000;

export interface Stage {
  readonly side: Side;
  /** Of this side alone; empty at first, gone afterwards. */
  readonly directory: string;
  /** In the system account. */
  system(): Promise<Peer>;
  /** A request there; the answer without what names the server. */
  ask(subject: string, payload?: string): Promise<unknown>;
}

/** Tests that play a scenario on both servers. `it.both("…")`: titles are found where a test is looked for by its name. */
export class OperatorTests extends Recording {
  /**
   * @param config of the server, which gets a directory of its own
   * @param play returns what is compared, which must be something
   */
  both(title: string, config: (directory: string) => string, play: (stage: Stage) => Promise<unknown>): void {
    this.compared(
      title,
      async () => {
        const [ours, theirs] = await askBoth(
          () => runScenario(startOurs, config, play),
          () => runScenario(startReference, config, play),
        );
        expect(ours).toEqual(theirs);
        expect(ours).toBeDefined();
      },
      TIMEOUT_MS,
    );
  }
}

async function runScenario(
  start: (config: string) => Promise<Side>,
  config: (directory: string) => string,
  play: (stage: Stage) => Promise<unknown>,
): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-accounts-"));
  const side = await start(config(directory));
  try {
    let asking: Promise<Peer> | null = null;
    const system = () => Peer.login(side.port, { jwt: systemUserToken(), signer: SYSTEM_USER });
    const ask = async (subject: string, payload = "") => {
      asking ??= system();
      return withoutServer(await (await asking).request(subject, payload));
    };
    return await play({ side, directory, system, ask });
  } finally {
    await side.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function withoutServer(answer: string): unknown {
  if (!answer.startsWith("{")) return answer;
  const { server, ...rest } = JSON.parse(answer) as Record<string, unknown>;
  return { ...rest, server: typeof (server as { id?: unknown } | undefined)?.id };
}

/** Waits for what a log will say. */
export async function logged(side: Side, part: string): Promise<void> {
  await until(
    () => side.log().some(line => line.includes(part)),
    () => `${side.name} never logged ${part}:\n${side.log().join("\n")}`,
  );
}
