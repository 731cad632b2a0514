/** nats.js and the nats command log in with every kind of credentials that a configuration can hold. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createUser } from "@nats-io/nkeys";
import { type Authenticator, connect, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } from "@nats-io/transport-node";
import { NatsCli } from "../clients/nats-cli.ts";
import { needs } from "../reference/programs.ts";
import { CertificateDirectory } from "../tls/certificates.ts";
import { startOurs } from "./servers.ts";

const key = createUser();
const hash = Bun.password.hashSync("hashed", { algorithm: "bcrypt", cost: 4 });
const USERS = `accounts {
  A { users [ { user: plain, password: secret }, { user: hashed, password: "${hash}" } ] }
  B { users [ { nkey: ${key.getPublicKey()} } ] }
}`;

/** Logs in with nats.js. @returns `user@account` as the server sees it, or the error message when the login is refused */
async function loginAs(config: string, authenticator?: Authenticator): Promise<string> {
  const server = startOurs(config);
  try {
    const client = await connect({
      servers: `127.0.0.1:${server.port}`,
      reconnect: false,
      name: "it",
      ...(authenticator === undefined ? {} : { authenticator }),
    });
    try {
      const answer = await (await fetch(`http://127.0.0.1:${server.monitorPort}/connz?auth=1`)).json();
      const { account = "$G", authorized_user = "" } = (answer as { connections: { account?: string; authorized_user?: string }[] })
        .connections[0]!;
      return `${authorized_user}@${account}`;
    } finally {
      await client.close();
    }
  } catch (error) {
    return (error as Error).message;
  } finally {
    await server.stop();
  }
}

test("nats.js logs in with a password, a token and an nkey", async () => {
  expect(await loginAs(USERS, usernamePasswordAuthenticator("plain", "secret"))).toBe("plain@A");
  expect(await loginAs(USERS, usernamePasswordAuthenticator("hashed", "hashed"))).toBe("hashed@A");
  expect(await loginAs(USERS, nkeyAuthenticator(key.getSeed()))).toBe(`${key.getPublicKey()}@B`);
  expect(await loginAs("authorization { token: t0ken }", tokenAuthenticator("t0ken"))).toBe("[REDACTED]@$G");
  expect(await loginAs(`${USERS}\nno_auth_user: plain`)).toBe("plain@A");
});

test("nats.js is refused with wrong credentials of every kind", async () => {
  for (const authenticator of [
    usernamePasswordAuthenticator("plain", "wrong"),
    usernamePasswordAuthenticator("hashed", "wrong"),
    usernamePasswordAuthenticator("nobody", "secret"),
    nkeyAuthenticator(createUser().getSeed()),
    tokenAuthenticator("secret"),
    undefined,
  ])
    expect(await loginAs(USERS, authenticator)).toContain("Authorization Violation");
}, 120_000);

needs(["nats"], () => {
  test(`the nats command logs in as a user, and by an nkey from a file`, async () => {
    using directory = new CertificateDirectory();
    const seedFile = join(directory.path, "user.nk");
    writeFileSync(seedFile, Buffer.from(key.getSeed()));
    const server = startOurs(USERS);
    try {
      using nats = new NatsCli(`nats://127.0.0.1:${server.port}`);
      const status = async (...words: string[]) => (await nats.run(...words, "pub", "a", "b")).status;
      expect(await status("--user", "plain", "--password", "secret")).toBe(0);
      expect(await status("--user", "hashed", "--password", "hashed")).toBe(0);
      expect(await status("--nkey", seedFile)).toBe(0);
      expect(await status("--user", "plain", "--password", "wrong")).not.toBe(0);
      expect(await status()).not.toBe(0);
    } finally {
      await server.stop();
    }
  }, 120_000);
});
