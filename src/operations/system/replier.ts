/**
 * Answers of services: `{"server":{…},"data":{…}}`, or `error` instead, compressed when the requester accepts it.
 *
 *   body ─▶ options ─ for another server? no answer ─▶ handler ─▶ data ─▶ Accept-Encoding
 *            └ wrong JSON: error 400   it throws EndpointError: error 500 ┘     errors are never compressed
 * Source: reference, core §8.3.
 */

import { acceptedEncoding, encodeContent } from "../../base/compression/content-encoding.ts";
import { decodeJson } from "../../base/go/json-decode.ts";
import { JsonError } from "../../base/go/json-error.ts";
import type { Shape } from "../../base/go/json-shape.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
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

export class Replier {
  constructor(
    private readonly host: SystemHost,
    private readonly sender: Sender,
  ) {}

  /**
   * @param answer returns the data; undefined: the answer has no `data`. Throws `EndpointError` to refuse
   * @param dataless whether an error answer leaves `data` out too, instead of `null`
   */
  reply<T extends object>(request: ServiceRequest, options: Shape<T>, answer: (options: T) => unknown, dataless = false): void {
    if (request.reply === "") return;
    const given = this.read(request, options);
    if (given === null) return;
    try {
      const data = answer(given);
      if (data !== SILENCE) this.succeed(request, data);
    } catch (error) {
      if (error instanceof NotAddressed) return;
      if (!(error instanceof EndpointError)) throw error;
      this.fail(request, FAILED, error.message, !dataless);
    }
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
    const server = this.sender.server();
    const json = compactGoJson(data === undefined ? { server } : { server, data });
    const { content, encoding } = encodeContent(Buffer.from(json), acceptedEncoding(request.acceptEncoding));
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
  // A filter by JetStream domain excludes this server, which has no JetStream.
  return names.every(matches) && tags.every(hasTag) && domain === "";
}
