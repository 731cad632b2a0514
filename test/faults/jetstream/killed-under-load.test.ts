/**
 * The server is killed at random moments while messages are published, deleted and purged, and started again on the same files: everything
 * that was acknowledged is there, nothing that was removed is back. `FAULTS=all` plays 200 rounds.
 */
import { expect, test } from "bun:test";
import { Random } from "../../../src/base/random/random.ts";
import { seedFromEnv } from "../../doubles/seed.ts";
import type { Answer, RawClient } from "../../jetstream/sequences/raw-client.ts";
import { TestedServer } from "../../jetstream/sequences/tested-server.ts";
import { Acknowledged } from "./acknowledged.ts";

const ROUNDS = process.env.FAULTS === "all" ? 200 : 6;
const TEST_MS = 20 * 60_000;
/** The server lives that long under load, at most. */
const LIFE_MS_MAX = 150;
/** Streams start anew when one has so many messages, so that comparing stays short. */
const MESSAGES_MAX = 20_000;
const IN_FLIGHT = 300;
const SUBJECTS = 200;
const PAYLOADS = [0, 20, 128, 1_500];

const STREAMS = [
  { name: "PLAIN", config: {}, keepsLast: false },
  { name: "S2", config: { compression: "s2" }, keepsLast: false },
  { name: "LAST", config: { max_msgs_per_subject: 1 }, keepsLast: true },
] as const;

class Load {
  private readonly streams: Acknowledged[] = STREAMS.map(({ keepsLast, name }) => new Acknowledged(name, keepsLast));
  private sent = 0;
  acknowledged = 0;

  constructor(private readonly random: Random) {}

  /** Creates the streams anew. */
  async create(client: RawClient): Promise<void> {
    for (const [index, { config, keepsLast, name }] of STREAMS.entries()) {
      await request(client, `STREAM.DELETE.${name}`, "");
      const created = await request(
        client,
        `STREAM.CREATE.${name}`,
        JSON.stringify({ name, subjects: [`${name}.>`], storage: "file", allow_direct: true, ...config }),
      );
      expect(created).not.toContain('"error"');
      this.streams[index] = new Acknowledged(name, keepsLast);
    }
  }

  /** Publishes and removes until the connection ends. */
  async run(client: RawClient): Promise<void> {
    const lanes = Array.from({ length: IN_FLIGHT }, async () => {
      for (let alive = true; alive; ) alive = await this.one(client);
    });
    await Promise.all(lanes);
  }

  async compare(client: RawClient): Promise<string[]> {
    const wrong: string[] = [];
    for (const stream of this.streams) wrong.push(...(await stream.compare(client)));
    if (this.streams.some(({ size }) => size > MESSAGES_MAX)) await this.create(client);
    return wrong;
  }

  /** @returns false: the connection has ended */
  private one(client: RawClient): Promise<boolean> {
    const roll = this.random.below(1_000);
    const stream = this.random.pick(this.streams);
    // Only of a message that is acknowledged: the model must not hear of a deletion first.
    if (roll < 20 && stream.size > 0) return this.delete(client, stream);
    return roll < 21 ? this.purge(client, stream) : this.publish(client, stream);
  }

  private async publish(client: RawClient, stream: Acknowledged): Promise<boolean> {
    const subject = `${stream.stream}.${this.random.below(SUBJECTS)}`;
    const payload = `${this.sent++}:`.padEnd(this.random.pick(PAYLOADS), "x");
    stream.sending(subject);
    const answer = await answerTo(client, subject, payload);
    if (answer === null) return false;
    const { error, seq } = JSON.parse(answer.payload.toString());
    if (error !== undefined) throw new Error(JSON.stringify(error));
    this.acknowledged++;
    stream.stored(seq, subject, payload);
    return true;
  }

  private async delete(client: RawClient, stream: Acknowledged): Promise<boolean> {
    const seq = this.random.pick(stream.sequences);
    stream.requested(sequence => sequence === seq);
    const answer = await answerTo(client, `$JS.API.STREAM.MSG.DELETE.${stream.stream}`, JSON.stringify({ seq, no_erase: true }));
    if (answer?.payload.includes('"success":true')) stream.removed(sequence => sequence === seq);
    return answer !== null;
  }

  private async purge(client: RawClient, stream: Acknowledged): Promise<boolean> {
    const seq = this.random.pick([...stream.sequences, 1]);
    stream.requested(sequence => sequence < seq);
    const answer = await answerTo(client, `$JS.API.STREAM.PURGE.${stream.stream}`, JSON.stringify({ seq }));
    if (answer?.payload.includes('"success":true')) stream.removed(sequence => sequence < seq);
    return answer !== null;
  }
}

async function request(client: RawClient, subject: string, body: string): Promise<string> {
  return (await answerTo(client, `$JS.API.${subject}`, body))!.payload.toString();
}

/** @returns null: the connection has ended */
async function answerTo(client: RawClient, subject: string, payload: string): Promise<Answer | null> {
  try {
    const [answer] = await client.ask({ subject, header: "", payload, replyEnd: "" });
    if (answer === undefined) throw new Error(`no answer to ${subject}`);
    return answer;
  } catch (error) {
    if (client.hasEnded) return null;
    throw error;
  }
}

for (const cipher of ["", "aes"]) {
  test(
    `everything acknowledged survives kill -9 under load${cipher === "" ? "" : `, with ${cipher}`}`,
    async () => {
      const seed = seedFromEnv();
      const random = new Random(seed);
      await using server = await TestedServer.start("ours", ["enabled"], cipher === "" ? "" : `key: secret, cipher: ${cipher}`);
      const load = new Load(random);
      await load.create(await server.client(0));
      for (let round = 0; round < ROUNDS; round++) {
        const client = await server.client(0);
        expect(await load.compare(client), `SEED=${seed} round ${round}`).toEqual([]);
        const running = load.run(client);
        // The moment of the kill is meant to be any.
        await Bun.sleep(random.between(1, LIFE_MS_MAX));
        await server.restart("kill");
        await running;
        expect(server.log.split("\n").filter(line => /damage|lost|\[ERR\]/.test(line))).toEqual([]);
      }
      expect(await load.compare(await server.client(0)), `SEED=${seed}`).toEqual([]);
      expect(load.acknowledged).toBeGreaterThan(0);
    },
    TEST_MS,
  );
}
