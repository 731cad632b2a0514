/**
 * Two equal servers get the same bytes of the same clients, cut at the same random places. One divides all work into tiny shares, so that reads,
 * deliveries and writes stop at any place; the other divides nothing. The results must be the same: which receiver gets which messages, per
 * publisher in order; what each client is told about its own commands, in order; the totals.
 */
import { expect, test } from "bun:test";
import { FakeHost, type FakePeer } from "../../../test/doubles/fake-host.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { LocalSubscriber } from "../../messaging/batch/local-subscriber.ts";
import { SubjectMappings } from "../../messaging/mapping/subject-mappings.ts";

const ROUNDS = 20;
const MIB = 1024 * 1024;
const SHARES = [1, 3, 20, 100, 400, 2_000];

/** How a client ends. A client that ends only publishes. */
type End = "stays" | "ends its side" | "is gone" | "breaks the protocol" | "ends its side, then is gone";

interface ClientPlan {
  readonly connect: string;
  readonly subscriptions: readonly string[];
  readonly commands: string;
  readonly end: End;
  /** Its kernel takes this many bytes at a time. */
  readonly room: number;
}

type Step =
  | { readonly does: "send"; readonly client: number; readonly from: number; readonly to: number }
  | { readonly does: "end"; readonly client: number }
  | { readonly does: "drain"; readonly client: number }
  | { readonly does: "slice" }
  | { readonly does: "wait"; readonly ms: number };

interface Plan {
  readonly clients: readonly ClientPlan[];
  readonly steps: readonly Step[];
  /** A callback in the process gets `cmd.>` and publishes on `out.<client>`. */
  readonly callback: boolean;
  readonly mapped: boolean;
  readonly shareUnits: number;
}

class CountingHost extends FakeHost {
  gone = 0;

  override onTransportClosed(): void {
    this.gone++;
  }
}

class Run {
  readonly host: CountingHost;
  readonly peers: FakePeer[];

  constructor(
    private readonly plan: Plan,
    shareUnits: number,
  ) {
    const host = new CountingHost({ pendingBytesMax: 64 * MIB }, shareUnits);
    this.host = host;
    const account = host.globalAccount;
    if (plan.callback) {
      const subscriber = new LocalSubscriber(account, error => {
        throw error;
      });
      subscriber.subscribe("cmd.*", null, (batch, index) => {
        account.publisher.publish(batch.subjectText(index).replace("cmd", "out"), "", null, batch.payload(index));
      });
    }
    if (plan.mapped) {
      const rules = [
        {
          source: "map.*",
          destinations: [
            { subject: "all.one", weight: 50, cluster: "" },
            { subject: "all.two", weight: 50, cluster: "" },
          ],
        },
        { source: "one.*", destinations: [{ subject: "all.$1", weight: 100, cluster: "" }] },
      ];
      account.mappings = new SubjectMappings(rules, "", host.turn.random);
    }
    this.peers = plan.clients.map(() => host.accept());
    plan.clients.forEach(({ connect, subscriptions }, index) => {
      const peer = this.peers[index]!;
      peer.send(`CONNECT ${connect}\r\n${subscriptions.map((subscription, sid) => `SUB ${subscription} ${sid}\r\n`).join("")}`);
    });
    this.rest();
    plan.clients.forEach(({ room }, index) => {
      this.peers[index]!.transport.room = room;
    });
    for (const step of plan.steps) this.take(step);
    this.rest();
  }

  private take(step: Step): void {
    const { clock } = this.host;
    if (step.does === "slice") clock.advance(0);
    else if (step.does === "wait") clock.advance(step.ms);
    else {
      const peer = this.peers[step.client]!;
      const { commands, end, room } = this.plan.clients[step.client]!;
      if (step.does === "send") peer.send(commands.slice(step.from, step.to));
      else if (step.does === "drain") peer.drain(room);
      else if (end !== "breaks the protocol") {
        if (end !== "is gone") peer.client.onEnd();
        if (end !== "ends its side") peer.client.onClose(null);
      }
    }
  }

