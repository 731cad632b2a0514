/**
 * Answers requests to the JetStream API.
 *
 *   client ─▶ import of `$JS.API.>` in its account ─▶ system account ─▶ onRequest ─ which endpoint? ─▶ queue ─▶ handler ─▶ answer, audit
 * Requests that change something and requests that ask wait in two queues. Changes come first; those of one stream are handled one after the other,
 * others side by side. A queue that reaches its limit is emptied, as in the reference, and an advisory says so.
 * Source: reference, jetstream §1.1.
 */
import type { Account } from "../../accounts/account/account.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { isStreamed, jsonPieces } from "../../base/go/json-stream.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import { Nuid } from "../../base/random/nuid.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE } from "../../base/scheduling/sliced.ts";
import { LocalSubscriber } from "../../messaging/batch/local-subscriber.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { HeaderKey } from "../../messaging/header/header-read.ts";
import { accountNameOf, type Requester, requesterOf, requesterValue } from "../../services/requester.ts";
import { ServiceRequest } from "../../services/service-request.ts";
import type { JetStream } from "../account/jetstream.ts";
import { isSupportedLevel } from "../config/metadata.ts";
import { ApiError, apiError } from "../error/api-error.ts";
import { ACCOUNT_ENDPOINTS } from "./account-endpoints.ts";
import { answer, refusal } from "./answers.ts";
import { ApiRequest, CountedAsSuccess, DelayedError, type Endpoint, SILENCE } from "./api-request.ts";
import { LATER_ENDPOINTS, LONG_CREATE } from "./later-endpoints.ts";
import { MESSAGE_ENDPOINTS } from "./message-endpoints.ts";
import { type AnsweringServer, streamEndpoints, wantsCreateAnswer } from "./stream-endpoints.ts";

/** Requests that are handled at the same time. */
const RUNNING_MAX = 16;
const DELAY_MS = 500;
const PREFIX = "$JS.API.";
/** Requests of the system account that only a cluster answers. */
const SYSTEM_ONLY = /^\$JS\.API\.(META\.LEADER\.STEPDOWN$|META\.RESCUE$|SERVER\.REMOVE$|SERVER\.EVACUATE$|ACCOUNT\.)/;
const REQUIRED_LEVEL = new HeaderKey("Nats-Required-Api-Level");

export interface ApiSettings {
  /** Most waiting requests that change something, and of the others. */
  readonly requestQueueMax: number;
  readonly infoQueueMax: number;
  readonly strict: boolean;
}

interface Waiting {
  readonly endpoint: Endpoint;
  readonly service: ServiceRequest;
  readonly requester: Requester;
  /** Requests with the same key are handled one after the other; empty: with all others side by side. */
  readonly key: string;
}

export class ApiDispatcher {
  private readonly jetStream: JetStream;
  private readonly system: Account;
  private readonly server: AnsweringServer;
  private readonly settings: ApiSettings;
  private readonly subscriber: LocalSubscriber;
  private readonly endpoints = new Map<string, Endpoint>();
  private changes: Waiting[] = [];
  private questions: Waiting[] = [];
  private readonly busy = new Set<string>();
  private running = 0;
  private scheduled = false;
  private readonly ids = new Nuid();

  constructor(jetStream: JetStream, system: Account, server: AnsweringServer, settings: ApiSettings) {
    this.jetStream = jetStream;
    this.system = system;
    this.server = server;
    this.settings = settings;
    const all = { ...ACCOUNT_ENDPOINTS, ...streamEndpoints(server), ...MESSAGE_ENDPOINTS, ...LATER_ENDPOINTS };
    for (const [subject, endpoint] of Object.entries(all)) this.endpoints.set(subject, endpoint);
    this.subscriber = new LocalSubscriber(system, error => jetStream.error(`JetStream API failed: ${(error as Error).stack ?? error}`));
    this.subscriber.subscribe(`${PREFIX}>`, null, (batch, index) => this.onRequest(batch, index));
  }

  /** Requests that are handled or wait. */
  get inFlight(): number {
    return this.running + this.changes.length + this.questions.length;
  }

  stop(): void {
    this.subscriber.close();
    this.changes = [];
    this.questions = [];
  }

  private onRequest(batch: MessageBatch, index: number): void {
    const subject = batch.subjectText(index);
    const endpoint = this.endpointOf(subject);
    const service = new ServiceRequest(batch, index);
    // Published in the system account itself, which has no JetStream: only `$JS.API.INFO` is answered like others.
    if (!service.requestInfo && subject !== `${PREFIX}INFO`) return this.refuseSystem(service);
    if (endpoint === null) return;
    const requester = requesterOf(service);
    if (requester === null) return this.jetStream.warn(`Malformed JetStream API Request: ${JSON.stringify(service.body.toString())}`);
    const { changes, kind } = endpoint;
    const queue = changes ? this.changes : this.questions;
    const name = subject.slice(subject.lastIndexOf(".") + 1);
    const key = changes && kind !== "messageGet" ? `${accountNameOf(requester)} ${name}` : "";
    queue.push({ endpoint, service, requester, key });
    const most = changes ? this.settings.requestQueueMax : this.settings.infoQueueMax;
    if (queue.length >= most) this.drop(changes);
    this.schedule();
  }

  private refuseSystem(service: ServiceRequest): void {
    if (service.originator === null || SYSTEM_ONLY.test(service.subject)) return;
    const response = compactGoJson(refusal("system", apiError("NotEnabledForAccount")));
    if (service.reply !== "") this.system.publisher.publish(service.reply, "", null, response);
    this.jetStream.endSoon();
  }

