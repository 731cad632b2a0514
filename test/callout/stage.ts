/**
 * The same clients and the same service at our server and at nats-server: what the service is told, what the clients hear, what is logged.
 *
 *   onBoth(config, service, play) ─▶ ours, then the reference: server ─▶ service ─▶ play(Stage) ─▶ whatever is to be compared
 */
import type { ConnectionOptions } from "@nats-io/transport-node";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { until } from "../faults/until.ts";
import { linesOf, type OurSide, type Side, startOurs } from "../operator/pair.ts";
import { type Credentials, Peer } from "../operator/peer.ts";
import { askBoth } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { CalloutService, type Decide } from "./callout-service.ts";

const LOOKS_MAX = 100;

export interface ServiceFacts {
  readonly login: ConnectionOptions;
  readonly issuer: Signer;
  readonly xkeySeed?: string | null;
}

export interface StagedServer extends Side {
  readonly websocketPort: number;
  reload(config: string): Promise<string>;
  /** null: it is the reference. */
  readonly own: OurSide | null;
}

/** How an attempt to connect went. */
export interface Outcome {
  readonly lines: readonly string[];
  readonly closed: boolean;
  /** What the service was told. */
  readonly told: readonly unknown[];
  /** Warnings of the server, and what it said of the connection and of the callout. */
  readonly log: readonly string[];
  /** What monitoring shows of the connection. */
  readonly shown: Readonly<Record<string, unknown>>;
}

/** A client, as far as it is looked at. */
interface Heard extends Pick<Peer, "lines" | "closed"> {
  readonly info: { readonly client_id: number };
}

export class Stage {
  private readonly peers: Peer[] = [];
  /** Replaced by a play for each attempt. */
  decide: Decide = () => null;

  constructor(
    readonly server: StagedServer,
    readonly service: CalloutService | null,
  ) {}

  /** Connects, says what it is told to, then asks for more, and tells what came of it. */
  async attempt(credentials: Credentials, decide: Decide = this.decide, more = ""): Promise<Outcome> {
    const mark = this.server.log().length;
    this.decide = decide;
    const told = this.service?.received.length ?? 0;
    const peer = await Peer.open(this.server.port);
    this.peers.push(peer);
    peer.connect({ ...credentials, connect: { name: "it", ...credentials.connect } });
    if (more !== "") peer.send(more);
    await peer.ping();
    return this.outcome(peer, mark, told, credentials.connect?.account === undefined);
  }

  /** @param explained false: a refusal is not the service's, so nothing more is said of it */
  async outcome(peer: Heard, mark = 0, told = 0, explained = true): Promise<Outcome> {
    const cid = peer.info.client_id;
    const shown = await this.shown(cid);
    const wasTold = this.service !== null && this.service.received.length > told;
    // The reference says why when the client has heard of it.
    if (peer.closed && wasTold && explained)
      await until(
        () => this.logSince(mark, cid).some(isReason),
        () => "it is not said why it was refused",
      );
    return {
      lines: [...peer.lines],
      closed: peer.closed,
      told: (this.service?.received ?? []).slice(told).map(one => shownToken(one.token, one.xkey)),
      log: this.logSince(mark, cid),
      shown,
    };
  }

  logSince(mark: number, cid: number): string[] {
    const lines = this.server.log().slice(mark);
    const own = linesOf({ ...this.server, log: () => lines }, cid).filter(
      line => line.startsWith("ERR ") || /connect times|connection types/.test(line),
    );
    const others = lines.filter(isReason);
    return [...own, ...others].map(normalised);
  }