  /** Until nothing is left to do, except timers of idle connections. */
  private rest(): void {
    for (let tick = 0; tick < 50; tick++) {
      this.host.clock.advance(1);
      for (const { client, transport } of this.peers) {
        transport.room = Number.POSITIVE_INFINITY;
        client.onDrain();
      }
    }
    this.peers.forEach(({ client, transport }, index) => {
      if (transport.ended && !this.plan.clients[index]!.end.endsWith("is gone")) client.onClose(null);
    });
    const { turn } = this.host;
    expect([turn.scheduler.waiting, turn.batch.count, turn.pool.taken, turn.fanOuts.isIdle]).toEqual([0, 0, 0, true]);
  }

  /** What does not depend on the size of shares. */
  results(): unknown {
    const { counters, closed, globalAccount, gone } = this.host;
    const clients = this.peers.map(({ client, transport }) => ({
      paused: transport.paused,
      closed: client.closed,
      received: [client.inMessages, client.inBytes],
    }));
    const { inMessages, inBytes, outMessages, outBytes } = counters;
    return {
      clients,
      closed: closed.toSorted(),
      gone,
      counters: { inMessages, inBytes, outMessages, outBytes },
      account: globalAccount.traffic,
      ...this.output(),
    };
  }

  private output() {
    /** By receiver, sid and publisher. */
    const runs: Record<string, string[]> = {};
    /** By queue group and publisher, sorted: the members share the messages. */
    const groups: Record<string, string[]> = {};
    /** By client: its own messages and the answers to its commands. */
    const told: string[][] = [];
    this.peers.forEach(({ transport }, index) => {
      const { end, subscriptions } = this.plan.clients[index]!;
      const own: string[] = [];
      if (end === "stays") told.push(own);
      else return;
      for (const line of linesOf(transport.taken)) {
        const [, sid, publisher] = /^\d?MSG \S+ (\d+) .*<(\d+)\.\d+>/s.exec(line.replace(/^HMSG/, "MSG")) ?? [];
        const queue = sid === undefined ? undefined : subscriptions[Number(sid)]?.split(" ")[1];
        if (sid === undefined) own.push(line);
        else if (queue !== undefined) {
          groups[`${queue} ${publisher}`] ??= [];
          groups[`${queue} ${publisher}`]!.push(payloadOf(line));
        } else {
          runs[`${index} ${sid} ${publisher}`] ??= [];
          runs[`${index} ${sid} ${publisher}`]!.push(payloadOf(line));
          if (publisher === String(index)) own.push(payloadOf(line));
        }
      }
    });
    for (const list of Object.values(groups)) list.sort();
    return { runs, groups, told };
  }
}

/** The payload without the subject, which a mapping may have drawn. */
function payloadOf(message: string): string {
  return /<\d+\.\d+>/.exec(message)![0];
}

/** Splits output into messages with their payloads, and lines. */
function linesOf(output: Buffer): string[] {
  const lines: string[] = [];
  const text = output.toString("latin1");
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf("\r\n", at) + 2;
    if (end === 1) throw new Error(`a line without its end: ${text.slice(at)}`);
    if (/^H?MSG /.test(text.slice(at, at + 5))) {
      end +=
        Number(
          text
            .slice(at, end - 2)
            .split(" ")
            .at(-1),
        ) + 2;
      if (text.slice(end - 2, end) !== "\r\n") throw new Error(`a message without its end: ${text.slice(at, end)}`);
    }
    lines.push(text.slice(at, end - 2));
    at = end;
  }
  return lines;
}

