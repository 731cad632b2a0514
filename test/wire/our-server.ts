/**
 * Our server in this process, with options written as lines of nats-server's configuration file.
 *
 * The library has no configuration language yet, so the lines that scenarios use are translated here, by the names in `OPTIONS`.
 */
import { OPTIONS, type Options } from "../../src/config/options.ts";
import type { ServerAddress } from "./play.ts";

export interface RunningServer extends ServerAddress {
  stop(): Promise<void>;
}

/**
 * Starts a server on free ports of 127.0.0.1.
 * @param config lines as in a scenario, such as `max_payload: 1024`
 * @throws on a line that names no option of ours
 */
export async function startOurServer(config: readonly string[]): Promise<RunningServer> {
  const library = "../../src/index.ts"; // by name, so that the reference's side runs where ours does not build
  const { NatsServer } = (await import(library)) as { NatsServer: { start(options: Partial<Options>): Promise<OurServer> } };
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, httpPort: 0, ...optionsOf(config) });
  return { port: server.port, monitorPort: server.monitorPort, stop: () => server.stop() };
}

interface OurServer {
  readonly port: number;
  readonly monitorPort: number;
  stop(): Promise<void>;
}

/** Options whose name in the file says the opposite of ours. */
const NEGATED: Record<string, keyof Options> = {
  no_header_support: "headers",
  disable_sublist_cache: "sublistCache",
  no_fast_producer_stall: "fastProducerStall",
};

export function optionsOf(config: readonly string[]): Partial<Options> {
  const options: Record<string, unknown> = {};
  for (const line of config) {
    const block = /^authorization\s*\{(.*)\}$/.exec(line);
    if (block !== null) Object.assign(options, authorizationOf(block[1]!));
    else {
      const [name, value] = pairOf(line);
      const negated = NEGATED[name];
      if (negated !== undefined) options[negated] = value !== true;
      else options[optionNamed(name)] = value;
    }
  }
  return options as Partial<Options>;
}

function authorizationOf(inside: string): Partial<Options> {
  const { timeout, ...authorization } = Object.fromEntries(inside.split(",").map(pair => pairOf(pair.trim())));
  return { authorization, ...(timeout === undefined ? {} : { authTimeoutMs: Number(timeout) * 1_000 }) };
}

function optionNamed(name: string): keyof Options {
  const found = Object.entries(OPTIONS).find(([, row]) => row.names.includes(name));
  if (found === undefined) throw new Error(`no option is named ${name}`);
  return found[0] as keyof Options;
}

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function pairOf(line: string): [name: string, value: unknown] {
  const at = line.indexOf(":");
  if (at === -1) throw new Error(`not "name: value": ${line}`);
  const text = line.slice(at + 1).trim();
  const quoted = /^"(.*)"$/.exec(text)?.[1] ?? text;
  const duration = /^(\d+)(ms|s|m|h)$/.exec(quoted);
  let value: unknown = quoted;
  if (duration !== null) value = Number(duration[1]) * MILLISECONDS[duration[2]!]!;
  else if (text === "true" || text === "false") value = text === "true";
  else if (/^-?[\d.]+$/.test(text)) value = Number(text);
  return [line.slice(0, at).trim(), value];
}
