/**
 * Random changes of a store and of the model, which must agree after each: state, removals, usage, and from time to time everything that can be asked.
 *
 *   steps = a list of plain values ─▶ both stores ─▶ first difference ─▶ steps are left out while it stays ─▶ the shortest list is printed
 * A list replays alone, without random numbers.
 */
import type { Random } from "../../src/base/random/random.ts";
import { NO_STORE_LIMITS, type StoreLimits } from "../../src/store/contract/store-limits.ts";
import { ModelStore } from "../doubles/model-store.ts";
import { ANY_SEQUENCE, DrivenStore, withTtl } from "./driven-store.ts";
import type { StoreKind } from "./store-kind.ts";

type Limits = Partial<Omit<StoreLimits, "ageMaxNs"> & { ageMaxMs: number }>;

export type Step =
  | { do: "append"; subject: string; header: string; payload: string; afterMs: number; ttl: number; gap: number }
  | { do: "skip"; afterMs: number }
  | { do: "skipRange"; count: number }
  | { do: "remove" | "erase" | "compact" | "truncate"; sequence: number }
  | { do: "purge"; filter: string | null; below: number; keep: number }
  | { do: "expire"; afterMs: number }
  | { do: "reconfigure"; limits: Limits }
  | { do: "reopen" | "kill" | "audit" };

const SUBJECTS = ["a", "b", "a.b", "a.c", "a.b.c", "a.b.d", "b.x.y", "b.z.y", "é.ü", "*", "a.*"];
const FILTERS = ["a", "b", "a.b", ">", "*", "a.*", "*.*", "a.>", "b.*.y", "k.*", "k.>", "k.7", "nobody", "a.b.c.d"];
const HEADERS = [
  "",
  "",
  "",
  "NATS/1.0\r\nX: y\r\n\r\n",
  "NATS/1.0\r\nNats-Rollup: sub\r\n\r\n",
  "NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\n\r\n",
];
const MARKER = "NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 3s\r\nNats-Rollup: sub\r\n\r\n";
const MARKER_SECONDS = 3;
const START = 1_700_000_000_123_456_789n;
const MILLISECOND = 1_000_000n;

/** Applies steps to a new store and to the model. */
class Comparison {
  private time = START;

  private constructor(
    private readonly kind: StoreKind,
    readonly store: DrivenStore,
    readonly model: ModelStore,
  ) {}

  static async begin(kind: StoreKind): Promise<Comparison> {
    const store = await DrivenStore.open(kind, NO_STORE_LIMITS);
    return new Comparison(kind, store, new ModelStore(NO_STORE_LIMITS, kind.sizeOf));
  }

  /** @returns the first difference; null: none */
  async apply(step: Step): Promise<string | null> {
    const { model, store } = this;
    const answer = await this.run(step);
    if (answer !== null) return answer;
    const removed = [store.removed, model.removed];
    store.removed = [];
    model.removed = [];
    // The order in which messages expire, or subjects come under a new limit, is not part of the contract.
    if (step.do === "expire" || step.do === "reconfigure") for (const list of removed) list.sort();
    const below = [store.removedBelow, model.removedBelow];
    store.removedBelow = [];
    model.removedBelow = [];
    return (
      differ("removed", removed[0], removed[1]) ??
      differ("removed below", below[0], below[1]) ??
      differ("state", store.state, model.state) ??
      differ("usage", [store.usedMessages, store.usedBytes], [model.state.messages, model.state.bytes]) ??
      (step.do === "audit" ? await this.audit() : null)
    );
  }