function randomPlan(random: Random): Plan {
  const count = 2 + random.below(4);
  const mapped = random.chance(0.3);
  const callback = random.chance(0.3);
  const traced = random.chance(0.2);
  const slow = random.chance(0.3);
  let message = 0;

  const publication = (client: number, subject: string, reply: string): string => {
    const payload = `<${client}.${++message}>${"x".repeat(random.chance(0.05) ? random.below(20_000) : random.below(40))}`;
    if (random.chance(0.2)) {
      const header = `NATS/1.0\r\n${traced && random.chance(0.5) ? "Nats-Trace-Dest: trace.dest\r\n" : "A: b\r\n"}\r\n`;
      return `HPUB ${subject} ${reply}${header.length} ${header.length + payload.length}\r\n${header}${payload}\r\n`;
    }
    const size = random.chance(0.02) ? `0${payload.length}` : String(payload.length);
    return `PUB ${subject} ${reply}${size}\r\n${payload}\r\n`;
  };
  const command = (client: number, end: End): string => {
    // A client that is gone gets no more messages, so only the others subscribe.
    const drawn = end === "stays" ? random.below(40) : 4 + random.below(36);
    if (drawn === 0) return "PING\r\n";
    if (drawn === 1) return publication(client, "$NRG.a", "");
    if (drawn === 2) return `SUB own.${client} ${90 + random.below(3)}\r\n`;
    if (drawn === 3) return `UNSUB ${90 + random.below(3)}${random.chance(0.3) ? " 4" : ""}\r\n`;
    if (drawn < 8) return publication(client, `own.${client}`, "");
    if (drawn < 10) return publication(client, random.pick(["nobody", "all.a"]), `own.${client} `);
    if (drawn < 12) return publication(client, `cmd.${client}`, "");
    if (drawn < 15) return publication(client, random.pick(["map.x", "one.a", "one.b"]), "");
    const subject = random.pick(["all.a", "all.a", "all.b", "some.a", "work.a"]);
    // Runs of messages on one subject
    return Array.from({ length: 1 + random.below(30) }, () => publication(client, subject, "")).join("");
  };
  const clients = Array.from({ length: count }, (_, client): ClientPlan => {
    const end: End = random.chance(0.6)
      ? "stays"
      : random.pick<End>(["ends its side", "is gone", "breaks the protocol", "ends its side, then is gone"]);
    const options = {
      verbose: random.chance(0.15),
      pedantic: random.chance(0.15),
      echo: random.chance(0.8),
      headers: true,
      no_responders: random.chance(0.5),
    };
    const subscriptions = end === "stays" ? Array.from({ length: random.below(25) }, () => random.pick(SUBSCRIPTIONS)) : [];
    let commands = Array.from({ length: random.below(40) }, () => command(client, end)).join("");
    if (end === "breaks the protocol") commands += "NONSENSE\r\n";
    return { connect: JSON.stringify(options), subscriptions, commands, end, room: slow && random.chance(0.5) ? random.below(3_000) : MIB };
  });
  return { clients, steps: randomSteps(random, clients), callback, mapped, shareUnits: random.pick(SHARES) };
}

const SUBSCRIPTIONS = ["all.*", "all.a", ">", "some.a", "all.b", "out.*", "work.* q1", "work.a q2", "*.a"];

function randomSteps(random: Random, clients: readonly ClientPlan[]): Step[] {
  const steps: Step[] = [];
  const sent = clients.map(() => 0);
  const left = clients.map((_, index) => index);
  const cutMax = random.pick([20, 500, 100_000]);
  while (left.length > 0) {
    const drawn = random.below(10);
    if (drawn === 0) steps.push({ does: "slice" });
    else if (drawn === 1) steps.push({ does: "wait", ms: random.below(3) });
    else if (drawn === 2) steps.push({ does: "drain", client: random.below(clients.length) });
    else {
      const client = random.pick(left);
      const from = sent[client]!;
      const { length } = clients[client]!.commands;
      const to = Math.min(length, from + 1 + random.below(cutMax));
      if (to > from) steps.push({ does: "send", client, from, to });
      sent[client] = to;
      if (to < length) continue;
      left.splice(left.indexOf(client), 1);
      if (clients[client]!.end !== "stays") steps.push({ does: "end", client });
    }
  }
  return steps;
}

test("fuzz: with tiny shares of work every receiver gets the same as if nothing were divided", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < ROUNDS; round++) {
    const plan = randomPlan(random);
    const whole = new Run(plan, Number.POSITIVE_INFINITY);
    const divided = new Run(plan, plan.shareUnits);
    expect(divided.results(), `SEED=${seed} round=${round}`).toEqual(whole.results());
  }
});