  async shown(cid: number): Promise<Record<string, unknown>> {
    const url = `http://127.0.0.1:${this.server.monitorPort}/connz?auth=1&state=all&limit=4096`;
    let found: Record<string, unknown> | undefined;
    // In between a connection is neither open nor closed.
    for (let looks = 0; found === undefined && looks < LOOKS_MAX; looks++) {
      const { connections } = (await (await fetch(url)).json()) as { connections: Record<string, unknown>[] };
      found = connections.find(one => one.cid === cid);
    }
    const { account, authorized_user, issuer_key, jwt, name_tag, reason, tags } = found ?? {};
    const text = JSON.stringify({ account, authorized_user, issuer_key, jwt, name_tag, reason, tags });
    return JSON.parse(normalised(text)) as Record<string, unknown>;
  }

  /** Waits for a line of the log. */
  async logged(part: string): Promise<void> {
    await until(
      () => this.server.log().some(line => line.includes(part)),
      () => `"${part}" is not logged:\n${this.server.log().join("\n")}`,
    );
  }

  /** The server reads this configuration instead. */
  async reload(config: string): Promise<void> {
    const refusal = await this.server.reload(config);
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

/** Without what differs from attempt to attempt. */
export function normalised(text: string): string {
  return text
    .replace(/\bU[A-Z2-7]{55}\b/g, "<user>")
    .replace(/\bN[A-Z2-7]{55}\b/g, "<server>")
    .replace(/127\.0\.0\.1:\d+ - w?cid:\d+/g, "<client>");
}

/** The claims of a request, in the order in which they came; times and what is drawn are replaced. */
function shownToken(token: string, xkey: string): unknown {
  const claims = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString());
  const { exp, iat, nats } = claims;
  nats.client_info.id = nats.client_info.id > 0;
  for (const secret of ["nonce"]) if (secret in nats.client_info) nats.client_info[secret] = nats.client_info[secret].length;
  if ("sig" in nats.connect_opts) nats.connect_opts.sig = nats.connect_opts.sig.length;
  if ("xkey" in nats.server_id) nats.server_id.xkey = nats.server_id.xkey === xkey;
  const shown = { ...claims, jti: "", iat: 0, exp: exp - iat };
  return [normalised(JSON.stringify(shown)), xkey !== ""];
}

async function startReference(config: string): Promise<StagedServer> {
  const server = await ReferenceServer.start(`debug: true\n${config}`);
  return {
    name: "reference",
    port: server.port,
    monitorPort: server.monitorPort,
    websocketPort: server.websocketPort,
    own: null,
    reload: async text => {
      await server.reload(`debug: true\n${text}`);
      return "";
    },
    log: () =>
      server
        .log()
        .split("\n")
        .flatMap(line => /\[(INF|WRN|ERR|DBG|FTL)\] (.*)$/.exec(line)?.slice(1).join(" ") ?? []),
    stop: () => server.stop(),
  };
}

async function startOwn(config: string): Promise<StagedServer> {
  const side = await startOurs(config);
  return { ...side, websocketPort: side.server.websocketPort ?? 0, own: side, reload: text => reloaded(side, text) };
}

async function onOne<T>(server: StagedServer, facts: ServiceFacts | null, play: (stage: Stage) => Promise<T>): Promise<T> {
  let stage: Stage | null = null;
  try {
    const decide: Decide = (request, answers) => stage!.decide(request, answers);
    const service = facts === null ? null : await CalloutService.start({ port: server.port, ...facts, decide });
    stage = new Stage(server, service);
    return await play(stage);
  } finally {
    if (stage === null) await server.stop();
    else await stage.end();
  }
}

/** Our server alone. */
export async function onOurs<T>(config: string, facts: ServiceFacts | null, play: (stage: Stage) => Promise<T>): Promise<T> {
  return onOne(await startOwn(config), facts, play);
}

/** Both; ours first. */
export async function onBoth<T>(config: string, facts: ServiceFacts | null, play: (stage: Stage) => Promise<T>): Promise<[T, T]> {
  return askBoth(
    () => onOurs(config, facts, play),
    async () => onOne(await startReference(config), facts, play),
    { inTurn: true },
  );
}

async function reloaded(side: OurSide, config: string): Promise<string> {
  side.writeConfig(config);
  side.server.reload();
  return "";
}
