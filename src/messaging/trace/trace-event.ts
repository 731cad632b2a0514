/** Sends what a trace has told. */
import { encode } from "../../base/bytes/ascii.ts";
import { acceptedEncoding, encodeContent } from "../../base/compression/content-encoding.ts";
import { buildHeader } from "../header/header-write.ts";
import type { MessageTrace } from "./message-trace.ts";

/** The account of whoever published the message. */
export interface TraceAccount {
  publishEvent(subject: string, header: Uint8Array | null, payload: Uint8Array): void;
}

/** @param server who tells it; null: there is no system account, and nothing is told */
export function sendTrace(trace: MessageTrace, account: TraceAccount, server: object | null): void {
  if (server === null) return;
  const { content, encoding } = encodeContent(encode(trace.json(server)), acceptedEncoding(trace.acceptedEncoding));
  account.publishEvent(trace.destination, encoding === null ? null : buildHeader([["Content-Encoding", encoding]]), content);
}
