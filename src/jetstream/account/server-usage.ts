/** What all accounts of a server use and have reserved, and what the server can give. Source: reference, jetstream §7.2. */
import type { ServerReservations } from "../config/account-limits.ts";
import type { Integer } from "../config/stream-config.ts";

/** Limits of the server that may change while it runs. */
export interface ServerLimits {
  /** Bytes of all memory streams. */
  readonly memoryBytesMax: number;
  /** Bytes of all file streams. */
  readonly storageBytesMax: number;
  /** Longest window for duplicates; 0: no limit. */
  readonly duplicateWindowMaxNs: Integer;
}

export class ServerUsage implements ServerReservations {
  memoryBytes = 0;
  storageBytes = 0;
  memoryReserved: Integer = 0;
  storageReserved: Integer = 0;
  private limits: ServerLimits;

  constructor(limits: ServerLimits) {
    this.limits = limits;
  }

  get memoryBytesMax(): number {
    return this.limits.memoryBytesMax;
  }

  get storageBytesMax(): number {
    return this.limits.storageBytesMax;
  }

  get duplicateWindowMaxNs(): Integer {
    return this.limits.duplicateWindowMaxNs;
  }

  follow(limits: ServerLimits): void {
    this.limits = limits;
  }

  add(isFile: boolean, bytes: number): void {
    if (isFile) this.storageBytes += bytes;
    else this.memoryBytes += bytes;
  }

  /** @param bytes of a stream's `max_bytes`; without one, nothing is reserved. Negative: given back */
  reserve(isFile: boolean, bytes: bigint): void {
    const sum = (before: Integer) => {
      const after = BigInt(before) + bytes;
      return after <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(after) : after;
    };
    if (isFile) this.storageReserved = sum(this.storageReserved);
    else this.memoryReserved = sum(this.memoryReserved);
  }

  isFull(isFile: boolean): boolean {
    return isFile ? this.storageBytes > this.storageBytesMax : this.memoryBytes > this.memoryBytesMax;
  }
}
