/** Random configurations of streams, mostly valid ones. */
import type { Random } from "../../../src/base/random/random.ts";

/** A configuration as JSON: fields by name. */
export type Config = Readonly<Record<string, unknown>>;

const SECOND = 1_000_000_000;
const HOUR = 3600 * SECOND;

/** Names of streams, and the first token of their subjects. */
export const STREAMS: readonly (readonly [name: string, letter: string])[] = [
  ["S1", "a"],
  ["S2", "b"],
  ["S3", "c"],
];

const PATTERNS: readonly (readonly string[])[] = [[">"], [">"], ["*"], ["x", "y"], ["*", "*.z"], ["x.>", "y"], ["*.*", "x", "w"]];

/** Fields that a creation may set, with how often it does. */
const FIELDS: Readonly<Record<string, readonly [chance: number, value: (random: Random, letter: string) => unknown]>> = {
  description: [0.1, random => random.pick(["", "text", "é <&>"])],
  retention: [0.25, random => random.pick(["limits", "interest", "workqueue"])],
  max_consumers: [0.1, random => random.pick([-1, 0, 5])],
  max_msgs: [0.35, random => random.pick([-1, 1, 3, 5, 10])],
  max_bytes: [0.3, random => random.pick([-1, 100, 300, 1_000, 5_000])],
  max_age: [0.15, random => random.pick([0, HOUR, 24 * HOUR])],
  max_msgs_per_subject: [0.4, random => random.pick([-1, 1, 2, 3])],
  max_msg_size: [0.15, random => random.pick([-1, 10, 100, 1_000])],
  discard: [0.4, random => random.pick(["old", "new"])],
  discard_new_per_subject: [0.15, () => true],
  duplicate_window: [0.2, random => random.pick([0, 60 * SECOND, HOUR])],
  compression: [0.2, random => random.pick(["none", "s2"])],
  first_seq: [0.15, random => random.pick([0, 1, 2, 10, 1_000_000])],
  subject_transform: [0.2, (random, letter) => transform(random, letter)],
  republish: [0.25, (random, letter) => republish(random, letter)],
  allow_rollup_hdrs: [0.55, random => random.chance(0.9)],
  deny_delete: [0.12, random => random.chance(0.8)],
  deny_purge: [0.12, random => random.chance(0.8)],
  allow_msg_ttl: [0.4, random => random.chance(0.9)],
  subject_delete_marker_ttl: [0.12, random => random.pick([SECOND, 60 * SECOND, HOUR])],
  persist_mode: [0.08, random => random.pick(["default", "async"])],
  consumer_limits: [0.05, () => ({ max_ack_pending: 5 })],
  metadata: [0.12, random => ({ [random.pick(["k", "_nats.level", "é"])]: random.pick(["", "v"]) })],
  num_replicas: [0.05, random => random.pick([0, 1, 3])],
  sealed: [0.02, () => true],
  pedantic: [0.07, () => true],
};

/** Fields that an update changes now and then. */
// The first sequence: nats-server accepts another one and deletes all messages below it at its next start (docs/differences.md).
const CHANGED = Object.keys(FIELDS).filter(field => field !== "first_seq");

function transform(random: Random, letter: string): unknown {
  return random.pick([
    { src: `${letter}.*`, dest: `${letter}.t.$1` },
    { src: `${letter}.x`, dest: `${letter}.y` },
    { src: ">", dest: "t.>" },
    { src: `${letter}.*.*`, dest: `${letter}.{{wildcard(2)}}.{{partition(3,1)}}` },
    { src: "", dest: "" },
  ]);
}

function republish(random: Random, letter: string): unknown {
  const headers = random.chance(0.3) ? { headers_only: true } : {};
  return random.pick([
    { src: ">", dest: "copy.>", ...headers },
    { src: `${letter}.x`, dest: `copy.${letter}`, ...headers },
    { src: `${letter}.*`, dest: "copy.$1.end", ...headers },
    { src: `${letter}.>`, dest: `${letter}.>`, ...headers },
    { src: ">", dest: "$JS.API.>", ...headers },
  ]);
}

export function subjectsOf(random: Random, letter: string): string[] {
  return random.pick(PATTERNS).map(pattern => `${letter}.${pattern}`);
}

export function randomConfig(random: Random, name: string, letter: string): Config {
  const config: Record<string, unknown> = {
    name,
    subjects: subjectsOf(random, letter),
    storage: random.pick(["file", "memory"]),
    allow_direct: random.chance(0.75),
  };
  for (const [field, [chance, value]] of Object.entries(FIELDS)) if (random.chance(chance)) config[field] = value(random, letter);
  return config;
}

/** A configuration with up to three other values. */
export function changedConfig(random: Random, config: Config, letter: string): Config {
  const changed: Record<string, unknown> = { ...config };
  delete changed.pedantic;
  for (let count = random.between(1, 3); count > 0; count--) {
    const field = random.pick(CHANGED);
    changed[field] = FIELDS[field]![1](random, letter);
  }
  if (random.chance(0.15)) changed.subjects = subjectsOf(random, letter);
  if (random.chance(0.05)) changed.storage = random.pick(["file", "memory"]);
  if (random.chance(0.05)) changed.sealed = true;
  // At its next start, nats-server changes permissions of such a stream (docs/differences.md).
  if (changed.sealed === true) delete changed.subject_delete_marker_ttl;
  return changed;
}