  private async run(step: Step): Promise<string | null> {
    const { model, store } = this;
    switch (step.do) {
      case "append":
        return this.append(step);
      case "skip":
        this.time += BigInt(step.afterMs) * MILLISECOND;
        return differ("sequence", store.skip(this.time), model.skip(this.time));
      case "skipRange":
        store.skipRange(step.count, this.time);
        model.skipRange(step.count, this.time);
        return null;
      case "remove":
        return differ("remove", await store.remove(step.sequence), model.remove(step.sequence));
      case "erase":
        return differ("erase", await store.erase(step.sequence), model.remove(step.sequence));
      case "compact":
        return differ("compact", await store.compact(step.sequence), model.compact(step.sequence));
      case "truncate":
        await store.truncate(step.sequence);
        model.truncate(step.sequence);
        return null;
      case "purge":
        return differ("purge", await store.purge(step.filter, step.below, step.keep), model.purge(step.filter, step.below, step.keep));
      case "expire":
        return this.expire(step.afterMs);
      case "reconfigure": {
        const { ageMaxMs = 0, ...others } = step.limits;
        const limits = { ...NO_STORE_LIMITS, ...others, ageMaxNs: BigInt(ageMaxMs) * MILLISECOND };
        await store.reconfigure(limits);
        model.reconfigure(limits);
        return null;
      }
      case "reopen":
      case "kill": {
        if (!this.kind.isPersistent) return null;
        await (step.do === "reopen" ? store.reopen() : store.kill());
        const sequences = (await store.scan(null, 0, 1)).map(({ sequence }) => sequence);
        if (model.reopen(sequences, store.state.firstSequence)) return null;
        return differ(
          `messages after ${step.do}`,
          sequences,
          model.kept.map(({ sequence }) => sequence),
        );
      }
      case "audit":
        return null;
    }
  }

  private async append(step: Extract<Step, { do: "append" }>): Promise<string | null> {
    const { model, store } = this;
    const { payload, subject, ttl } = step;
    const header = withTtl(step.header, ttl);
    const refusal = await store.check(subject, header, payload);
    const difference = differ("check", refusal, model.check(subject, header, payload));
    if (difference !== null || refusal !== null) return difference;
    this.time += BigInt(step.afterMs) * MILLISECOND;
    const sequence = step.gap === 0 ? null : store.state.lastSequence + 1 + step.gap;
    return differ(
      "sequence",
      await store.append(subject, header, payload, this.time, ttl, sequence),
      model.append(subject, header, payload, this.time, ttl, sequence),
    );
  }

  private async expire(afterMs: number): Promise<string | null> {
    const { model, store } = this;
    this.time += BigInt(afterMs) * MILLISECOND;
    const [stores, models]: string[][] = [[], []];
    const next = await store.expire(this.time, ({ subject }) => stores.push(subject));
    model.expire(this.time, ({ subject }) => models.push(subject));
    for (const subject of new Set(models)) {
      await store.append(subject, MARKER, "", this.time, MARKER_SECONDS);
      model.append(subject, MARKER, "", this.time, MARKER_SECONDS);
    }
    for (const subject of models) {
      await store.purge(subject, 0, 1);
      model.purge(subject, 0, 1);
    }
    return differ("markers", stores.sort(), models.sort()) ?? (models.length > 0 ? null : this.auditNextExpiry(next, model.nextExpiry));
  }

  /** Compares everything that can be asked. */
  private async audit(): Promise<string | null> {
    const { model, store } = this;
    const { firstSequence, lastSequence } = model.state;
    const differences: (string | null)[] = [
      this.auditNextExpiry(store.store.nextExpiry, model.nextExpiry),
      differ("deleted", await store.deleted(), model.deleted()),
    ];
    for (const message of model.kept) {
      const { sequence } = message;
      differences.push(differ(`load ${sequence}`, await store.load(sequence), model.load(sequence)));
      differences.push(differ(`at ${message.time}`, await store.sequenceAt(message.time), model.sequenceAt(message.time)));
      differences.push(differ(`after ${message.time}`, await store.sequenceAt(message.time + 1n), model.sequenceAt(message.time + 1n)));
    }
    const middle = Math.floor((firstSequence + lastSequence) / 2);
    for (const sequence of [0, firstSequence - 1, lastSequence + 1]) {
      differences.push(differ(`load ${sequence}`, await store.load(sequence), model.load(sequence)));
    }
    for (const subject of new Set([...SUBJECTS, "k.7", ...model.kept.map(message => message.subject)])) {
      differences.push(
        differ(`last of ${subject}`, await store.lastOf(subject), model.kept.findLast(kept => kept.subject === subject)?.sequence ?? 0),
      );
      differences.push(differ(`total of ${subject}`, store.totalOf(subject), model.totalOf(subject)));
    }
    for (const filter of FILTERS) differences.push(await this.auditFilters([filter], middle));
    differences.push(await this.auditFilters(["a", "b"], middle), await this.auditFilters(["a.>", "k.*", "b.x.*"], middle));
    differences.push(await this.auditScans(null, middle));
    return differences.find(difference => difference !== null) ?? null;
  }

