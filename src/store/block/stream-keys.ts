/** The encryption of one stream: the keys of its metafile and of its blocks. */
import type { FileKey, KeyOpening, StoreCipher, StoreEncryption } from "./encryption.ts";
import { blockContext, streamContext } from "./store-secret.ts";

export class StreamKeys {
  /** @param info name of the stream's account */
  constructor(
    private readonly encryption: StoreEncryption,
    private readonly info: string,
    private readonly stream: string,
  ) {}

  /** Of new keys. */
  get cipher(): StoreCipher {
    return this.encryption.cipher;
  }

  newStreamKey(): FileKey {
    return this.encryption.newKey(this.info, streamContext(this.stream));
  }

  /** @param keyFile content of `meta.key`; null: there is none */
  openStreamKey(keyFile: Uint8Array | null): KeyOpening {
    return this.encryption.openKey(keyFile, this.info, streamContext(this.stream));
  }

  newBlockKey(index: number): FileKey {
    return this.encryption.newKey(this.info, blockContext(this.stream, index));
  }

  /** @param keyFile content of `<index>.key`; null: there is none */
  openBlockKey(index: number, keyFile: Uint8Array | null): KeyOpening {
    return this.encryption.openKey(keyFile, this.info, blockContext(this.stream, index));
  }
}
