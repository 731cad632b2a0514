/** The same stream directory, opened by our file store. */
import { join } from "node:path";
import { SYSTEM_DISK } from "../../../src/base/disk/system-disk.ts";
import { HashKey } from "../../../src/store/block/hash-key.ts";
import { StreamKeys } from "../../../src/store/block/stream-keys.ts";
import { NO_STORE_LIMITS } from "../../../src/store/contract/store-limits.ts";
import type { FileStore } from "../../../src/store/file/file-store.ts";
import { META_ROWS, metaChecksum, metaText } from "../../../src/store/file/meta-file.ts";
import { openFileStore } from "../../../src/store/file/open-file-store.ts";
import { SealedMeta } from "../../../src/store/file/sealed-meta.ts";
import { DrivenStore, finish } from "../driven-store.ts";
import { type TestParts, testEncryption, testParts } from "../file-store-parts.ts";
import type { StorePlace } from "../store-kind.ts";
import type { Secrets, SeenMessage, StoreForm } from "./reference-stream.ts";

const START = 1_700_000_000_000_000_000n;

/** The directory of the stream below the store directory of a server. */
export function streamDirectory(storeDirectory: string): string {
  return join(storeDirectory, "jetstream", "$G", "streams", "S");
}

export class OwnStream {
  private constructor(
    readonly config: string,
    readonly conversion: string | null,
    private readonly store: DrivenStore,
    private readonly parts: TestParts,
  ) {}

  /** @throws an Error when the stream cannot be loaded */
  static async open(storeDirectory: string, form: StoreForm, secrets: Secrets, blockBytesMax: number): Promise<OwnStream> {
    const directory = streamDirectory(storeDirectory);
    const parts = testParts(SYSTEM_DISK, 200_000);
    const keys = form.cipher === null ? null : new StreamKeys(testEncryption(form.cipher, secrets.key, secrets.previous), "$G", "S");
    const checksum = (stored: Uint8Array) => metaChecksum(parts.hasher, HashKey.ofName("S"), stored);
    const { conversion, found } = await new SealedMeta(SYSTEM_DISK, directory, checksum, keys).load();
    if (META_ROWS[found.row].kind !== "load") throw new Error(metaText(found));
    const options = { name: "S", directory, blockBytesMax, compressed: form.compressed, keys, relaxed: null };
    const open: StorePlace["open"] = async (limits, observer) => (await finish(openFileStore(parts, options, limits, observer))).store;
    const store = await DrivenStore.openAt({ open, kill() {} }, NO_STORE_LIMITS);
    return new OwnStream(Buffer.from(found.plain).toString(), conversion, store, parts);
  }

  publish({ header, payload, subject }: SeenMessage): Promise<number> {
    const { lastSequence } = this.store.state;
    return this.store.append(subject, header, payload, START + BigInt(lastSequence), 0);
  }

  async remove(sequence: number, overwrites: boolean): Promise<void> {
    await (overwrites ? this.store.erase(sequence) : this.store.remove(sequence));
    this.store.store.flush();
  }

  async read(sequence: number): Promise<SeenMessage | null> {
    const message = await this.store.load(sequence);
    return message === null ? null : { subject: message.subject, header: message.header, payload: message.payload };
  }

  state(): [messages: number, first: number, last: number] {
    const { firstSequence, lastSequence, messages } = this.store.state;
    return [messages, firstSequence, lastSequence];
  }

  /** Warnings and errors so far. */
  get log(): string[] {
    return this.parts.lines;
  }

  /** Everything that was changed is on the disk, and complete blocks have the form that is wanted. */
  async settled(): Promise<void> {
    await this.parts.commits.drain();
    await (this.store.store as FileStore).rewritten();
  }

  setCompression(compressed: boolean): void {
    this.store.store.setCompression(compressed);
  }

  /** Ends in order; without it the files stay as after a crash. */
  async close(): Promise<void> {
    await this.store.store.close();
  }
}