  /** A store on a disk may give an earlier time, and find out when it is asked to expire messages. */
  private auditNextExpiry(stores: bigint | null, models: bigint | null): string | null {
    if (this.kind.isPersistent && stores !== null && (models === null || stores < models)) return null;
    return differ("next expiry", stores, models);
  }

  private async auditFilters(filters: string[], middle: number): Promise<string | null> {
    const { model, store } = this;
    const name = filters.join(" ");
    for (const from of [0, middle]) {
      for (const onlyLast of [false, true]) {
        const difference = differ(
          `count of ${name} from ${from} ${onlyLast}`,
          await store.countFrom(from, filters, onlyLast),
          model.countFrom(from, filters, onlyLast),
        );
        if (difference !== null) return difference;
      }
    }
    for (const upTo of [0, middle]) {
      for (const most of [0, 3]) {
        const difference = differ(
          `last per subject of ${name} up to ${upTo}, at most ${most}`,
          await store.lastPerSubject(filters, upTo, most),
          model.lastPerSubject(filters, upTo, most),
        );
        if (difference !== null) return difference;
      }
    }
    return (
      differ(`totals of ${name}`, await store.subjectTotals(filters[0]), model.subjectTotals(filters[0])) ??
      differ(`last of ${name}`, await store.lastMatching(filters[0], ANY_SEQUENCE), model.lastMatching(filters[0], ANY_SEQUENCE)) ??
      differ(`last of ${name} up to ${middle}`, await store.lastMatching(filters[0], middle), model.lastMatching(filters[0], middle)) ??
      (await this.auditScans(filters, middle))
    );
  }

  private async auditScans(filters: string[] | null, middle: number): Promise<string | null> {
    const { model, store } = this;
    for (const from of [0, middle, ANY_SEQUENCE]) {
      for (const direction of [1, -1] as const) {
        const name = `scan of ${filters} from ${from} direction ${direction}`;
        const difference = differ(name, await store.scan(filters, from, direction), model.scan(filters, from, direction));
        if (difference !== null) return difference;
      }
    }
    return null;
  }
}

/** Runs random steps. @returns a description of the first difference with the shortest list of steps; null: none */
export async function fuzzMessageStore(kind: StoreKind, random: Random, count: number): Promise<string | null> {
  const comparison = await Comparison.begin(kind);
  const steps: Step[] = [];
  for (let done = 0; done < count; done++) {
    const step = randomStep(random, comparison.model);
    steps.push(step);
    const difference = await tryStep(comparison, step);
    if (difference !== null) return describe(await shorten(kind, steps), difference);
  }
  await comparison.store.store.destroy();
  return null;
}

/** @returns what is different, or the error */
async function tryStep(comparison: Comparison, step: Step): Promise<string | null> {
  try {
    return await comparison.apply(step);
  } catch (error) {
    return Bun.inspect(error);
  }
}

/** Applies a list of steps. @returns the first difference; null: none */
export async function replay(kind: StoreKind, steps: readonly Step[]): Promise<string | null> {
  const comparison = await Comparison.begin(kind);
  for (const step of steps) {
    const difference = await comparison.apply(step);
    if (difference !== null) return difference;
  }
  await comparison.store.store.destroy();
  return null;
}

