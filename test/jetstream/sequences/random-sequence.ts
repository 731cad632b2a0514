/** Random sequences of requests to the stream API, publishes and direct gets, on up to three streams of one account. */
import { Random } from "../../../src/base/random/random.ts";
import { type Config, changedConfig, randomConfig, STREAMS } from "./random-config.ts";
import { randomFilter, randomPublication, randomSubject } from "./random-publication.ts";
import { headerBlock } from "./raw-client.ts";
import type { Restart, Sequence, Step } from "./step.ts";

const PARTS = 3;
const STEPS_MAX = 22;
/** Fields that streams do not have when the server is killed. */
const FORGOTTEN = new Set(["max_msgs", "max_bytes", "max_msgs_per_subject", "discard_new_per_subject", "persist_mode"]);

const LIMITS: readonly string[] = [
  "enabled",
  "enabled",
  "{}",
  "{ max_memory: 2000, max_store: 3000 }",
  "{ max_streams: 2 }",
  "{ max_bytes_required: true, store_max_stream_bytes: 4000, mem_max_stream_bytes: 3000 }",
  "{ max_memory: 20000, max_store: 20000, max_streams: 3 }",
];

/** The same seed gives the same sequence. */
export function randomSequence(seed: number): Sequence {
  const random = new Random(seed);
  const limits = random.pick(LIMITS);
  const maker = new SequenceMaker(random);
  return { seed, limits, restart: maker.restart, parts: maker.parts() };
}

class SequenceMaker {
  private readonly configs = new Map<string, Config>();
  /** Messages that are written at once may have the same time, so such a sequence asks for nothing by time. */
  private readonly hasBursts: boolean;
  private readonly restarts: boolean;
  /**
   * How the server ends between parts. If it is killed, streams have no limits that remove messages: only `index.db`, which a server writes when it
   * is stopped, knows those. And they do not persist later: nats-server loses messages of such streams.
   */
  readonly restart: Restart;

  constructor(private readonly random: Random) {
    this.hasBursts = random.chance(0.5);
    this.restarts = random.chance(0.6);
    this.restart = random.pick(["stop", "kill"]);
  }

  parts(): Step[][] {
    const { random } = this;
    return Array.from({ length: this.restarts ? PARTS : 1 }, (_, part) => {
      const steps: Step[] = [];
      if (part === 0) for (let count = random.between(1, 2); count > 0; count--) steps.push(this.create());
      for (let count = random.between(5, STEPS_MAX) * (this.restarts ? 1 : PARTS); count > 0; count--) steps.push(this.step());
      return steps;
    });
  }

  private step(): Step {
    const { random } = this;
    if (random.chance(0.45)) return this.publish();
    if (random.chance(0.3)) return this.directGet();
    const kind = random.below(100);
    if (kind < 10) return this.create();
    if (kind < 25 && !this.isKilled) return this.update();
    if (kind < 29) return this.api("DELETE", random.chance(0.1) ? "x" : "");
    if (kind < 43) return this.purge();
    if (kind < 58) return this.deleteMessage();
    if (kind < 80) return this.getMessage();
    if (kind < 92) return this.info();
    if (kind < 96) return { ...this.api("NAMES", this.listBody()), subject: "STREAM.NAMES" } as Step;
    if (kind < 99) return { ...this.api("LIST", this.listBody()), subject: "STREAM.LIST" } as Step;
    return { kind: "api", subject: random.pick(["INFO", "STREAM.PEER.REMOVE.S1", "STREAM.LEADER.STEPDOWN.S1"]), body: "", header: "" };
  }

  private get isKilled(): boolean {
    return this.restarts && this.restart === "kill";
  }

  private name(): string {
    return this.random.chance(0.03) ? "none" : this.random.pick(STREAMS)[0];
  }

  /** A request about a stream; a few bodies are cut. */
  private api(verb: string, body: string): Step {
    const { random } = this;
    const header = random.chance(0.03) ? headerBlock([`Nats-Required-Api-Level: ${random.pick(["1", "5", "6", "x", ""])}`]) : "";
    const cut = body !== "" && random.chance(0.03) ? body.slice(0, random.below(body.length)) : body;
    return { kind: "api", subject: `STREAM.${verb}.${this.name()}`, body: cut, header };
  }

  private create(): Step {
    const { random } = this;
    const [name, letter] = random.pick(STREAMS);
    const known = this.configs.get(name);
    const config = known !== undefined && random.chance(0.25) ? known : this.configFor(name, letter);
    if (known === undefined) this.configs.set(name, config);
    return { ...this.api("CREATE", JSON.stringify(config)), subject: `STREAM.CREATE.${name}` } as Step;
  }

  private configFor(name: string, letter: string): Config {
    const config = randomConfig(this.random, name, letter);
    if (!this.isKilled) return config;
    return Object.fromEntries(Object.entries(config).filter(([field]) => !FORGOTTEN.has(field)));
  }

  private update(): Step {
    const { random } = this;
    const [name, letter] = random.pick(STREAMS);
    const config = changedConfig(random, this.configs.get(name) ?? { name, subjects: [`${letter}.>`] }, letter);
    if (random.chance(0.7)) this.configs.set(name, config);
    return { ...this.api("UPDATE", JSON.stringify(config)), subject: `STREAM.UPDATE.${name}` } as Step;
  }

