/** Tests of operator mode: each runs a scenario on our server and on nats-server, and compares what the two runs return. */

import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { until } from "../faults/until.ts";
import { askBoth, Recording } from "../reference/recording.ts";
import { type Side, startOurs, startReference } from "./both-servers.ts";
import { Peer } from "./peer.ts";
import { type AccountFacts, accountToken, SYSTEM_USER, systemUserToken, USER, type UserFacts, userToken } from "./tokens.ts";

const TIMEOUT_MS = 120_000;

/** What a scenario gets: a running server, and requests to it. */
export interface ScenarioContext {
  readonly side: Side;
  /** A directory for this run: empty at the start, removed at the end. */
  readonly directory: string;
  /** Opens a client in the system account. */
  system(): Promise<Peer>;
  /** Sends a request in the system account. @returns the answer, without the fields that identify the server */
  ask(subject: string, payload?: string): Promise<unknown>;
}

/** Registers tests that run a scenario on both servers. The parity report finds the titles by the call `it.both("…")`. */
export class OperatorTests extends Recording {
  /**
   * @param config makes the server's configuration; it gets the directory of the run
   * @param scenario returns the value that is compared; it must not be undefined
   */
  both(title: string, config: (directory: string) => string, scenario: (context: ScenarioContext) => Promise<unknown>): void {
    this.compared(
      title,
      async () => {
        const [ours, theirs] = await askBoth(
          () => runScenario(startOurs, config, scenario),
          () => runScenario(startReference, config, scenario),
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
  scenario: (context: ScenarioContext) => Promise<unknown>,
): Promise<unknown> {
  const context = await startScenario(start, config);
  try {
    return await scenario(context);
  } finally {
    await context.end();
  }
}

/** Starts a server for a scenario. `end` stops it and removes its directory. */
export async function startScenario(
  start: (config: string) => Promise<Side>,
  config: (directory: string) => string,
): Promise<ScenarioContext & { end(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-accounts-"));
  const side = await start(config(directory));
  let systemClient: Promise<Peer> | null = null;
  const system = () => Peer.login(side.port, { jwt: systemUserToken(), signer: SYSTEM_USER });
  const ask = async (subject: string, payload = "") => {
    systemClient ??= system();
    return withoutServer(await (await systemClient).request(subject, payload));
  };
  const end = async () => {
    await side.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  return { side, directory, system, ask, end };
}

function withoutServer(answer: string): unknown {
  if (!answer.startsWith("{")) return answer;
  const { server, ...rest } = JSON.parse(answer) as Record<string, unknown>;
  return { ...rest, server: typeof (server as { id?: unknown } | undefined)?.id };
}

/** Connects a user, by default one that ALPHA signed. */
export function login({ side }: Pick<ScenarioContext, "side">, facts: UserFacts = {}): Promise<Peer> {
  return Peer.login(side.port, { jwt: userToken(facts), signer: facts.subject ?? USER });
}

/** Pushes claims of an account that are issued now, so they replace the current ones. */
export function push({ ask }: ScenarioContext, account: Signer, facts: AccountFacts = {}): Promise<unknown> {
  return ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(account, { issuedAgo: 0, ...facts }));
}

/** Waits until the server logs a line that contains this text. */
export async function logged(side: Side, part: string): Promise<void> {
  await until(
    () => side.log().some(line => line.includes(part)),
    () => `${side.name} never logged ${part}:\n${side.log().join("\n")}`,
  );
}
