/** One request to the JetStream API, of an account that has JetStream. */

import type { Shape } from "../../base/go/json-shape.ts";
import type { Requester } from "../../services/requester.ts";
import type { ServiceRequest } from "../../services/service-request.ts";
import type { JetStream } from "../account/jetstream.ts";
import type { JetStreamAccount } from "../account/jetstream-account.ts";
import type { ApiError } from "../error/api-error.ts";
import type { Stream } from "../stream/stream.ts";
import type { AnswerKind } from "./answers.ts";
import { decodeRequest } from "./decode-request.ts";

/** Index of the stream's name in the subject: `$JS.API.STREAM.INFO.<name>`. */
const NAME_TOKEN = 4;

export class ApiRequest {
  readonly service: ServiceRequest;
  readonly requester: Requester;
  readonly account: JetStreamAccount;
  readonly jetStream: JetStream;
  /** Unknown fields in the body are an error. */
  private readonly strict: boolean;

  constructor(service: ServiceRequest, requester: Requester, account: JetStreamAccount, jetStream: JetStream, strict: boolean) {
    this.service = service;
    this.requester = requester;
    this.account = account;
    this.jetStream = jetStream;
    this.strict = strict;
  }

  get body(): Buffer {
    return this.service.body;
  }

  /** The stream that the subject names. */
  get name(): string {
    return this.service.token(NAME_TOKEN);
  }

  /** undefined: there is none that can be used. */
  get stream(): Stream | undefined {
    return this.account.streams.get(this.name);
  }

  /** @throws ApiError  the body does not fit */
  decode<T>(shape: Shape<T>): T {
    const { error, fault, value } = decodeRequest(shape, this.body, this.strict);
    if (fault !== null) this.jetStream.warn(`Invalid JetStream request '${this.account.name} > ${this.service.subject}': ${fault}`);
    if (error !== null) throw error;
    return value as T;
  }
}

/** Returned by a handler that does not answer. */
export const SILENCE = Symbol("silence");

/** How a request is handled. */
export interface Endpoint {
  readonly kind: AnswerKind;
  /** It changes something: such requests wait in their own queue. */
  readonly changes: boolean;
  /** Its success is not audited. */
  readonly unaudited?: boolean;
  /** @returns the fields of the answer; an `ApiError` is thrown or returned */
  handle(request: ApiRequest): object | typeof SILENCE | Promise<object | typeof SILENCE>;
}

/** An error that is answered after half a second. */
export class DelayedError extends Error {
  constructor(readonly error: ApiError) {
    super(error.description);
  }
}

/** An answer that counts as success although it says what went wrong. */
export class CountedAsSuccess extends Error {
  constructor(readonly error: ApiError) {
    super(error.description);
  }
}
