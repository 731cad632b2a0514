/** nsc, nats and nats.js with our server in operator mode: nsc makes and pushes accounts, clients log in with its credentials. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, credsAuthenticator, jwtAuthenticator } from "@nats-io/transport-node";
import { tokenInFile } from "../../src/access/jwt/decorated.ts";
import { NatsCli } from "../clients/nats-cli.ts";
import { needs } from "../reference/programs.ts";
import { type OurSide, startOurs } from "./both-servers.ts";
import { Nsc } from "./nsc.ts";

const TIMEOUT_MS = 120_000;

async function withNsc(run: (tool: Nsc) => Promise<void>): Promise<void> {
  using tool = new Nsc();
  await tool.run("add", "operator", "--generate-signing-key", "--sys", "--name", "op");
  await tool.run("edit", "operator", "--service-url", "nats://127.0.0.1:4222", "--account-jwt-server-url", "nats://127.0.0.1:4222");
  await tool.run("add", "account", "A");
  await tool.run("add", "user", "--account", "A", "u");
  await run(tool);
}

const url = (side: OurSide): string => `nats://127.0.0.1:${side.port}`;

/** Sends one message to itself with nats.js. @returns the payload received */
async function echoes(side: OurSide, authenticator: ReturnType<typeof credsAuthenticator>): Promise<string> {
  const client = await connect({ servers: url(side), authenticator, reconnect: false });
  try {
    const subscription = client.subscribe("echo", { max: 1 });
    client.publish("echo", "hello");
    for await (const message of subscription) return message.string();
    return "nothing";
  } finally {
    await client.close();
  }
}

needs(["nsc", "nats"], () => {
  test(
    `nats.js and nats log in with credentials of nsc, with the accounts in memory`,
    () =>
      withNsc(async tool => {
        const side = await startOurs(await tool.file("memory.conf", "generate", "config", "--mem-resolver"));
        try {
          const file = readFileSync(tool.credentials("A", "u"));
          const text = file.toString("utf8");
          expect(await echoes(side, credsAuthenticator(file))).toBe("hello");
          expect(await echoes(side, jwtAuthenticator(tokenInFile(text), Buffer.from(/^SU\w+/m.exec(text)![0])))).toBe("hello");
          using tools = new NatsCli(url(side));
          const { output, errors, status } = await tools.run("--creds", tool.credentials("A", "u"), "pub", "hello", "world");
          expect([status, `${output}${errors}`]).toEqual([0, expect.stringContaining("Published 5 bytes")]);
          const refused = await tools.run("--creds", tool.credentials("SYS", "nobody"), "pub", "hello", "world");
          expect(refused.status).not.toBe(0);
        } finally {
          await side.stop();
        }
      }),
    TIMEOUT_MS,
  );

  test(
    `nsc pushes to, pulls from and prunes a full resolver`,
    () =>
      withNsc(async tool => {
        const generated = await tool.file("full.conf", "generate", "config", "--nats-resolver");
        const directory = join(tool.home, "jwt");
        const side = await startOurs(
          generated.replace("./jwt", directory).replace("allow_delete: false", "allow_delete: true").replace('"1.9s"', '"200ms"'),
        );
        try {
          const push = (...words: string[]) => tool.run("push", "-u", url(side), ...words);
          expect(await push("--all")).toContain("pushed");
          expect(readdirSync(directory).filter(name => name.endsWith(".jwt")).length).toBe(2);
          const authenticator = credsAuthenticator(readFileSync(tool.credentials("A", "u")));
          expect(await echoes(side, authenticator)).toBe("hello");
          await tool.run("edit", "account", "A", "--conns", "0");
          await push("--account", "A");
          await expect(echoes(side, authenticator)).rejects.toThrow("maximum account active connections exceeded");
          await tool.run("edit", "account", "A", "--conns", "-1");
          await push("--account", "A");
          expect(await echoes(side, authenticator)).toBe("hello");
          await tool.run("edit", "operator", "--account-jwt-server-url", url(side));
          expect(await tool.run("pull", "--all")).toContain('stored account "A"');
          expect(await tool.run("validate", "--all-accounts")).not.toContain("error");
          await tool.run("add", "account", "B");
          await push("--account", "B");
          await tool.run("delete", "account", "--force", "--rm-creds", "--rm-nkey", "A");
          expect(await push("--all", "--prune")).toContain("pruned");
          expect(readdirSync(directory).filter(name => name.endsWith(".jwt")).length).toBe(2);
          expect(readdirSync(directory).filter(name => name.endsWith(".deleted")).length).toBe(1);
          await expect(echoes(side, authenticator)).rejects.toThrow();
        } finally {
          await side.stop();
        }
      }),
    TIMEOUT_MS,
  );
});
