/** Requests to the monitoring port. */
import type { AttackClient } from "../attack-client.ts";
import type { Attack, Row } from "../row.ts";

const SUBSCRIPTIONS = 1_000_000;
const SUBSCRIBERS = 10;

/** One request to a server with a million subscriptions, of ten clients. */
async function askWithMillion(attack: Attack, path: string): Promise<() => Promise<void>> {
  const each = attack.count(SUBSCRIPTIONS / SUBSCRIBERS);
  for (let client = 0; client < SUBSCRIBERS; client++) {
    const subscriber = await attack.connect();
    await subscriber.writeLines(each, index => `SUB s.${client}.${index % 1_000}.${index} ${index}\r\n`);
    await subscriber.confirmed();
  }
  return async () => attack.note(`${await attack.get(path)} B`);
}

async function poll(attack: Attack, path: string): Promise<void> {
  while (!attack.isOver) await attack.get(path);
}

export const MONITORING_ROWS: Row[] = [
  {
    id: "pollers",
    before: "500 clients with 10 subscriptions each",
    load: "two pollers ask /connz?subs=1, a connection per request",
    signal: true,
    async prepare(attack) {
      const clients: AttackClient[] = await Promise.all(Array.from({ length: attack.count(500) }, () => attack.connect()));
      await Promise.all(clients.map((client, number) => client.writeLines(10, index => `SUB c.${number}.${index} ${index}\r\n`)));
      await Promise.all(clients.map(client => client.confirmed()));
      return async () => {
        const over = attack.timeOver();
        await Promise.all([poll(attack, "/connz?subs=1"), poll(attack, "/connz?subs=1"), over]);
      };
    },
  },
  {
    id: "subsz",
    before: "1 M subscriptions",
    load: "one /subsz?subs=1",
    prepare: attack => askWithMillion(attack, "/subsz?subs=1"),
  },
  {
    id: "connz",
    before: "1 M subscriptions",
    load: "one /connz?subs=1",
    prepare: attack => askWithMillion(attack, "/connz?subs=1"),
  },
];