  private purge(): Step {
    const { random } = this;
    const body: Record<string, unknown> = {};
    if (random.chance(0.5)) body.filter = randomFilter(random);
    const end = random.below(5);
    if (end < 2) body.seq = this.sequence();
    if (end === 2) body.keep = random.below(4);
    if (random.chance(0.03)) Object.assign(body, { seq: 1, keep: 1 });
    return this.api("PURGE", random.chance(0.3) ? "" : JSON.stringify(body));
  }

  private deleteMessage(): Step {
    const { random } = this;
    const body = { seq: this.sequence(), ...(random.chance(0.5) ? { no_erase: true } : {}) };
    return this.api("MSG.DELETE", JSON.stringify(body));
  }

  private getMessage(): Step {
    const { random } = this;
    const body = this.getBody(random.pick(["seq", "seq", "last", "next", "time", "time next", "none"]));
    if (random.chance(0.02)) body.batch = 2;
    return this.api("MSG.GET", JSON.stringify(body));
  }

  /** How a message is named. */
  private getBody(kind: string): Record<string, unknown> {
    const { random } = this;
    const body: Record<string, unknown> = {};
    const asked = this.hasBursts && kind.startsWith("time") ? "seq" : kind;
    if (asked === "seq") body.seq = this.sequence();
    if (asked === "last") body.last_by_subj = random.chance(0.5) ? randomSubject(random) : randomFilter(random);
    if (asked === "next" || asked === "time next") body.next_by_subj = random.chance(0.5) ? randomSubject(random) : randomFilter(random);
    if (asked === "next" && random.chance(0.7)) body.seq = this.sequence();
    if (asked.startsWith("time")) body.start_time = this.time();
    if (random.chance(0.1)) body.no_hdr = true;
    if (random.chance(0.03)) body.last_by_subj = "a.x";
    return body;
  }

  private directGet(): Step {
    const { random } = this;
    const name = this.name();
    if (random.chance(0.25)) {
      const subject = random.chance(0.75) ? randomSubject(random) : random.pick(["a.*", "b.>", ">", "c.x"]);
      const body = random.chance(0.8)
        ? ""
        : JSON.stringify(random.pick([{ no_hdr: true }, {}, { seq: 1 }, { batch: 1 }, { max_bytes: 5 }]));
      return { kind: "get", subject: `${name}.${subject}`, body };
    }
    const body = random.chance(0.3)
      ? this.multiBody()
      : this.getBody(random.pick(["seq", "seq", "last", "next", "next", "time", "time next", "none"]));
    if (body.multi_last === undefined && random.chance(0.4)) body.batch = random.pick([1, 2, 3, 10, 1_000, -1, 0]);
    if (random.chance(0.1)) body.max_bytes = random.pick([1, 50, 200, -1]);
    return { kind: "get", subject: name, body: random.chance(0.03) ? random.pick(["", "{", "x", "{}", "[]"]) : JSON.stringify(body) };
  }

  private multiBody(): Record<string, unknown> {
    const { random } = this;
    const body: Record<string, unknown> = { multi_last: Array.from({ length: random.between(1, 3) }, () => randomFilter(random)) };
    if (random.chance(0.3)) body.seq = this.sequence();
    const end = random.below(3);
    if (end === 0) body.up_to_seq = this.sequence();
    if (end === 1 && !this.hasBursts) body.up_to_time = this.time();
    if (random.chance(0.2)) body.batch = random.pick([1, 2, 5]);
    if (random.chance(0.1)) body.no_hdr = true;
    return body;
  }

  private info(): Step {
    const { random } = this;
    const body: Record<string, unknown> = {};
    if (random.chance(0.5)) body.deleted_details = true;
    if (random.chance(0.5)) body.subjects_filter = random.chance(0.5) ? ">" : randomFilter(random);
    if (random.chance(0.2)) body.offset = random.pick([0, 1, 2, 50, -1]);
    return this.api("INFO", random.chance(0.3) ? "" : JSON.stringify(body));
  }

  private listBody(): string {
    const { random } = this;
    if (random.chance(0.4)) return "";
    return JSON.stringify({
      ...(random.chance(0.6) ? { subject: randomFilter(random) } : {}),
      ...(random.chance(0.4) ? { offset: random.pick([-1, 0, 1, 5]) } : {}),
    });
  }

  private sequence(): number {
    const { random } = this;
    return random.chance(0.08) ? random.pick([0, 1_000, 1_000_000, 1_000_001, 1_000_003, Number.MAX_SAFE_INTEGER]) : random.between(0, 14);
  }

  private time(): string {
    const { random } = this;
    if (random.chance(0.1)) return random.pick(["2000-01-01T00:00:00Z", "2200-01-01T00:00:00Z"]);
    return `<time of ${random.pick(STREAMS)[0]} ${random.between(1, 14)} ${random.pick([0, 0, 1, -1])}>`;
  }

  private publish(): Step {
    const { random } = this;
    const count = this.hasBursts && random.chance(0.3) ? random.between(2, 12) : 1;
    return { kind: "publish", messages: Array.from({ length: count }, () => randomPublication(random)) };
  }
}
