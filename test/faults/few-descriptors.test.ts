/** More peers than the process may have descriptors: those who are in are served, the others are told, and room that comes free is used. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { Peer } from "./peer.ts";
import { until } from "./until.ts";

const LIMIT = 128;
const REFUSED = "-ERR 'maximum connections exceeded'\r\n";

/** A peer that keeps what it is told. */
class Guest {
  text = "";

  private constructor(readonly peer: Peer) {}

  static async open(port: number): Promise<Guest> {
    const guest = new Guest(await Peer.open(port));
    guest.peer.onData = chunk => {
      guest.text += chunk;
    };
    guest.peer.write('CONNECT {"verbose":false}\r\nPING\r\n').catch(() => {}); // it may be refused meanwhile
    return guest;
  }

  get served(): boolean {
    return this.text.endsWith("PONG\r\n");
  }

  get refused(): boolean {
    return this.text.endsWith(REFUSED);
  }

  async settled(): Promise<void> {
    await until(
      () => this.served || (this.refused && this.peer.ended),
      () => `neither in nor out: ${JSON.stringify(this.text)}, ended ${this.peer.ended}`,
    );
  }

  /** Asked once more, it is answered once more. */
  async stillServed(): Promise<void> {
    this.text = "";
    await this.peer.write("PING\r\n");
    await this.settled();
    expect(this.text).toBe("PONG\r\n");
  }
}

async function arrive(port: number, count: number): Promise<Guest[]> {
  const guests = await Promise.all(Array.from({ length: count }, () => Guest.open(port)));
  await Promise.all(guests.map(guest => guest.settled()));
  return guests;
}

test("a server that runs out of descriptors refuses in time, serves on, and takes new ones when others leave", async () => {
  const command = `ulimit -n ${LIMIT}; exec "$0" "$1"`;
  await using child = Bun.spawn(["bash", "-c", command, process.execPath, join(import.meta.dir, "few-descriptors-child.ts")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value));

  const guests = await arrive(port, 2 * LIMIT);
  const served = guests.filter(guest => guest.served);
  expect(guests.filter(guest => guest.refused).length).toBe(2 * LIMIT - served.length);
  expect(served.length).toBeGreaterThan(LIMIT / 2);
  expect(served.length).toBeLessThan(LIMIT);
  await Promise.all(served.map(guest => guest.stillServed()));

  const leaving = served.splice(0, 20);
  for (const { peer } of leaving) peer.leave("FIN");
  await Promise.all(leaving.map(({ peer }) => peer.gone()));
  const next = await arrive(port, 40);
  expect(next.filter(guest => guest.served).length).toBe(20);
  await Promise.all([...served, ...next.filter(guest => guest.served)].map(guest => guest.stillServed()));

  for (const { peer } of [...served, ...next]) peer.leave("FIN");
  await child.stdin.end();
  expect(await child.exited).toBe(0);
}, 120_000);
