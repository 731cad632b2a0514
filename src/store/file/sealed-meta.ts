/**
 * The metafile of a stream and its key: finds the key, seals what is written, and changes the key when the configuration asks for another one.
 *
 *   meta.key ─▶ `AssetStep` (block/encryption-recovery.ts) ─▶ read, or read and write again with a new key
 * nats-server removes the old key, and then writes the new one and the metafile; here a crash between any two steps keeps a pair that fits.
 */
import { join } from "node:path";
import type { Disk } from "../../base/disk/disk.ts";
import { inOneGo } from "../../base/scheduling/sliced.ts";
import { CIPHER_NAMES, type FileKey, KeyState } from "../block/encryption.ts";
import { ASSET_REFUSALS, AssetStep, assetStep, keyStateWithoutSecret } from "../block/encryption-recovery.ts";
import type { StreamKeys } from "../block/stream-keys.ts";
import { readIfThere } from "./block-files.ts";
import { META_CHECKSUM, META_FILE, META_KEY, META_ROWS, type MetaCipher, MetaFile, type MetaFound, MetaRow } from "./meta-file.ts";

const ENCRYPTING = "Encrypting";
const NOTHING = new Uint8Array(0);
/** A plain metafile is a JSON object. */
const OBJECT_START = 0x7b;

/** The cipher of metafiles and state files with a key. */
export function cipherOf(key: FileKey): MetaCipher {
  return { seal: plain => inOneGo(key.seal(plain)), open: stored => inOneGo(key.open(stored)) };
}

export interface SealedFound {
  readonly found: MetaFound;
  /** Beginning of a log line that says what was converted, followed by the names of account and stream; null: nothing was. */
  readonly conversion: string | null;
}

export class SealedMeta {
  /**
   * @param directory of the stream; it exists when something is read or written
   * @param checksum as of `MetaFile`
   * @param keys null: encryption is not configured
   */
  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    private readonly checksum: (stored: Uint8Array) => string,
    private readonly keys: StreamKeys | null,
  ) {}

  /** Creates or replaces the metafile, with a key if there is none. As `MetaFile.write`. */
  async write(plain: Uint8Array): Promise<void> {
    const { keys } = this;
    if (keys === null) return this.file(null).write(plain);
    const { key, state } = keys.openStreamKey(this.keyFile());
    if (state === KeyState.Current) return this.file(key).write(plain);
    await this.writeWithNewKey(keys, plain);
  }

  /** As `MetaFile.load`. The metafile is converted when the configuration asks for another key, or for the first one. */
  async load(): Promise<SealedFound> {
    try {
      const keyFile = this.keyFile();
      const opening = this.keys?.openStreamKey(keyFile) ?? { state: keyStateWithoutSecret(keyFile), key: null };
      const step = assetStep(this.keys !== null, opening.state);
      switch (step) {
        case AssetStep.ReadPlain:
          return await this.read(null, null);
        case AssetStep.Encrypt:
          return await this.read(null, ENCRYPTING);
        case AssetStep.Read:
          return await this.readSealed(opening.key);
        case AssetStep.ChangeKey:
          return await this.read(opening.key, `Converting to ${CIPHER_NAMES[this.keys!.cipher]} for`);
        default:
          return { found: this.missing(MetaRow.Refused, ASSET_REFUSALS[step]!), conversion: null };
      }
    } catch (error) {
      return { found: this.missing(MetaRow.Unreadable, (error as Error).message), conversion: null };
    }
  }

  /** The cipher of the stream's state file, once the metafile was loaded or written; null: it is plain. */
  stateCipher(): MetaCipher | null {
    const key = this.keys?.openStreamKey(this.keyFile()).key ?? null;
    return key === null ? null : cipherOf(key);
  }

  /** A crash, of nats-server too, may have left the key beside a metafile that is plain. */
  private async readSealed(key: FileKey | null): Promise<SealedFound> {
    const sealed = await this.read(key, null);
    if (sealed.found.row !== MetaRow.Sealed) return sealed;
    const plain = await this.file(null).load();
    return plain.plain[0] === OBJECT_START ? await this.read(null, ENCRYPTING) : sealed;
  }

  /** @param conversion null: nothing is converted */
  private async read(key: FileKey | null, conversion: string | null): Promise<SealedFound> {
    const found = await this.file(key).load();
    if (conversion === null || META_ROWS[found.row].kind !== "load") return { found, conversion: null };
    await this.writeWithNewKey(this.keys!, found.plain);
    return { found, conversion };
  }

  private async writeWithNewKey(keys: StreamKeys, plain: Uint8Array): Promise<void> {
    const key = keys.newStreamKey();
    await this.file(key).write(plain, key.keyFile);
  }

  private file(key: FileKey | null): MetaFile {
    return new MetaFile(this.disk, this.directory, this.checksum, key === null ? null : cipherOf(key));
  }

  private keyFile(): Buffer | null {
    return readIfThere(this.disk, join(this.directory, META_KEY));
  }

  private missing(row: MetaRow, detail: string): MetaFound {
    const { directory } = this;
    return { row, path: join(directory, META_FILE), checksumPath: join(directory, META_CHECKSUM), plain: NOTHING, detail };
  }
}
