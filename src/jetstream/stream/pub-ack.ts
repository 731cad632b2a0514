/**
 * Answers to published messages, as bytes.
 *
 *   {"stream":"S","domain":"D","seq":17}                     the text up to the number is made once per stream
 *   {"stream":"S","seq":17,"duplicate": true}                the original of the duplicate; with a space, as the reference writes it
 *   {"error":{…},"stream":"S","seq":0}                       refused
 * Nothing is allocated per message.
 * Source: jetstream §4.2.
 */
import { encode, writeSafeInteger } from "../../base/bytes/ascii.ts";
import { putBytes } from "../../base/bytes/put-bytes.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import type { ApiError } from "../error/api-error.ts";

const CLOSE_BRACE = 0x7d;
const DUPLICATE = encode(',"duplicate": true}');
const SEQUENCE_DIGITS_MAX = 16;

export class PubAck {
  /** Longest answer but an error, bytes. */
  readonly bytesMax: number;
  private readonly prefix: Uint8Array;

  /** @param domain of the server's JetStream; empty: none */
  constructor(
    private readonly stream: string,
    domain: string,
  ) {
    const place = domain === "" ? "" : `"domain":${JSON.stringify(domain)},`;
    this.prefix = encode(`{"stream":${JSON.stringify(stream)},${place}"seq":`);
    this.bytesMax = this.prefix.length + SEQUENCE_DIGITS_MAX + DUPLICATE.length;
  }

  /** @param target has `bytesMax` bytes left @param sequence of the message @returns the offset after the answer */
  write(target: Uint8Array, at: number, sequence: number): number {
    const end = this.writePrefix(target, at, sequence);
    target[end] = CLOSE_BRACE;
    return end + 1;
  }

  /** @param sequence of the message that was stored first */
  writeDuplicate(target: Uint8Array, at: number, sequence: number): number {
    const end = this.writePrefix(target, at, sequence);
    target.set(DUPLICATE, end);
    return end + DUPLICATE.length;
  }

  error(error: ApiError): Buffer {
    return encode(compactGoJson({ error, stream: this.stream, seq: 0 }));
  }

  private writePrefix(target: Uint8Array, at: number, sequence: number): number {
    return writeSafeInteger(target, putBytes(this.prefix, 0, this.prefix.length, target, at), sequence);
  }
}
