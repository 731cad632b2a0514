/**
 * A service that decides who may connect (auth callout), as one is written: a client of the server like any other, which listens on one
 * subject and answers every request with a token.
 *
 *   request   a token of the server's: who wants in, what it said, how it is connected, and `user_nkey`, whom the answer must be about
 *   answer    a token of the issuer's, for this server: with another one inside, which is the user, or with an error
 *   sealed    when the server knows the service's curve key: both are boxes that nobody else can open
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

/** A token, which is sealed if the request was; bytes, which are sent as they are; null: silence. */
export type Answer = string | Uint8Array | null;
export type Decide = (request: AuthorizationRequestClaims, answers: Answers) => Answer | Promise<Answer>;

export interface CalloutServiceOptions {
  readonly port: number;
  /** As whom it connects: one of the server's `auth_users`. */
  readonly login: ConnectionOptions;
  /** Account key that signs answers. */
  readonly issuer: Signer;
  /** Seed of its curve key, `SX…`; null: it reads in the clear. */
  readonly xkeySeed?: string | null;
  readonly decide: Decide;
}

export interface UserFacts {
  /** What it may do. */
  readonly body?: Partial<UserBody>;
  /** `name`, and in a server without operators `audience`: the name of its account. */
  readonly data?: Partial<ClaimsData>;
  /** Who signs the user; the issuer when not given. */
  readonly by?: Signer;
  /** Whom it is about; the `user_nkey` of the request when not given, as it must be. */
  readonly subject?: string;
}

export interface ResponseFacts {
  readonly body?: Partial<AuthorizationResponseBody>;
  readonly data?: Partial<ClaimsData>;
  readonly by?: Signer;
  readonly subject?: string;
}

const now = () => Math.floor(Date.now() / 1000);

/** Answers to one request. */
export class Answers {
  constructor(
    private readonly request: AuthorizationRequestClaims,
    private readonly issuer: Signer,
  ) {}

  /** Lets it in. */
  user(facts: UserFacts = {}, response: ResponseFacts = {}): string {
    return this.response({ ...response, body: { jwt: this.userToken(facts), ...response.body } });
  }

  /** Does not let it in. The server logs the text; the client does not hear it. */
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

/** A request as it came. */
export interface Received {
  readonly claims: AuthorizationRequestClaims;
  readonly token: string;
  /** What the header says of the server's curve key; empty: it was in the clear. */
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

  /** @throws what went wrong in it meanwhile */
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

/** null: it is none; whoever is in the account and may publish there can send anything. */
function requestIn(token: string): AuthorizationRequestClaims | null {
  try {
    const claims = decodeAuthorizationRequest(token);
    return claims.audience === "nats-authorization-request" ? claims : null;
  } catch (error) {
    if (error instanceof JwtError) return null;
    throw error;
  }
}
