/** Random configurations, created, updated and deleted beside each other: our decisions are those of nats-server. */
import { expect } from "bun:test";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { live } from "../reference/recording.ts";
import { withJetStream } from "./jetstream-client.ts";
import { essenceOf, partsOf, SETTINGS, type ServerSetting, Streams } from "./stream-decisions.ts";
import type { StreamRequest } from "./stream-requests.ts";

const SECOND = 1_000_000_000;
const NUMBERS = ["0", "1", "-1", "-2", "7", "500", "1e2", '"x"', "9007199254740993", "9223372036854775807"];
const SPANS = ["0", "-1", "50", String(SECOND / 10), String(SECOND), String(90 * SECOND), String(120 * SECOND), String(600 * SECOND)];
const FLAGS = ["true", "true", "false", "null"];
const SUBJECTS = ["a", "b", "a.b", "a.*", "*.b", "a.>", "c.>", "*", ">", "$JS.x", "$SYS.ACCOUNT.a.b", "x y", "é"];
const TRANSFORMS = ["", ">", "a", "a.*", "b.$1", "c.>", "a.>", "d.{{partition(2,1)}}", "d.{{left(1,2)}}", "e.{{foo()}}", "f..g"];

/** Values of each field, mostly valid ones. */
const FIELDS: Record<string, (random: Random) => string> = {
  description: random => JSON.stringify(random.pick(["", "d", "<é>"])),
  subjects: random => JSON.stringify(Array.from({ length: random.below(4) }, () => random.pick(SUBJECTS))),
  retention: random => JSON.stringify(random.pick(["limits", "limits", "interest", "workqueue", "x"])),
  max_consumers: random => random.pick(NUMBERS.slice(0, 6)),
  max_msgs: random => random.pick(NUMBERS),
  max_bytes: random => random.pick(["0", "-1", "-2", "100", "500", "1000", "2000"]),
  max_age: random => random.pick(SPANS),
  max_msgs_per_subject: random => random.pick(NUMBERS),
  max_msg_size: random => random.pick(NUMBERS.slice(0, 8)),
  discard: random => JSON.stringify(random.pick(["old", "new", "NEW"])),
  storage: random => JSON.stringify(random.pick(["file", "memory"])),
  num_replicas: random => random.pick(["0", "1", "1", "1", "3", "-1"]),
  no_ack: random => random.pick(FLAGS),
  duplicate_window: random => random.pick(SPANS),
  placement: random => random.pick(["{}", "null", '{"cluster":"c"}', '{"tags":["t"]}', '{"preferred":"p"}']),
  compression: random => JSON.stringify(random.pick(["none", "s2"])),
  first_seq: random => random.pick(["0", "1", "100"]),
  subject_transform: random => transform(random),
  // An update with an empty destination is refused by us only (docs/differences.md).
  republish: random => (random.chance(0.3) ? '{"src":">","dest":">"}' : transform(random).replace('"dest":""', '"dest":"r.>"')),
  allow_direct: random => random.pick(FLAGS),
  discard_new_per_subject: random => random.pick(FLAGS),
  deny_delete: random => random.pick(FLAGS),
  deny_purge: random => random.pick(FLAGS),
  allow_rollup_hdrs: random => random.pick(FLAGS),
  consumer_limits: random => random.pick(["{}", '{"inactive_threshold":5}', '{"max_ack_pending":3}']),
  allow_msg_ttl: random => random.pick(FLAGS),
  subject_delete_marker_ttl: random => random.pick(["0", "5", String(SECOND), String(3 * SECOND)]),
  persist_mode: random => JSON.stringify(random.pick(["default", "async", ""])),
  sealed: random => random.pick(["false", "false", "true"]),
  metadata: random => JSON.stringify({ [random.pick(["k", "_nats.level", "é"])]: random.pick(["", "v"]) }),
  pedantic: random => random.pick(FLAGS),
};

function transform(random: Random): string {
  return JSON.stringify({ src: random.pick(TRANSFORMS), dest: random.pick(TRANSFORMS) });
}

function randomBody(random: Random, name: string): string {
  const names = Object.keys(FIELDS).filter(() => random.chance(0.07));
  return `{"name":${JSON.stringify(name)}${names.map(field => `,"${field}":${FIELDS[field]!(random)}`).join("")}}`;
}

function randomRequest(random: Random, previous: Map<string, string>): StreamRequest {
  const name = random.pick(["a", "S", "T"]);
  const kind = random.pick(["create", "create", "update", "update", "delete"] as const);
  if (kind === "delete") return ["delete", name];
  const earlier = previous.get(name);
  const body = earlier !== undefined && random.chance(0.3) ? earlier : randomBody(random, name);
  previous.set(name, body);
  return kind === "create" ? [name, body] : ["update", name, body];
}

const settings: readonly ServerSetting[] = [SETTINGS.usual, SETTINGS.smallServer, SETTINGS.limitedAccount, SETTINGS.shortWindow];

live.test(
  "fuzz: random configurations are decided as by nats-server",
  async () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const counts = { accepted: 0, refused: 0 };
    for (const setting of settings) {
      await withJetStream(setting, async client => {
        const streams = new Streams(setting);
        const previous = new Map<string, string>();
        for (let round = 0; round < 300; round++) {
          const request = randomRequest(random, previous);
          const [verb, name, body] = partsOf(request);
          const theirs = essenceOf(await client.ask(`STREAM.${verb}.${name}`, body));
          const ours = streams.answer(request);
          if (ours === null) continue;
          expect(ours, `SEED=${seed} round=${round} ${verb} ${body}`).toBe(theirs);
          counts[ours.startsWith('{"name"') ? "accepted" : "refused"]++;
        }
      });
    }
    expect(Math.min(counts.accepted, counts.refused), `SEED=${seed}`).toBeGreaterThan(200);
  },
  60_000,
);
