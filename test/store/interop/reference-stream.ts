/** A stream of nats-server with a store directory of the test's, driven through its API. */
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { ReferenceServer } from "../../reference/reference-server.ts";

const ANSWER_MS = 60_000;

export interface StoreForm {
  readonly cipher: "aes" | "chacha" | null;
  readonly compressed: boolean;
}

export interface Secrets {
  readonly key: string;
  readonly previous: string | null;
}

/** A message as both servers must have it. */
export interface SeenMessage {
  readonly subject: string;
  readonly header: string;
  readonly payload: string;
}

export class ReferenceStream {
  private constructor(
    private readonly server: ReferenceServer,
    private readonly connection: NatsConnection,
  ) {}

  /** Starts nats-server with this store directory. */
  static async open(directory: string, form: StoreForm, secrets: Secrets, version?: string): Promise<ReferenceStream> {
    const { key, previous } = secrets;
    const lines =
      form.cipher === null ? [] : [`cipher: ${form.cipher}`, `key: "${key}"`, ...(previous === null ? [] : [`prev_key: "${previous}"`])];
    const server = await ReferenceServer.start(`jetstream {\n store_dir: "${directory}"\n ${lines.join("\n ")}\n}`, version);
    const connection = await connect({ servers: `127.0.0.1:${server.port}`, reconnect: false, timeout: ANSWER_MS });
    return new ReferenceStream(server, connection);
  }

  /** @param bytesMax few: the stream's blocks are small, 32,000 bytes */
  async create(form: StoreForm, bytesMax: number): Promise<void> {
    const compression = form.compressed ? "s2" : "none";
    const config = { name: "S", subjects: ["s.>"], storage: "file", max_bytes: bytesMax, compression };
    await this.ask("STREAM.CREATE.S", config);
  }

  async publish({ header, payload, subject }: SeenMessage): Promise<number> {
    const options = { timeout: ANSWER_MS, ...(header === "" ? {} : { headers: headersOf(header) }) };
    const { data } = await this.connection.request(subject, payload, options);
    return (JSON.parse(Buffer.from(data).toString()) as { seq: number }).seq;
  }

  /** @param overwrites the message's bytes too */
  async remove(sequence: number, overwrites: boolean): Promise<void> {
    await this.ask("STREAM.MSG.DELETE.S", { seq: sequence, no_erase: !overwrites });
  }

  /** null: there is no such message. */
  async read(sequence: number): Promise<SeenMessage | null> {
    const { error, message } = await this.request("STREAM.MSG.GET.S", { seq: sequence });
    if (error?.err_code === 10037) return null;
    if (message === undefined) throw new Error(`no answer about ${sequence}: ${JSON.stringify(error)}`);
    const text = (base64: string | undefined) => Buffer.from(base64 ?? "", "base64").toString();
    return { subject: message.subject, header: text(message.hdrs), payload: text(message.data) };
  }

  /** Messages, first and last sequence. */
  async state(): Promise<[messages: number, first: number, last: number]> {
    const { state } = await this.ask("STREAM.INFO.S", {});
    return [state!.messages, state!.first_seq, state!.last_seq];
  }

  log(): string {
    return this.server.log();
  }

  async stop(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await this.connection.close();
    await this.server.stop(signal);
  }

  private async ask(subject: string, body: object): Promise<ApiAnswer> {
    const answer = await this.request(subject, body);
    if (answer.error !== undefined) throw new Error(`${subject}: ${answer.error.description}`);
    return answer;
  }

  private async request(subject: string, body: object): Promise<ApiAnswer> {
    const { data } = await this.connection.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: ANSWER_MS });
    return JSON.parse(Buffer.from(data).toString()) as ApiAnswer;
  }
}

interface ApiAnswer {
  readonly error?: { readonly err_code: number; readonly description: string };
  readonly message?: { readonly subject: string; readonly hdrs?: string; readonly data?: string };
  readonly state?: { readonly messages: number; readonly first_seq: number; readonly last_seq: number };
}

/** @param text `NATS/1.0`, lines, an empty line */
function headersOf(text: string): ReturnType<typeof headers> {
  const made = headers();
  for (const line of text.split("\r\n").slice(1, -2)) made.append(line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2));
  return made;
}