/** Leaves out steps, more at a time first, while a difference remains. */
async function shorten(kind: StoreKind, failing: readonly Step[]): Promise<Step[]> {
  let steps = [...failing];
  for (let size = steps.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < steps.length; ) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)];
      if (await fails(kind, fewer)) steps = fewer;
      else at += size;
    }
  }
  return steps;
}

async function fails(kind: StoreKind, steps: readonly Step[]): Promise<boolean> {
  try {
    return (await replay(kind, steps)) !== null;
  } catch {
    return true;
  }
}

function describe(steps: readonly Step[], difference: string): string {
  return `${difference}\nsteps:\n${steps.map(step => JSON.stringify(step)).join("\n")}`;
}

function differ(name: string, ours: unknown, models: unknown): string | null {
  return Bun.deepEquals(ours, models)
    ? null
    : `${name}: ${Bun.inspect(ours, { depth: 4 })}, the model: ${Bun.inspect(models, { depth: 4 })}`;
}

function randomStep(random: Random, model: ModelStore): Step {
  const { firstSequence, lastSequence } = model.state;
  const someSequence = () => random.between(Math.max(0, firstSequence - 2), lastSequence + 2);
  const roll = random.below(1000);
  if (roll < 600) return randomAppend(random);
  if (roll < 620) return { do: "skip", afterMs: random.below(500) };
  if (roll < 625) return { do: "skipRange", count: random.chance(0.1) ? 10_000 : random.between(1, 5) };
  if (roll < 760) return { do: "remove", sequence: random.chance(0.3) ? firstSequence : someSequence() };
  if (roll < 770) return { do: "erase", sequence: someSequence() };
  if (roll < 820) return randomPurge(random, someSequence());
  if (roll < 830) return { do: "compact", sequence: someSequence() };
  if (roll < 833) return { do: "truncate", sequence: random.chance(0.05) ? 0 : Math.max(0, lastSequence - random.below(4)) };
  if (roll < 880) return { do: "expire", afterMs: random.below(3_000) };
  if (roll < 900) return { do: "reconfigure", limits: randomLimits(random) };
  if (roll < 910) return { do: random.pick(["reopen", "kill"]) };
  return { do: "audit" };
}

function randomAppend(random: Random): Step {
  const ttl = random.chance(0.7) ? 0 : random.pick([-1, 1, 2, 3, 60]);
  return {
    do: "append",
    subject: random.chance(0.3) ? `k.${random.below(40)}` : random.pick(SUBJECTS),
    header: random.pick(HEADERS),
    payload: "x".repeat(random.chance(0.02) ? random.below(100_000) : random.below(60)),
    afterMs: random.below(100),
    ttl,
    gap: random.chance(0.03) ? random.pick([1, 3, 5_000, 1_000_000]) : 0,
  };
}

function randomPurge(random: Random, sequence: number): Step {
  const filter = random.chance(0.2) ? null : random.pick(FILTERS);
  const kind = random.below(3);
  return { do: "purge", filter, below: kind === 1 ? sequence : 0, keep: kind === 2 ? random.below(6) : 0 };
}

function randomLimits(random: Random): Limits {
  const sometimes = (value: number) => (random.chance(0.4) ? value : -1);
  return {
    messagesMax: sometimes(random.between(1, 60)),
    bytesMax: sometimes(random.between(20, 4_000)),
    messagesPerSubjectMax: sometimes(random.between(1, 6)),
    ageMaxMs: random.chance(0.4) ? random.between(100, 5_000) : 0,
    discard: random.chance(0.3) ? "new" : "old",
    discardNewPerSubject: random.chance(0.5),
    allowTtl: random.chance(0.6),
    markerTtlSeconds: random.chance(0.3) ? MARKER_SECONDS : 0,
  };
}
