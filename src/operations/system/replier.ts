/**
 * Answers of services: `{"server":{…},"data":{…}}`, or `error` instead, compressed when the requester accepts it.
 *
 *   body ─▶ options ─ for another server? no answer ─▶ handler ─▶ data ─▶ Accept-Encoding
 *            └ wrong JSON: error 400   it throws EndpointError: error 500 ┘     errors are never compressed
 * Answers that can be long are computed, written and compressed in slices; a few at a time, so that others wait.
 * Source: reference, core §8.3.
 */

import { acceptedEncoding, type ContentEncoding, encodeContent, encodeInSlices } from "../../base/compression/content-encoding.ts";
import { decodeJson } from "../../base/go/json-decode.ts";
import { JsonError } from "../../base/go/json-error.ts";
import type { Shape } from "../../base/go/json-shape.ts";
import { isStreamed, jsonPieces } from "../../base/go/json-stream.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import type { Task } from "../../base/scheduling/scheduler.ts";
import { isSliced, PAUSE, type Sliced, STEP_UNITS } from "../../base/scheduling/sliced.ts";
import type { TaskQueue } from "../../base/scheduling/task-queue.ts";
import { buildHeader } from "../../messaging/header/header-write.ts";
import type { Sender } from "../../services/sender.ts";
import type { ServiceRequest } from "../../services/service-request.ts";
import { EndpointError, NotAddressed } from "../monitor/endpoint-error.ts";
import type { SystemHost } from "./system-host.ts";

const BAD_REQUEST = 400;
const FAILED = 500;

/** Selects the servers that answer. Empty fields do not filter. */
export interface ServerFilter {
  readonly server_name: string;
  readonly cluster: string;
  readonly host: string;
  readonly exact_match: boolean;
  readonly tags: readonly string[];
  readonly domain: string;
}

/** Returned by a handler that does not answer, or answers later. */
export const SILENCE = Symbol("silence");

/** Runs a part of a handler that continues later, logs its errors, and sends its output. */
export type Guard = (request: ServiceRequest, part: () => void) => void;

export class Replier {
  constructor(
    private readonly host: SystemHost,
    private readonly sender: Sender,
    private readonly longAnswers: TaskQueue,
    private readonly guard: Guard,
  ) {}

  /**
   * @param answer returns the data, or computes it in slices; undefined: the answer has no `data`. Throws `EndpointError` to refuse
   * @param dataless whether an error answer leaves `data` out too, instead of `null`
   */
  reply<T extends object>(
    request: ServiceRequest,
    options: Shape<T>,
    answer: (options: T) => unknown | Sliced<unknown>,
    dataless = false,
  ): void {
    if (request.reply === "") return;
    const given = this.read(request, options);
    if (given === null) return;
    try {
      const data = answer(given);
      if (isSliced(data)) this.continueLater(request, this.finish(request, data, dataless));
      else if (data !== SILENCE) this.succeed(request, data);
    } catch (error) {
      this.refuse(request, error, dataless);
    }
  }

  private *finish(request: ServiceRequest, computing: Sliced<unknown>, dataless: boolean): Sliced<void> {
    try {
      const data = yield* computing;
      if (data !== SILENCE) yield* this.send(request, data);
    } catch (error) {
      this.refuse(request, error, dataless);
    }
  }

  private refuse(request: ServiceRequest, error: unknown, dataless: boolean): void {
    if (error instanceof NotAddressed) return;
    if (!(error instanceof EndpointError)) throw error;
    this.fail(request, FAILED, error.message, !dataless);
  }

  /** Runs the rest of a handler in slices, when its turn comes. */
  continueLater(request: ServiceRequest, rest: Sliced<void>): void {
    const { meter } = this.host.monitoring.scheduler;
    const task: Task = {
      work: () => {
        let more = false;
        this.guard(request, () => {
          do {
            more = rest.next().done !== true;
            meter.add(STEP_UNITS);
          } while (more && !meter.exhausted);
        });
        return more;
      },
    };
    if (!this.longAnswers.start(task)) this.host.log.warnRateLimited("System services: too many long answers, some requests are dropped");
  }

  /** @returns null when the request is for another server, or its body is invalid and an error was sent */
  read<T extends object>(request: ServiceRequest, options: Shape<T>): T | null {
    if (request.body.length === 0) return options.zero();
    try {
      const given = decodeJson(options, request.body);
      return isAddressedTo(this.host, given as unknown as ServerFilter) ? given : null;
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      this.fail(request, BAD_REQUEST, error.message, false);
      return null;
    }
  }

  succeed(request: ServiceRequest, data: unknown): void {
    if (isStreamed(data)) return this.continueLater(request, this.send(request, data));
    const { content, encoding } = encodeContent(Buffer.from(compactGoJson(this.envelope(data))), acceptedEncoding(request.acceptEncoding));
    this.publish(request, content, encoding);
  }

  private *send(request: ServiceRequest, data: unknown): Sliced<void> {
    const pieces: Buffer[] = [];
    for (const piece of jsonPieces(this.envelope(data), 0)) {
      if (piece !== "") pieces.push(Buffer.from(piece));
      yield PAUSE;
    }
    const { content, encoding } = yield* encodeInSlices(pieces, acceptedEncoding(request.acceptEncoding));
    this.publish(request, content, encoding);
  }

  private envelope(data: unknown): object {
    const server = this.sender.server();
    return data === undefined ? { server } : { server, data };
  }

  private publish(request: ServiceRequest, content: Uint8Array, encoding: ContentEncoding | null): void {
    this.sender.answer(request.reply, encoding === null ? null : buildHeader([["Content-Encoding", encoding]]), content);
  }

  /** @param description empty: none */
  fail(request: ServiceRequest, code: number, description: string, hasData: boolean): void {
    const error = description === "" ? { code } : { code, description };
    const server = this.sender.server();
    this.sender.answer(request.reply, null, compactGoJson(hasData ? { server, data: null, error } : { server, error }));
  }
}

function isAddressedTo(host: SystemHost, filter: ServerFilter): boolean {
  const { exact_match, tags, domain } = filter;
  const names = [
    [filter.server_name, host.serverName],
    [filter.host, host.advertisedHost],
    [filter.cluster, host.clusterName],
  ];
  const matches = ([wanted, own]: string[]) => wanted === "" || (exact_match ? own === wanted : own.includes(wanted));
  const hasTag = (tag: string) => host.options.serverTags.includes(tag.trim().toLowerCase());
  return names.every(matches) && tags.every(hasTag) && (domain === "" || domain === host.options.jetStream.domain);
}
