/** Conversations that are had with our server and with nats-server, and come out the same. */

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../faults/until.ts";
import { findReference, referenceIsRequired } from "../reference/reference-server.ts";
import { type Side, startOurs, startReference } from "./pair.ts";
import { Peer } from "./peer.ts";
import { SYSTEM_USER, systemUserToken } from "./world.ts";

const reference = findReference();
export const skipped = reference.path === null && !referenceIsRequired();
export const reason = skipped ? ` (skipped: ${reference.missing})` : "";
const TIMEOUT_MS = 20_000;

export interface Stage {
  readonly side: Side;
  /** Of this side alone; empty at first, gone afterwards. */
  readonly directory: string;
  /** In the system account. */
  system(): Promise<Peer>;
  /** A request there; the answer without what names the server. */
  ask(subject: string, payload?: string): Promise<unknown>;
}

/**
 * @param config for a directory of its own
 * @param play what it returns is compared, and returned must be something
 */
function both(title: string, config: (directory: string) => string, play: (stage: Stage) => Promise<unknown>): void {
  test.skipIf(skipped)(
    `${title}${reason}`,
    async () => {
      const [ours, theirs] = await Promise.all([startOurs, startReference].map(start => had(start, config, play)));
      expect(ours).toEqual(theirs);
      expect(ours).toBeDefined();
    },
    TIMEOUT_MS,
  );
}

/** `it.both("…", …)`: titles are found where a test is looked for by its name. */
export const it = { both };

async function had(
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
