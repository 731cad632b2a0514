/** Requests about single messages of a stream. Source: reference, jetstream §1.5, §1.11. */

import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE } from "../../base/scheduling/sliced.ts";
import { Message } from "../../store/contract/message.ts";
import { COLD, type MessageStore, Read } from "../../store/contract/message-store.ts";
import { SubjectFilters } from "../../store/contract/subject-filters.ts";
import type { Integer } from "../config/stream-config.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import { checkMessageGet, MESSAGE_GET_REQUEST, type MessageGetRequest, sequenceOf, setTime } from "../stream/get-request.ts";
import type { Stream } from "../stream/stream.ts";
import { storedMessageValue } from "./answers.ts";
import { type ApiRequest, CountedAsSuccess, type Endpoint, SILENCE } from "./api-request.ts";
import { isEmptyRequest } from "./decode-request.ts";
import { MESSAGE_DELETE_REQUEST } from "./requests.ts";
import { changed, durable } from "./stream-endpoints.ts";

export const MESSAGE_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "STREAM.MSG.GET.*": { kind: "messageGet", changes: true, unaudited: true, handle: get },
  "STREAM.MSG.DELETE.*": { kind: "messageDelete", changes: true, handle: remove },
};

/** Index of the stream's name in `$JS.API.STREAM.MSG.GET.<name>`. */
const NAME_TOKEN = 5;

async function get(request: ApiRequest): Promise<object | typeof SILENCE> {
  if (isEmptyRequest(request.body)) throw apiError("BadRequest");
  const given = request.decode(MESSAGE_GET_REQUEST);
  const refused = checkMessageGet(given);
  if (refused !== null) throw refused;
  const name = request.service.token(NAME_TOKEN);
  const stream = request.account.streams.get(name);
  if (stream === undefined) {
    if (request.account.offline.has(name)) return SILENCE;
    throw apiError("StreamNotFound");
  }
  await new Promise<void>(resolve => stream.whenOpenForReads(resolve));
  const message = new Message();
  const found = await stream.host.run(find(stream.store, given, message));
  await durable(stream);
  if (found === null) throw apiError("NoMessageFound");
  return { message: found };
}

/** @returns the field `message` of the answer; null: there is none */
function* find(store: MessageStore, given: MessageGetRequest, message: Message): Job<object | null> {
  let sequence = sequenceOf(given.sequence);
  if (given.startTime !== null) {
    const { high, low } = setTime(new Nanoseconds(), given.startTime);
    sequence = store.sequenceAt(high, low);
    while (sequence === COLD) {
      yield store.warm();
      sequence = store.sequenceAt(high, low);
    }
  }
  if (given.nextBySubject !== "") {
    const scan = store.scan(new SubjectFilters([given.nextBySubject]), Math.max(1, sequence));
    while (true) {
      const read = scan.step(message);
      if (read === Read.Found) return storedMessageValue(message, given.noHeaders);
      if (read === Read.Missing) return null;
      if (read === Read.Cold) yield store.warm();
      else yield PAUSE;
    }
  }
  if (sequence === 0) sequence = yield* store.lastMatching(given.lastBySubject, store.state.lastSequence);
  let read = sequence === 0 ? Read.Missing : store.load(sequence, message);
  while (read === Read.Cold) {
    yield store.warm();
    read = store.load(sequence, message);
  }
  return read === Read.Found ? storedMessageValue(message, given.noHeaders) : null;
}

async function remove(request: ApiRequest): Promise<object> {
  if (isEmptyRequest(request.body)) throw apiError("BadRequest");
  const { noErase, sequence } = request.decode(MESSAGE_DELETE_REQUEST);
  const stream = request.account.streams.get(request.service.token(NAME_TOKEN));
  if (stream === undefined) {
    const isOffline = request.account.offline.has(request.service.token(NAME_TOKEN));
    throw isOffline ? apiError("StreamMsgDeleteFailed", { err: "stream closed" }) : apiError("StreamNotFound");
  }
  const { config, store } = stream;
  if (config.sealed) throw apiError("StreamSealed");
  if (config.denyDelete) throw apiError("StreamMsgDeleteFailed", { err: "message delete not permitted" });
  const wanted = sequenceOf(sequence);
  const removed = await changed(stream, "StreamMsgDeleteFailed", noErase ? removing(store, wanted) : store.erase(wanted));
  if (!removed) throw new CountedAsSuccess(notRemoved(stream, wanted, sequence));
  return { success: true };
}

/** As in the reference: its file store tells a sequence that was deleted from one outside of the stream. */
function notRemoved({ config, store }: Stream, wanted: number, sequence: Integer): ApiError {
  const { firstSequence, lastSequence, messages } = store.state;
  const isInside = messages > 0 && wanted >= firstSequence && wanted <= lastSequence;
  if (config.storage === "memory" || (isInside && wanted > 0)) return apiError("SequenceNotFound", { seq: sequence });
  return apiError("StreamMsgDeleteFailed", { err: wanted > lastSequence ? "stream store EOF" : "no message found" });
}

function* removing(store: MessageStore, sequence: number): Job<boolean> {
  let read = store.remove(sequence);
  while (read === Read.Cold) {
    yield store.warm();
    read = store.remove(sequence);
  }
  return read === Read.Found;
}
