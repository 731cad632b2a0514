/**
 * Random conversations for the differential fuzz test: valid commands, hostile ones, and cuts anywhere.
 *
 * A conversation has a few connections. Each first sends a setup that every server must accept, then, one connection after the other,
 * a script that may end in something hostile. They do not overlap, so that what each receives does not depend on timing.
 *
 * Left out on purpose, as the reference's answer depends there on how the network cuts, or on the order of a Go map:
 *   - a CR inside a control line that does not end it (dropped, or taking the last byte with it)
 *   - anything after a client's -ERR (done when it came in the same read), and HMSG (taken when it is not cut)
 *   - two members of a queue group, and two plain subscriptions of one connection that match its reply subject
 */
import type { Random } from "../../src/base/random/random.ts";

export interface Script {
  /** Accepted by every server, and answered with one PONG at its end. */
  readonly setup: string;
  /** The writes that follow: the pieces of the script as the network cuts it. As latin1 text, one character a byte. */
  readonly pieces: readonly string[];
}

export type Conversation = readonly Script[];

const CONNECTIONS_MAX = 3;
const COMMANDS_MAX = 14;
const CUTS_MAX = 4;
/** Share of scripts with a hostile part. */
const HOSTILE_RATIO = 0.35;

export function randomConversation(random: Random): Conversation {
  const count = random.between(1, CONNECTIONS_MAX);
  return Array.from({ length: count }, (_, index) => new ScriptWriter(random, index).script());
}

/** The conversation as text, for the message of a failure. */
export function conversationText(conversation: Conversation): string {
  const scripts = conversation.map(({ setup, pieces }, index) => `${index}: ${JSON.stringify(setup)}\n   ${JSON.stringify(pieces)}`);
  return scripts.join("\n").replace(/(?:PING\\r\\n){3,}/g, pings => `«PING\\r\\n ${pings.length / "PING\\r\\n".length} times»`);
}

class ScriptWriter {
  private readonly headers: boolean;
  private readonly noResponders: boolean;
  private groups = 0;

  constructor(
    private readonly random: Random,
    private readonly index: number,
  ) {
    this.headers = random.chance(0.5);
    this.noResponders = this.headers && random.chance(0.5);
  }

  script(): Script {
    const { random } = this;
    let body = "";
    const commands = random.below(COMMANDS_MAX);
    for (let command = 0; command < commands; command++) body += this.command();
    if (random.chance(HOSTILE_RATIO)) body = this.hostile(body);
    return { setup: this.setup(), pieces: this.cut(body) };
  }

  private setup(): string {
    const { random } = this;
    const connect: Record<string, unknown> = { headers: this.headers, no_responders: this.noResponders };
    for (const flag of ["verbose", "pedantic", "echo"]) if (random.chance(0.9)) connect[flag] = random.chance(flag === "echo" ? 0.8 : 0.2);
    let text = `CONNECT ${JSON.stringify(connect)}\r\nSUB _INBOX.${this.index}.* inbox\r\n`;
    for (let subscription = random.between(1, 6); subscription > 0; subscription--) text += this.subscribe();
    return `${text}PING\r\n`;
  }

  private command(): string {
    const { random } = this;
    switch (random.below(12)) {
      case 0:
      case 1:
        return this.subscribe();
      case 2:
        return this.unsubscribe();
      case 3:
        return this.cased("PING") + random.pick(["", " ", " junk"]) + this.lineEnd();
      case 4:
        return this.cased(random.pick(["PONG", "+OK"])) + this.lineEnd();
      case 5:
        return `INFO ${random.pick(["{}", '{"server_id":"x"}', '{"a":[1,null]}'])}\r\n`;
      case 6:
      case 7:
      case 8:
        return this.headers ? this.publishWithHeaders() : this.publish();
      default:
        return this.publish();
    }
  }

  private subscribe(): string {
    const { random } = this;
    const group = random.chance(0.25) ? `${this.blank()}g${this.index}-${this.groups++}` : "";
    return `${this.cased("SUB")}${this.blank()}${this.pattern()}${group}${this.blank()}${this.sid()}${this.lineEnd()}`;
  }

  private unsubscribe(): string {
    const { random } = this;
    const max = random.chance(0.5) ? this.blank() + random.pick(["0", "1", "2", "5", "-1", "x", "9999999999"]) : "";
    return `${this.cased("UNSUB")}${this.blank()}${this.sid()}${max}${this.lineEnd()}`;
  }

  private publish(): string {
    const payload = this.payload();
    return `${this.cased("PUB")}${this.blank()}${this.subject()}${this.reply()}${this.blank()}${payload.length}${this.lineEnd()}${payload}\r\n`;
  }

  private publishWithHeaders(): string {
    const { random } = this;
    const headers = random.chance(0.1)
      ? ""
      : `NATS/1.0${random.pick(["", " 100", " 503 x"])}\r\n${random.pick(["", "A: b\r\n", "x:\r\n"])}\r\n`;
    const payload = headers + this.payload();
    const sizes = `${headers.length}${this.blank()}${payload.length}`;
    return `${this.cased("HPUB")}${this.blank()}${this.subject()}${this.reply()}${this.blank()}${sizes}${this.lineEnd()}${payload}\r\n`;
  }

