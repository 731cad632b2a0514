/** A client for the tests of the system account: sends requests, records messages, and makes answers of two servers comparable. */
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";

/** How long a test waits to see that there is no answer. */
const SILENCE_MS = 300;
const ANSWER_MS = 60_000;

export interface ReceivedMessage {
  readonly subject: string;
  readonly content: unknown;
}

export class SystemClient {
  /** Received messages, in order. */
  readonly received: ReceivedMessage[] = [];

  private constructor(readonly connection: NatsConnection) {}

  static async open(port: number, user: string, name = user): Promise<SystemClient> {
    const servers = `127.0.0.1:${port}`;
    return new SystemClient(await connect({ servers, user, pass: "p", name, tls: null, reconnect: false, timeout: ANSWER_MS }));
  }

  /** @returns the answer, its JSON decoded; null when there is none */
  async ask(subject: string, body: unknown = "", timeoutMs = ANSWER_MS): Promise<unknown> {
    try {
      const payload = typeof body === "string" ? body : JSON.stringify(body);
      return decoded((await this.connection.request(subject, payload, { timeout: timeoutMs })).data);
    } catch (error) {
      if (/timeout|no responders/i.test(String(error))) return null;
      throw error;
    }
  }

  /** Sends a request. @returns whether there was no answer within `SILENCE_MS` */
  async isIgnored(subject: string, body: unknown = ""): Promise<boolean> {
    return (await this.ask(subject, body, SILENCE_MS)) === null;
  }

  async askEncoded(subject: string, accepted: string): Promise<{ readonly encoding: string | undefined; readonly data: Uint8Array }> {
    const header = headers();
    header.set("Accept-Encoding", accepted);
    const answer = await this.connection.request(subject, "", { timeout: ANSWER_MS, headers: header });
    return { encoding: answer.headers?.get("Content-Encoding"), data: answer.data };
  }

  /** Subscribes; messages on these subjects are kept in `received`. */
  async listen(...subjects: string[]): Promise<void> {
    for (const subject of subjects) {
      this.connection.subscribe(subject, {
        callback: (_error, message) => void this.received.push({ subject: message.subject, content: decoded(message.data) }),
      });
    }
    await this.connection.flush();
  }

  async publish(subject: string, body = ""): Promise<void> {
    this.connection.publish(subject, body);
    await this.connection.flush();
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

function decoded(data: Uint8Array): unknown {
  const text = Buffer.from(data).toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Waits for a condition that another process or connection fulfils. */
export async function waitFor(condition: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadline = performance.now() + ANSWER_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`timeout: ${what()}`);
    await Bun.sleep(2); // the interval of a condition that has no event
  }
}

const SERVER_ID = /N[A-Z2-7]{55}/g;
const INBOX = /_INBOX(\.\w+)+/;
/** Fields whose values differ between runs: replaced by their types. */
const VARIABLE_FIELDS = new Set([
  ..."now start stop time timestamp last_activity config_load_time update_time config_digest uptime idle rtt".split(" "),
  ..."cid port mem cpu cores seq http_port go gomaxprocs pending_bytes id".split(" "),
  ..."bytes out_bytes out_client_bytes".split(" "), // the reference writes longer times
  ..."msgs in_msgs in_bytes out_msgs in_client_msgs in_client_bytes out_client_msgs".split(" "), // the reference counts a little later
]);
/** Counts that include internal subscriptions: the reference has ten more, for clusters. */
const COUNT_FIELDS = new Set(
  "subscriptions num_subscriptions num_cache num_inserts num_removes num_matches cache_hit_rate max_fanout avg_fanout".split(" "),
);
/** Lists that the reference makes from maps, in random order. */
const UNORDERED_LISTS = new Set([
  "subscriptions_list",
  "subscriptions_list_detail",
  "accounts",
  "account_statz",
  "account_details",
  "stream_detail",
  "imports",
  "exports",
  "allow",
  "deny",
]);

/** Replaces what may differ between two servers; keeps the order of keys. */
export function withoutVariableValues(value: unknown, key = ""): unknown {
  if (typeof value === "string")
    return VARIABLE_FIELDS.has(key) ? "<string>" : value.replaceAll(SERVER_ID, "<server>").replace(INBOX, "<inbox>");
  if (typeof value !== "object" || value === null) return VARIABLE_FIELDS.has(key) || COUNT_FIELDS.has(key) ? `<${typeof value}>` : value;
  if (Array.isArray(value)) {
    const items = value.map(item => withoutVariableValues(item, key));
    return UNORDERED_LISTS.has(key) ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  // The sids of the server's own subscriptions differ.
  const unnumbered = "sid" in value && "subject" in value && String(value.subject).startsWith("$SYS.");
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== "bunats") // our own version in /varz
      .map(([name, item]) => [name, unnumbered && name === "sid" ? "<sid>" : withoutVariableValues(item, name)]),
  );
}

/** The JSON of a value as lines; comparing lines compares the order of keys too. */
export function lines(value: unknown): string[] {
  return JSON.stringify(value, null, 1).split("\n");
}
