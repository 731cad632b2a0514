/** Publishes the event of a trace. */
import { encode } from "../../base/bytes/ascii.ts";
import { acceptedEncoding, encodeContent } from "../../base/compression/content-encoding.ts";
import { buildHeader } from "../header/header-write.ts";
import type { MessageTrace } from "./message-trace.ts";

/** The publisher's account. */
export interface TraceAccount {
  publishEvent(subject: string, header: Uint8Array | null, payload: Uint8Array): void;
}

/** @param server description of this server; null: there is no system account, and nothing is published */
export function sendTrace(trace: MessageTrace, account: TraceAccount, server: object | null): void {
  if (server === null) return;
  const { content, encoding } = encodeContent(encode(trace.json(server)), acceptedEncoding(trace.acceptedEncoding));
  account.publishEvent(trace.destination, encoding === null ? null : buildHeader([["Content-Encoding", encoding]]), content);
}
