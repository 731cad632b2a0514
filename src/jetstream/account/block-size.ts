/** Size of the message blocks of a stream: the same as nats-server's, so that limits remove files as often. Source: formats.md §10.4. */
import type { StreamConfig } from "../config/stream-config.ts";

const LARGE = 8 * 1024 * 1024;
const MEDIUM = 4 * 1024 * 1024;
const SMALL = 32_000;
/** Of encrypted blocks. */
const SEALED_MAX = 2 * 1024 * 1024;
const MESSAGE_BYTES = 1024 * 1024;
const SUBJECT_BYTES = 256;
const RECORD_BYTES = 34;

/** @param sealed blocks are encrypted */
export function blockBytesOf(config: StreamConfig, sealed: boolean): number {
  return Math.min(plainBlockBytesOf(config), sealed ? SEALED_MAX : LARGE);
}

function plainBlockBytesOf(config: StreamConfig): number {
  const { bytesMax, messagesMax, messagesPerSubjectMax, retention } = config;
  if (bytesMax > 0) return blockBytesFor(Number(bytesMax));
  if (messagesMax > 0) return blockBytesFor(Number(messagesMax) * messageBytes(config));
  if (messagesPerSubjectMax > 0) return MEDIUM;
  return retention === "limits" ? LARGE : MEDIUM;
}

/** @param total estimated bytes of the stream: about four blocks */
function blockBytesFor(total: number): number {
  const quarter = Math.ceil((Math.floor(total / 4) + 1) / 100) * 100;
  if (quarter <= SMALL) return SMALL;
  return quarter >= LARGE ? LARGE : MEDIUM;
}

/** Estimated bytes of a record. */
function messageBytes({ messageBytesMax, subjects }: StreamConfig): number {
  const literal = subjects.filter(subject => !/[*>]/.test(subject)).map(subject => Buffer.byteLength(subject));
  const subject = literal.length > 0 ? Math.max(...literal) : SUBJECT_BYTES;
  return RECORD_BYTES + subject + (Number(messageBytesMax) > 0 ? Number(messageBytesMax) : MESSAGE_BYTES);
}