  private payload(): string {
    const { random } = this;
    const size = random.chance(0.03) ? random.below(70_000) : random.below(random.pick([1, 4, 40, 600]));
    return Array.from({ length: Math.min(size, 64) }, () => String.fromCharCode(random.below(256)))
      .join("")
      .padEnd(size, "PING\r\n");
  }

  private reply(): string {
    const { random } = this;
    if (random.chance(0.6)) return "";
    const reserved = random.chance(0.15);
    return this.blank() + random.pick(reserved ? ["_R_.x", "$JS.API.x", "_GR_.x", "$GR.x"] : [`_INBOX.${this.index}.x`, "r.b", "_R_", "*"]);
  }

  private subject(): string {
    const { random } = this;
    if (random.chance(0.05)) return random.pick(["_GR_.a", "$GR.a", "$NRG.a", "$NRG", "a.*", ">", "a..b", ".a", "a.", "a.>"]);
    return this.tokens(() => random.pick(["a", "a", "b", "b", "\u00c3\u00a9", "a*"]));
  }

  private pattern(): string {
    const { random } = this;
    if (random.chance(0.05)) return random.pick(["a..b", ".a", "a.", "a.>.b", "..", "_GR_.>", "$NRG.*"]);
    // The first token is no wildcard where another subscription could match the reply subject.
    const first = this.noResponders ? ["a", "b"] : ["a", "b", "*"];
    return (
      this.tokens(position => random.pick(position === 0 ? first : ["a", "b", "*", "*", "\u00c3\u00a9", "a*"])) +
      (random.chance(0.3) ? ".>" : "")
    );
  }

  private tokens(token: (position: number) => string): string {
    return Array.from({ length: this.random.pick([1, 1, 2, 2, 3]) }, (_, position) => token(position)).join(".");
  }

  private sid(): string {
    return this.random.pick(["1", "2", "3", "4", "x-y"]);
  }

  private blank(): string {
    return this.random.chance(0.9) ? " " : this.random.pick(["\t", "  ", " \t "]);
  }

  private lineEnd(): string {
    return (this.random.chance(0.05) ? this.blank() : "") + (this.random.chance(0.9) ? "\r\n" : "\n");
  }

  private cased(word: string): string {
    return this.random.chance(0.8) ? word : [...word].map(letter => (this.random.chance(0.5) ? letter.toLowerCase() : letter)).join("");
  }

  /** Makes the script invalid, at its end or within it. */
  private hostile(body: string): string {
    const { random } = this;
    switch (random.below(5)) {
      case 0:
        return this.withOtherByte(body);
      case 1:
        return body.slice(0, random.below(body.length + 1));
      case 2:
        return (
          body + String.fromCharCode(...Array.from({ length: 20 }, () => random.pick([0, 32, 80, 83, 85, 255, random.between(14, 255)])))
        );
      default:
        return `${body}${random.pick(HOSTILE_LINES)}\r\n${this.command()}`;
    }
  }

  /** Replaces one byte that is not part of a line end: that would give one of the cases that are left out on purpose. */
  private withOtherByte(body: string): string {
    const at = this.random.below(body.length + 1);
    const byte = body[at];
    if (byte === undefined || byte === "\r" || byte === "\n") return body;
    return body.slice(0, at) + String.fromCharCode(this.random.between(14, 255)) + body.slice(at + 1);
  }

  private cut(body: string): string[] {
    const { random } = this;
    const cuts = Array.from({ length: random.below(CUTS_MAX + 1) }, () => random.below(body.length + 1)).sort((a, b) => a - b);
    const ends = [...cuts, body.length];
    return ends.map((end, index) => body.slice(index === 0 ? 0 : ends[index - 1], end)).filter(piece => piece !== "");
  }
}

const HOSTILE_LINES = [
  "",
  "BAD",
  "MSG a 1 0\r\n",
  "HMSG a 1 0 0\r\nx",
  "PUB a",
  "PUB  ",
  "PUB a b c 1",
  "PUB a -1",
  "PUB a 999999999",
  "PUB a 1000000000",
  "PUB a 99999999999999999999",
  "PUB a 3\r\nabcd",
  "PUB a 3\r\nab",
  "HPUB a 5 4",
  "HPUB a -1 4",
  "HPUB a 4",
  "HPUB a b c 1 2",
  "SUB a",
  "SUB a b c d",
  "UNSUB  ",
  "UNSUB 1 2 3",
  "CONNECT {",
  "CONNECT 1",
  "CONNECT []",
  "CONNECT null",
  'CONNECT {"verbose":1}',
  'CONNECT {"verbose":true}',
  'CONNECT {"protocol":5}',
  'CONNECT {"no_responders":true,"headers":false}',
  'CONNECT {"account":"x"}',
  "INFO x",
  "INFO",
  "+KO",
  "R",
  "L",
  "A",
  `SUB ${"a".repeat(5000)} 1`,
  `PUB ${"a.".repeat(3000)} 1`,
];
