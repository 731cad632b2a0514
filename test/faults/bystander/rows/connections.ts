/** Connections that come in great numbers, and logins that cost much. */
import { AttackClient } from "../attack-client.ts";
import type { Row } from "../row.ts";

/** A bcrypt hash of "right" with cost 11, as `nats server passwd` makes them. */
export const GUARDED_HASH = "$2a$11$nJ1vs5OHlgZ9EFvyatDeV.YgSlMHsQ.Drcp5./hp7lTindWG3a5vW";

/** Resolves when the first bytes of the server have come, or it has closed the connection. */
async function greeting(port: number): Promise<AttackClient> {
  const client = await AttackClient.open(port);
  const { promise, resolve } = Promise.withResolvers<void>();
  client.onData = () => resolve();
  await Promise.race([promise, client.closed()]);
  return client;
}

export const CONNECTION_ROWS: Row[] = [
  {
    id: "connects",
    before: "100 clients, max_connections: 150",
    load: "connections above it are opened and closed, as many per second as the machine can make",
    configuration: "max_connections: 150\n",
    signal: true,
    async prepare(attack) {
      await Promise.all(Array.from({ length: 100 }, () => attack.connect()));
      return () => attack.floodConnects(100);
    },
  },
  {
    id: "connects-at-once",
    before: "",
    load: "10,000 connections at once, each waits for INFO",
    prepare: async attack => async () => {
      const start = performance.now();
      let greeted = 0;
      const all = Array.from({ length: attack.count(10_000) }, async () => {
        const client = await greeting(attack.ports.client).catch(() => null);
        if (client !== null && client.receivedBytes > 0) greeted++;
      });
      await Promise.race([Promise.all(all), attack.timeOver()]);
      attack.note(`${greeted} of ${all.length} got INFO within ${((performance.now() - start) / 1_000).toFixed(1)} s`);
    },
  },
  {
    id: "bad-passwords",
    before: "a user with a bcrypt password",
    load: "4,200 logins with a bad password, then a right one",
    configuration: `authorization { timeout: 2, users = [
  { user: bystander, password: bystander }
  { user: guarded, password: "${GUARDED_HASH}" }
] }
no_auth_user: bystander
`,
    prepare: async attack => async () => {
      const attackers = await Promise.all(Array.from({ length: attack.count(4_200) }, () => AttackClient.open(attack.ports.client)));
      for (const client of attackers) await client.write('CONNECT {"user":"guarded","pass":"wrong","verbose":false}\r\nPING\r\n');
      const start = performance.now();
      const outcome = await attack.connect({ user: "guarded", pass: "right" }).then(
        () => "logged in",
        () => "was refused",
      );
      attack.note(`the right one ${outcome} after ${((performance.now() - start) / 1_000).toFixed(2)} s`);
      await Promise.all(attackers.map(client => client.closed()));
      attack.note(`the last attacker left after ${((performance.now() - start) / 1_000).toFixed(2)} s`);
    },
  },
];
