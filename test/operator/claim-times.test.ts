/** The times in claims (`exp`, `nbf`, `iat`) when they are negative, absent or huge, compared with nats-server. */
import { expect, test } from "bun:test";
import type { ClaimsData } from "../../src/access/jwt/claims.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { startOurs } from "./both-servers.ts";
import { exportOf, importFrom } from "./exports-and-imports.ts";
import { OperatorTests, type ScenarioContext } from "./operator-tests.ts";
import { Peer } from "./peer.ts";
import { ALPHA, accountToken, BETA, memoryConfig, nowSeconds, operatorToken, USER, type UserFacts, userToken } from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

/** About 150 years from now: nats-server computes with nanoseconds in 64 bits, and later times overflow there. */
const FAR = nowSeconds() + 150 * 365 * 86_400;

/** Logs in. @param ends the connection must be closed by the server @returns the lines received, and whether it is closed */
async function login({ side }: ScenarioContext, facts: UserFacts, ends: boolean): Promise<unknown> {
  const peer = await Peer.login(side.port, { jwt: userToken(facts), signer: USER });
  if (ends) await peer.untilClosed();
  const seen = [[...peer.lines], peer.closed];
  peer.close();
  return seen;
}

const user = (name: string, data: Partial<ClaimsData>, ends: boolean): void =>
  it.both(
    `a user whose ${name} is ${ends ? "disconnected" : "accepted"}`,
    () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA) }),
    context => login(context, { data }, ends),
  );

user("exp is -1", { expiresAtSeconds: -1 }, true);
user("exp is the smallest number", { expiresAtSeconds: -Number.MAX_SAFE_INTEGER }, true);
user("exp is 0", { expiresAtSeconds: 0 }, false);
user("exp is far away", { expiresAtSeconds: FAR }, false);
user("nbf is -1", { notBeforeSeconds: -1 }, false);
user("exp and nbf are -1", { expiresAtSeconds: -1, notBeforeSeconds: -1 }, true);

for (const [name, expiresAtSeconds] of [
  ["-1", -1],
  ["far away", FAR],
] as const) {
  it.both(
    `a user of an account whose exp is ${name}`,
    () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, { data: { expiresAtSeconds } }) }),
    context => login(context, {}, false),
  );
}

for (const [name, issuedAgo] of [
  ["negative", nowSeconds() + 1],
  ["in the far future", -FAR],
] as const) {
  it.both(
    `a user whose iat is ${name}, in an account that revoked the users of an hour ago`,
    () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, { revocations: new Map([[USER.publicKey, nowSeconds() - 3_600]]) }) }),
    context => login(context, { issuedAgo }, false),
  );
}

it.both(
  "an operator whose exp is -1 is trusted",
  () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA) }, "", operatorToken({}, { expiresAtSeconds: -1 })),
  context => login(context, {}, false),
);

function activation(expiresAtSeconds: number): string {
  const body = { importSubject: "b.>", importKind: "stream" as const };
  return encodeClaims(newClaims("activation", ALPHA.publicKey, body, { expiresAtSeconds }), BETA, nowSeconds() - 10);
}

for (const [name, expiresAtSeconds] of [
  ["-1", -1],
  ["0", 0],
  ["far away", FAR],
] as const) {
  it.both(
    `an import whose activation has an exp of ${name}`,
    () =>
      memoryConfig({
        [ALPHA.publicKey]: accountToken(ALPHA, {
          imports: [importFrom(BETA, "b.>", { token: activation(expiresAtSeconds) })],
        }),
        [BETA.publicKey]: accountToken(BETA, { exports: [exportOf("b.>", { tokenRequired: true })] }),
      }),
    async ({ side }) => {
      const importer = await Peer.login(side.port, { jwt: userToken(), signer: USER });
      importer.send("SUB b.> 1\r\n");
      await importer.ping();
      const exporter = await Peer.login(side.port, { jwt: userToken({ by: BETA }), signer: USER });
      exporter.send("PUB b.x 0\r\n\r\n");
      await exporter.ping();
      await importer.ping();
      return importer.take();
    },
  );
}

test("a user whose exp is the largest number stays connected; in nats-server the time overflows", async () => {
  const side = await startOurs(memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA) }));
  const peer = await Peer.login(side.port, { jwt: userToken({ data: { expiresAtSeconds: Number.MAX_SAFE_INTEGER } }), signer: USER });
  await peer.ping();
  expect([peer.lines, peer.closed]).toEqual([[], false]);
  peer.close();
  await side.stop();
});
