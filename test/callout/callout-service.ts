/**
 * A service that decides who may connect (auth callout): an ordinary client of the server, which subscribes to one subject and answers
 * every request with a token.
 *
 *   request   a token signed by the server: the client, its CONNECT, its connection, and `user_nkey`, the subject that the answer must have
 *   answer    a token signed by the issuer, for this server: it holds either the user's token or an error
 *   sealed    when the server knows the service's curve key, both are encrypted for their receiver
 * ```ts
 * const service = await CalloutService.start({ port, login: { user: "auth", pass: "secret" }, issuer, decide(request, answers) {
 *   const { user, password } = request.nats.connect;
 *   return password === "open sesame" ? answers.user({ data: { name: user, audience: "APP" } }) : answers.error("wrong password");
 * } });
 * ```
 */
import { type ConnectionOptions, connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import type { AuthorizationRequestClaims, AuthorizationResponseBody, ClaimsData, UserBody } from "../../src/access/jwt/claims.ts";
import { JwtError } from "../../src/access/jwt/claims.ts";
import { decodeAuthorizationRequest } from "../../src/access/jwt/decode.ts";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { open, seal } from "../../src/base/keys/xkey.ts";

/** A token, which is sealed if the request was; bytes, which are sent unchanged; null for no answer. */
export type Answer = string | Uint8Array | null;
export type Decide = (request: AuthorizationRequestClaims, answers: Answers) => Answer | Promise<Answer>;

export interface CalloutServiceOptions {
  readonly port: number;
  /** Credentials of the service: one of the server's `auth_users`. */
  readonly login: ConnectionOptions;
  /** Account key that signs answers. */
  readonly issuer: Signer;
  /** Seed of its curve key, `SX…`; null when requests and answers are not sealed. */
  readonly xkeySeed?: string | null;
  readonly decide: Decide;
}

export interface UserFacts {
  /** Permissions and limits. */
  readonly body?: Partial<UserBody>;
  /** `name`; without operators also `audience`, the name of the account. */
  readonly data?: Partial<ClaimsData>;
  /** Signs the user's token; by default the issuer. */
  readonly by?: Signer;
  /** Subject of the user's token; by default the `user_nkey` of the request. Servers refuse others. */
  readonly subject?: string;
}

export interface ResponseFacts {
  readonly body?: Partial<AuthorizationResponseBody>;
  readonly data?: Partial<ClaimsData>;
  readonly by?: Signer;
  readonly subject?: string;
}

const now = () => Math.floor(Date.now() / 1000);

/** Makes the answers to one request. */
export class Answers {
  constructor(
    private readonly request: AuthorizationRequestClaims,
    private readonly issuer: Signer,
  ) {}

  /** Accepts the client as this user. */
  user(facts: UserFacts = {}, response: ResponseFacts = {}): string {
    return this.response({ ...response, body: { jwt: this.userToken(facts), ...response.body } });
  }

  /** Refuses the client. The server logs the text; the client does not receive it. */
  error(text: string, response: ResponseFacts = {}): string {
    return this.response({ ...response, body: { error: text } });
  }

  userToken({ body = {}, by = this.issuer, data = {}, subject = this.request.nats.userNkey }: UserFacts = {}): string {
    return encodeClaims(newClaims("user", subject, body, data), by, now());
  }

  response({ body = {}, by = this.issuer, data = {}, subject = this.request.nats.userNkey }: ResponseFacts): string {
    const audience = this.request.nats.server.id;
    return encodeClaims(newClaims("authorization_response", subject, body, { audience, ...data }), by, now());
  }
}

/** A request that the service received. */
export interface Received {
  readonly claims: AuthorizationRequestClaims;
  readonly token: string;
  /** The server's curve key from the header; empty when the request was not sealed. */
  readonly xkey: string;
  readonly reply: string;
}

export class CalloutService {
  /** Every request so far. */
  readonly received: Received[] = [];
  private readonly failures: unknown[] = [];

  private constructor(
    readonly connection: NatsConnection,
    private readonly options: CalloutServiceOptions,
  ) {}

  static async start(options: CalloutServiceOptions): Promise<CalloutService> {
    const connection = await connect({ servers: `127.0.0.1:${options.port}`, reconnect: false, ...options.login });
    const service = new CalloutService(connection, options);
    connection.subscribe("$SYS.REQ.USER.AUTH", {
      callback: (_error, message) => void service.answer(message).catch(error => service.failures.push(error)),
    });
    await connection.flush();
    return service;
  }

  /** @throws the first error of the service, if there was one */
  async stop(): Promise<void> {
    await this.connection.close();
    if (this.failures.length > 0) throw this.failures[0];
  }

  private async answer(message: Msg): Promise<void> {
    const { decide, issuer, xkeySeed = null } = this.options;
    const xkey = message.headers?.get("Nats-Server-Xkey") ?? "";
    const opened = xkey === "" ? message.data : await open(message.data, xkey, xkeySeed ?? "");
    const token = Buffer.from(opened ?? "").toString();
    const claims = requestIn(token);
    if (claims === null) return;
    this.received.push({ claims, token, xkey, reply: message.reply ?? "" });
    const answer = await decide(claims, new Answers(claims, issuer));
    if (answer === null) return;
    const isSealed = xkey !== "" && typeof answer === "string";
    message.respond(isSealed ? (await seal(Buffer.from(answer), xkey, xkeySeed ?? ""))! : answer);
  }
}

/** @returns null for an invalid request: every client of the account can publish on the subject */
function requestIn(token: string): AuthorizationRequestClaims | null {
  try {
    const claims = decodeAuthorizationRequest(token);
    return claims.audience === "nats-authorization-request" ? claims : null;
  } catch (error) {
    if (error instanceof JwtError) return null;
    throw error;
  }
}
