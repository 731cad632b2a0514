/**
 * Requests of JetStream that this server does not serve yet: consumers, and backups of streams. What is true without consumers is answered (there is
 * none of that name, the lists are empty); what asks for one is refused with an error that says so, never with silence.
 */
import { apiError } from "../error/api-error.ts";
import type { ApiRequest, Endpoint } from "./api-request.ts";

const CONSUMERS = "consumers are not supported by this server yet";
const BACKUPS = "backups are not supported by this server yet";

/** Tokens of the stream's name, where it is not the fourth one. */
const NAME_AFTER_DURABLE = 5;

/** @throws ApiError  there is no such stream */
function checkStream({ account }: ApiRequest, name: string): void {
  if (!account.streams.has(name) && !account.offline.has(name)) throw apiError("StreamNotFound");
}

function create(request: ApiRequest, name: string): never {
  checkStream(request, name);
  throw apiError("ConsumerCreate", { err: CONSUMERS });
}

function missing(request: ApiRequest): never {
  checkStream(request, request.name);
  throw apiError("ConsumerNotFound");
}

function none(request: ApiRequest, limit: number): object {
  checkStream(request, request.name);
  return { total: 0, offset: 0, limit, consumers: [] };
}

const CREATE: Endpoint = { kind: "consumerCreate", changes: true, handle: request => create(request, request.name) };

export const LATER_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "CONSUMER.CREATE.*": CREATE,
  "CONSUMER.CREATE.*.*": CREATE,
  "CONSUMER.DURABLE.CREATE.*.*": {
    kind: "consumerCreate",
    changes: true,
    handle: request => create(request, request.service.token(NAME_AFTER_DURABLE)),
  },
  "CONSUMER.NAMES.*": { kind: "consumerNames", changes: false, handle: request => none(request, 1024) },
  "CONSUMER.LIST.*": { kind: "consumerList", changes: false, handle: request => none(request, 256) },
  "CONSUMER.INFO.*.*": { kind: "consumerInfo", changes: false, handle: missing },
  "CONSUMER.DELETE.*.*": { kind: "consumerDelete", changes: true, handle: missing },
  "CONSUMER.PAUSE.*.*": { kind: "consumerPause", changes: true, handle: missing },
  "CONSUMER.RESET.*.*": { kind: "consumerReset", changes: true, handle: missing },
  "CONSUMER.UNPIN.*.*": { kind: "consumerUnpin", changes: true, handle: missing },
  "STREAM.SNAPSHOT.*": {
    kind: "streamSnapshot",
    changes: true,
    handle: request => {
      checkStream(request, request.name);
      throw apiError("StreamSnapshot", { err: BACKUPS });
    },
  },
  "STREAM.RESTORE.*": {
    kind: "streamRestore",
    changes: true,
    handle: () => {
      throw apiError("StreamRestore", { err: BACKUPS });
    },
  },
};

/** Creates with filter subjects in the subject have any number of tokens. */
export const LONG_CREATE = "CONSUMER.CREATE.";
