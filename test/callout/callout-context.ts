/**
 * Runs the same clients with the same auth callout service on our server and on nats-server, and records the service's requests, what the
 * clients receive, and what is logged.
 *
 *   onBoth(config, service, scenario) ─▶ ours, then nats-server: server ─▶ service ─▶ scenario(CalloutContext) ─▶ value to compare
 */
import type { ConnectionOptions } from "@nats-io/transport-node";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { until } from "../faults/until.ts";
import { linesOf, type OurSide, type Side, startOurs, startReference } from "../operator/both-servers.ts";
import { type Credentials, Peer } from "../operator/peer.ts";
import { askBoth } from "../reference/recording.ts";
import { CalloutService, type Decide } from "./callout-service.ts";

const POLLS_MAX = 5_000;

export interface ServiceFacts {
  readonly login: ConnectionOptions;
  readonly issuer: Signer;
  readonly xkeySeed?: string | null;
}

/** The result of one attempt to connect. */
export interface Outcome {
  readonly lines: readonly string[];
  readonly closed: boolean;
  /** Requests that the service received, with their claims. */
  readonly requests: readonly unknown[];
  /** Warnings of the server, and its lines about the connection and the callout. */
  readonly log: readonly string[];
  /** The connection in `/connz`. */
  readonly connz: Readonly<Record<string, unknown>>;
}

/** The part of a client that `outcome` reads. */
interface ObservedClient extends Pick<Peer, "lines" | "closed"> {
  readonly info: { readonly client_id: number };
}

export class CalloutContext<S extends Side = Side> {
  private readonly peers: Peer[] = [];
  /** How the service answers; a scenario replaces it for each attempt. */
  decide: Decide = () => null;

  constructor(
    readonly server: S,
    readonly service: CalloutService | null,
  ) {}

  /** Connects with these credentials, then sends the commands in `more`. @param decide the answer of the service */
  async attempt(credentials: Credentials, decide: Decide = this.decide, more = ""): Promise<Outcome> {
    const mark = this.server.log().length;
    this.decide = decide;
    const requestsBefore = this.service?.received.length ?? 0;
    const peer = await Peer.open(this.server.port);
    this.peers.push(peer);
    peer.connect({ ...credentials, connect: { name: "it", ...credentials.connect } });
    if (more !== "") peer.send(more);
    await peer.ping();
    return this.outcome(peer, mark, requestsBefore, credentials.connect?.account === undefined);
  }

  /**
   * @param mark lines of the log before the attempt
   * @param requestsBefore requests to the service before the attempt
   * @param isLogged whether a refusal by the service is logged, so that the line can be waited for
   */
  async outcome(peer: ObservedClient, mark = 0, requestsBefore = 0, isLogged = true): Promise<Outcome> {
    const cid = peer.info.client_id;
    const connz = await this.connzOf(cid, peer.closed);
    const wasAsked = this.service !== null && this.service.received.length > requestsBefore;
    // nats-server logs the reason of a refusal after the client was closed.
    if (peer.closed && peer.lines.some(line => line.includes("Authorization Violation")) && wasAsked && isLogged)
      await until(
        () => this.logSince(mark, cid).some(isReason),
        () => "no reason of the refusal is logged",
      );
    return {
      lines: [...peer.lines],
      closed: peer.closed,
      requests: (this.service?.received ?? []).slice(requestsBefore).map(({ token, xkey }) => comparableRequest(token, xkey)),
      log: this.logSince(mark, cid),
      connz,
    };
  }

  private logSince(mark: number, cid: number): string[] {
    const lines = this.server.log().slice(mark);
    const own = linesOf({ ...this.server, log: () => lines }, cid).filter(
      line => line.startsWith("ERR ") || /connect times|connection types/.test(line),
    );
    const others = lines.filter(isReason);
    return [...own, ...others].map(withoutNames);
  }

