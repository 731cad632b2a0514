/**
 * The secret of the configuration that protects stored files (`encryption_key`). It is in nothing that is printed: not in a log line, not in JSON,
 * not when an object that has it is inspected.
 *
 *   key-encryption key = HMAC-SHA256(secret, info · context)
 * `info` is the account's name, or a RAFT group's. The context names the asset: see the functions below.
 * Source: reference, formats §10.5.
 */
import { createHmac } from "node:crypto";
import { inspect } from "node:util";

const HIDDEN = "[secret]";

export class StoreSecret {
  readonly #bytes: Uint8Array;

  constructor(text: string) {
    this.#bytes = Buffer.from(text);
  }

  /** The key that encrypts the key file of an asset: 32 bytes. */
  keyFor(info: string, context: string): Uint8Array {
    return createHmac("sha256", this.#bytes).update(info).update(context).digest();
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}

/** Of a stream's metafile and state file. */
export function streamContext(stream: string): string {
  return stream;
}

/** @param index number of the block */
export function blockContext(stream: string, index: number): string {
  return `${stream}:${index}`;
}

/** Of a consumer's metafile and state file. */
export function consumerContext(stream: string, consumer: string): string {
  return `${stream}.${consumer}`;
}