  private endpointOf(subject: string): Endpoint | null {
    const tokens = subject.slice(PREFIX.length).split(".");
    for (let names = 0; names <= 2 && names < tokens.length + 1; names++) {
      const fixed = tokens.length - names;
      if (fixed < 1) break;
      const endpoint = this.endpoints.get([...tokens.slice(0, fixed), ...Array<string>(names).fill("*")].join("."));
      if (endpoint !== undefined) return endpoint;
    }
    return subject.startsWith(PREFIX + LONG_CREATE) ? LATER_ENDPOINTS["CONSUMER.CREATE.*"]! : null;
  }

  private drop(changes: boolean): void {
    const dropped = changes ? this.changes.length : this.questions.length;
    if (changes) this.changes = [];
    else this.questions = [];
    const { domain } = this.jetStream;
    this.jetStream.warnRateLimited(`JetStream API ${changes ? "" : "info "}queue limit reached, dropping ${dropped} requests`);
    this.publish(this.system, "$JS.EVENT.ADVISORY.API.LIMIT_REACHED", {
      ...this.head("io.nats.jetstream.advisory.v1.api_limit_reached"),
      server: this.server.name,
      domain: domain === "" ? undefined : domain,
      dropped,
    });
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.startNext();
    });
  }

  private startNext(): void {
    while (this.running < RUNNING_MAX) {
      const next = this.takeFrom(this.changes) ?? this.takeFrom(this.questions);
      if (next === null) return;
      this.running++;
      if (next.key !== "") this.busy.add(next.key);
      void this.handle(next).then(() => {
        this.running--;
        this.busy.delete(next.key);
        this.jetStream.endSoon();
        this.schedule();
      });
    }
  }

  private takeFrom(queue: Waiting[]): Waiting | null {
    const index = queue.findIndex(({ key }) => key === "" || !this.busy.has(key));
    return index === -1 ? null : queue.splice(index, 1)[0]!;
  }

  private async handle({ endpoint, requester, service }: Waiting): Promise<void> {
    const { jetStream } = this;
    const name = accountNameOf(requester);
    const account = jetStream.accounts.get(name === "" ? this.system.name : name) ?? null;
    const level = service.headerText(REQUIRED_LEVEL);
    if (level !== null && level !== "" && !isSupportedLevel(level)) {
      return this.refuse(endpoint, service, requester, name, apiError("RequiredApiLevel"));
    }
    if (account === null) return this.refuse(endpoint, service, requester, name, apiError("NotEnabledForAccount"));
    const request = new ApiRequest(service, requester, account, jetStream, this.settings.strict);
    try {
      const fields = await endpoint.handle(request);
      if (fields === SILENCE) return;
      const kind = endpoint.kind === "streamInfo" && wantsCreateAnswer(request) ? "streamCreate" : endpoint.kind;
      const value = answer(kind, fields);
      const response = isStreamed(value) ? await jetStream.run(joined(value)) : compactGoJson(value);
      if (endpoint.unaudited !== true) account.requests++;
      this.send(service, requester, name, response, endpoint.unaudited === true);
    } catch (error) {
      if (error instanceof CountedAsSuccess) {
        account.requests++;
        this.send(service, requester, name, compactGoJson(refusal(endpoint.kind, error.error)), false);
      } else if (error instanceof DelayedError) this.refuseLater(endpoint, service, requester, name, error.error);
      else if (error instanceof ApiError) this.refuse(endpoint, service, requester, name, error);
      else jetStream.error(`JetStream API ${service.subject} failed: ${(error as Error).stack ?? error}`);
    }
  }

  private refuse(endpoint: Endpoint, service: ServiceRequest, requester: Requester, account: string, error: ApiError): void {
    const counted = this.jetStream.accounts.get(account);
    if (counted !== undefined) {
      counted.requests++;
      counted.errors++;
    }
    this.send(service, requester, account, compactGoJson(refusal(endpoint.kind, error)), false);
  }

  private refuseLater(endpoint: Endpoint, service: ServiceRequest, requester: Requester, account: string, error: ApiError): void {
    this.jetStream.timers.set(new WheelTimer(() => this.refuse(endpoint, service, requester, account, error)), DELAY_MS);
  }

  private send(service: ServiceRequest, requester: Requester, account: string, response: string, isUnaudited: boolean): void {
    if (service.reply !== "") this.system.publisher.publish(service.reply, "", null, response);
    if (!isUnaudited) this.audit(service, requester, account, response);
    this.jetStream.endSoon();
  }

  private audit(service: ServiceRequest, requester: Requester, name: string, response: string): void {
    const account = this.jetStream.accounts.get(name)?.account;
    if (account === undefined) return;
    const { domain } = this.jetStream;
    const request = service.body.toString();
    this.publish(account, "$JS.EVENT.ADVISORY.API", {
      ...this.head("io.nats.jetstream.advisory.v1.api_audit"),
      server: this.server.name,
      client: requesterValue({ ...requester, jwt: "", alts: [] }),
      subject: service.subject,
      request: request === "" ? undefined : request,
      response,
      domain: domain === "" ? undefined : domain,
    });
  }

  private head(type: string): object {
    return { type, id: this.ids.next(), timestamp: goTime(this.jetStream.now()) };
  }

  /** Publishes an event if the account has a listener. */
  private publish(account: Account, subject: string, value: object): void {
    const bytes = Buffer.from(subject);
    if (!account.interest.hasInterest(bytes, 0, bytes.length)) return;
    account.publisher.publish(bytes, "", null, compactGoJson(value));
  }
}

/** The JSON of a long answer. */
function* joined(value: object): Job<string> {
  const pieces: string[] = [];
  for (const piece of jsonPieces(value, 0)) {
    pieces.push(piece);
    yield PAUSE;
  }
  return pieces.join("");
}