  /**
   * The connection in `/connz`, without the fields that differ from run to run.
   * @param closed the server has closed the connection: waits until it is listed as closed, with the reason
   */
  async connzOf(cid: number, closed = false): Promise<Record<string, unknown>> {
    const url = `http://127.0.0.1:${this.server.monitorPort}/connz?auth=1&state=all&limit=4096`;
    let found: Record<string, unknown> | undefined;
    // For a moment a connection is neither among the open nor among the closed ones.
    for (let polls = 0; (found === undefined || (closed && found.reason === undefined)) && polls < POLLS_MAX; polls++) {
      const { connections } = (await (await fetch(url)).json()) as { connections: Record<string, unknown>[] };
      found = connections.find(connection => connection.cid === cid);
    }
    const { account, authorized_user, issuer_key, jwt, name_tag, reason, tags } = found ?? {};
    const text = JSON.stringify({ account, authorized_user, issuer_key, jwt, name_tag, reason, tags });
    return JSON.parse(withoutNames(text)) as Record<string, unknown>;
  }

  /** Waits until the server logs a line that contains this text. */
  async logged(part: string): Promise<void> {
    await until(
      () => this.server.log().some(line => line.includes(part)),
      () => `"${part}" is not logged:\n${this.server.log().join("\n")}`,
    );
  }

  /** Loads another configuration. */
  async reload(config: string): Promise<void> {
    const refusal = await this.server.reloadWith(config);
    if (refusal !== "") throw new Error(refusal);
  }

  async end(): Promise<void> {
    for (const peer of this.peers) peer.close();
    await this.service?.stop();
    await this.server.stop();
  }
}

function isReason(line: string): boolean {
  return line.startsWith("WRN ") || line.includes("Authorization callout") || line.includes("authorization request:");
}

/** Replaces the keys and addresses that differ from run to run. */
function withoutNames(text: string): string {
  return text
    .replace(/\bU[A-Z2-7]{55}\b/g, "<user>")
    .replace(/\bN[A-Z2-7]{55}\b/g, "<server>")
    .replace(/127\.0\.0\.1:\d+ - w?cid:\d+/g, "<client>");
}

/** The claims of a request, in their order; times and random values are replaced. */
function comparableRequest(token: string, xkey: string): unknown {
  const claims = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString());
  const { exp, iat, nats } = claims;
  nats.client_info.id = nats.client_info.id > 0;
  if ("nonce" in nats.client_info) nats.client_info.nonce = nats.client_info.nonce.length;
  if ("sig" in nats.connect_opts) nats.connect_opts.sig = nats.connect_opts.sig.length;
  if ("xkey" in nats.server_id) nats.server_id.xkey = nats.server_id.xkey === xkey;
  // The timeout of 1 s; one less when a second ended after nats-server computed `exp` and before it computed `iat`.
  const shown = { ...claims, jti: "", iat: 0, exp: Math.max(1, exp - iat) };
  return [withoutNames(JSON.stringify(shown)), xkey !== ""];
}

async function runOn<S extends Side, T>(
  server: S,
  facts: ServiceFacts | null,
  scenario: (context: CalloutContext<S>) => Promise<T>,
): Promise<T> {
  let context: CalloutContext<S> | null = null;
  try {
    const decide: Decide = (request, answers) => context!.decide(request, answers);
    const service = facts === null ? null : await CalloutService.start({ port: server.port, ...facts, decide });
    context = new CalloutContext(server, service);
    return await scenario(context);
  } finally {
    if (context === null) await server.stop();
    else await context.end();
  }
}

/** What the system tells a client about its user; nats-server gives lists of subjects in random order, so they are sorted. */
export async function userInfo(peer: Peer): Promise<unknown> {
  const { data } = JSON.parse(await peer.request("$SYS.REQ.USER.INFO", "")) as { data: unknown };
  return JSON.parse(withoutNames(JSON.stringify(data)), (_key, value) => (Array.isArray(value) ? value.toSorted() : value));
}

/** Runs the scenario on our server only. */
export async function onOurs<T>(
  config: string,
  facts: ServiceFacts | null,
  scenario: (context: CalloutContext<OurSide>) => Promise<T>,
): Promise<T> {
  return runOn(await startOurs(config), facts, scenario);
}

/** Runs the scenario on our server, then on nats-server. @returns both results in this order */
export async function onBoth<T>(
  config: string,
  facts: ServiceFacts | null,
  scenario: (context: CalloutContext) => Promise<T>,
): Promise<[T, T]> {
  return askBoth(
    () => onOurs(config, facts, scenario),
    async () => runOn(await startReference(config), facts, scenario),
    { inTurn: true },
  );
}
