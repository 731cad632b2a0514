/**
 * Events of JetStream: what happens to streams, in their account; what happens to the server, in the system account. Each is encoded only if somebody
 * listens. Source: reference, jetstream §6.
 */
import type { Account } from "../../accounts/account/account.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import { Nuid } from "../../base/random/nuid.ts";

const SUBJECT = "$JS.EVENT.ADVISORY";
const TYPE = "io.nats.jetstream.advisory.v1";

/** The server, as events name it. */
export interface AdvisoryServer {
  readonly serverName: string;
  readonly serverId: string;
  /** Empty: no cluster. */
  readonly clusterName: string;
  /** null: there is none, so events of the server are not published. */
  readonly systemAccount: Account | null;
  /** Wall clock, ms. */
  now(): number;
}

export type StreamAction = "create" | "delete" | "modify";

const ACTION_SUBJECTS: Record<StreamAction, string> = { create: "CREATED", delete: "DELETED", modify: "UPDATED" };

export class Advisories {
  private readonly server: AdvisoryServer;
  /** undefined: none, the field is omitted. */
  private readonly domain: string | undefined;
  private readonly ids = new Nuid();

  /** @param domain empty: none */
  constructor(server: AdvisoryServer, domain: string) {
    this.server = server;
    this.domain = domain === "" ? undefined : domain;
  }

  stream(account: Account, stream: string, action: StreamAction): void {
    const { domain } = this;
    this.publish(account, `STREAM.${ACTION_SUBJECTS[action]}.${stream}`, "stream_action", () => ({ stream, action, domain }));
  }

  /** The disk is full. @param stream that noticed it */
  outOfStorage(stream: string): void {
    const { domain, server } = this;
    const { clusterName, serverId, serverName, systemAccount } = server;
    if (systemAccount === null) return;
    this.publish(systemAccount, "SERVER.OUT_OF_STORAGE", "server_out_of_space", () => ({
      server: serverName,
      server_id: serverId,
      stream,
      cluster: clusterName,
      domain,
    }));
  }

  private publish(account: Account, event: string, type: string, fields: () => object): void {
    const subject = Buffer.from(`${SUBJECT}.${event}`);
    if (!account.interest.hasInterest(subject, 0, subject.length)) return;
    const head = { type: `${TYPE}.${type}`, id: this.ids.next(), timestamp: goTime(this.server.now()) };
    account.publisher.publish(subject, "", null, compactGoJson({ ...head, ...fields() }));
  }
}
