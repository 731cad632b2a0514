/**
 * Account JWTs in a directory, one file each, in the reference's format: either server can use the other's directory.
 *
 *   <directory>/ABC….jwt
 *   <directory>/ABC….jwt.deleted       deleted, if deletion renames
 * Every `.jwt` file below the directory that existed at the start or was written since is tracked: hash of its content, expiry, and in a
 * cache the order of use. `hash` is the XOR of all hashes: two servers with equal hashes have equal stores.
 * The content of a file is checked by its users; an invalid file is tracked too, and fails when its JWT is used.
 *
 * A file is replaced by writing a temporary file, syncing and renaming it: after a crash it has the old or the new content. Names come from
 * peers, so only public nkeys are used in paths. Synchronous, like all changes of accounts; not a hot path.
 * Source: server/dirstore.go (behaviour).
 */
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { isAccountKey } from "../../access/jwt/public-key.ts";
import type { Disk } from "../../base/disk/disk.ts";
import { replaceFileNow } from "../../base/disk/replace-file.ts";
import { goFileError } from "../../base/go/file-error.ts";
import { decodeNkey } from "../../base/keys/nkey.ts";
import { expiryOf, isOlder } from "./stored-token.ts";

const EXTENSION = ".jwt";
const HASH_BYTES = 32;
/** Longer files are ignored; no token is that long. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

export interface DirectoryOptions {
  readonly directory: string;
  readonly deletion: "none" | "rename" | "hard";
  /** Most files; 0: any number. */
  readonly limit: number;
  /** At the limit the least recently used JWT is removed; otherwise new ones are refused. */
  readonly evicts: boolean;
  /** How long a JWT is kept after its last use, ms; 0: until it expires. */
  readonly ttlMs: number;
}

interface Tracked {
  readonly hash: Buffer;
  /** Wall clock, ms; infinity: never. */
  expiresAt: number;
}

/** The account has no file. */
export class NotStored extends Error {
  override name = "NotStored";
}

export class DirectoryStore {
  readonly directory: string;
  /** Called when a file's content has changed. */
  onChanged: (name: string) => void = () => {};
  onDeleted: (name: string) => void = () => {};
  /** In the order of last use. */
  private tracked = new Map<string, Tracked>();
  private xor = Buffer.alloc(HASH_BYTES);

  /** @throws Error with the reference's text: the directory cannot be created or read */
  constructor(
    readonly options: DirectoryOptions,
    private readonly disk: Disk,
    private readonly now: () => number,
  ) {
    this.directory = openDirectory(disk, options.directory);
    for (const path of this.paths()) this.trackFile(path);
  }

  /** 32 bytes; equal for equal stores. */
  get hash(): Buffer {
    return Buffer.from(this.xor);
  }

  get size(): number {
    return this.tracked.size;
  }

  /** Interval for calling `expire`, ms. */
  get expiryCheckMs(): number {
    const { ttlMs } = this.options;
    return ttlMs > 0 ? Math.max(1, Math.min(60_000, ttlMs / 2)) : 60_000;
  }

  /** @throws NotStored, or Error when the name is invalid or the file cannot be read */
  load(name: string): string {
    const path = this.pathOf(name);
    const jwt = this.read(path).toString("utf8");
    this.touch(name);
    return jwt;
  }

  /** @throws Error with the reference's text */
  save(name: string, jwt: string): void {
    if (this.write(this.pathOf(name), name, jwt)) this.onChanged(name);
  }

  /** Saves the JWT unless the stored one is newer or the same. @throws Error with the reference's text */
  saveIfNewer(name: string, jwt: string): void {
    const path = this.pathOf(name);
    const existing = this.disk.status(path) === null ? null : this.read(path).toString("utf8");
    if (existing !== null && isOlder(jwt, existing, name)) return;
    if (this.write(path, name, jwt)) this.onChanged(name);
  }

  /** Merges JWTs from another store: lines of `<account>|<jwt>`. @throws Error at the first invalid line */
  merge(pack: string): void {
    for (const line of pack.split("\n")) {
      if (line === "") continue;
      const parts = line.split("|");
      if (parts.length !== 2) throw new Error(`line in package didn't contain 2 entries: ${JSON.stringify(line)}`);
      if (!isAccountKey(parts[0])) throw new Error("key to merge is not a valid public account key");
      this.saveIfNewer(parts[0], parts[1]);
    }
  }

  /** All tracked JWTs that have not expired, in the order of their paths. */
  *entries(): IterableIterator<{ readonly name: string; readonly jwt: string }> {
    for (const path of this.paths()) {
      const name = nameIn(path);
      if (!this.tracked.has(name)) continue;
      const jwt = this.readIfFile(path)?.toString("utf8") ?? "";
      const expiresAt = jwt === "" ? 0 : expiryOf(jwt);
      if (jwt !== "" && !(expiresAt > 0 && expiresAt < this.now())) yield { name, jwt };
    }
  }

  /** Does nothing when there is no file. @throws Error with the reference's text */
  delete(name: string): void {
    const { deletion } = this.options;
    if (deletion === "none") throw new Error("store is not set up to for delete");
    const path = this.pathOf(name);
    try {
      if (deletion === "rename") this.disk.rename(path, `${path}.deleted`);
      else this.disk.unlink(path);
      this.disk.syncDirectoryNow(dirname(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw new Error(goFileError(error, path, deletion === "rename" ? "rename" : "remove"));
    }
    this.untrack(name);
    this.onDeleted(name);
  }

  /** Removes expired files. */
  expire(): void {
    const now = this.now();
    for (const [name, { expiresAt }] of this.tracked) {
      if (expiresAt > now) continue;
      try {
        this.disk.unlink(this.pathOf(name));
        this.untrack(name);
      } catch {
        // Already removed, or not removable: the next call tries again.
      }
    }
  }

  /** Reads all files again and reports changed ones; in a cache also new ones. */
  reload(): void {
    const before = this.tracked;
    this.tracked = new Map();
    this.xor = Buffer.alloc(HASH_BYTES);
    const changed: string[] = [];
    for (const path of this.paths()) {
      const name = nameIn(path);
      if (!this.trackFile(path)) continue;
      const old = before.get(name);
      if (old === undefined ? this.options.evicts : !old.hash.equals(this.tracked.get(name)!.hash)) changed.push(name);
    }
    for (const name of changed) this.onChanged(name);
  }

  private pathOf(name: string): string {
    if (decodeNkey(name) === null) throw new Error("invalid public key");
    return join(this.directory, `${name}${EXTENSION}`);
  }

  /** @returns whether the content has changed */
  private write(path: string, name: string, jwt: string): boolean {
    if (jwt === "") throw new Error("invalid JWT");
    const hash = sha256(jwt);
    const known = this.tracked.get(name);
    const { limit } = this.options;
    if (known !== undefined) {
      this.touch(name);
      if (known.hash.equals(hash)) return false;
    } else if (limit > 0 && this.tracked.size >= limit) this.makeRoom();
    makeDirectory(this.disk, dirname(path));
    const replacement = { path, temporary: `${path}.new`, mode: "replace", permissions: FILE_MODE } as const;
    try {
      replaceFileNow(this.disk, replacement, Buffer.from(jwt));
    } catch (error) {
      throw new Error(goFileError(error, path));
    }
    this.track(name, hash, jwt);
    return true;
  }

  private makeRoom(): void {
    if (!this.options.evicts) throw new Error("jwt store is full");
    const [oldest] = this.tracked.keys();
    const path = this.pathOf(oldest);
    try {
      this.disk.unlink(path);
    } catch (error) {
      throw new Error(goFileError(error, path, "remove"));
    }
    this.untrack(oldest);
  }

  /** @returns whether the file could be read */
  private trackFile(path: string): boolean {
    const content = this.readIfFile(path);
    if (content === null) return false;
    this.track(nameIn(path), sha256(content), content.toString("utf8"));
    return true;
  }

  private track(name: string, hash: Buffer, jwt: string): void {
    this.untrack(name);
    const { ttlMs } = this.options;
    this.tracked.set(name, { hash, expiresAt: ttlMs > 0 ? this.now() + ttlMs : expiryOf(jwt) || Number.POSITIVE_INFINITY });
    this.mix(hash);
  }

  private untrack(name: string): void {
    const known = this.tracked.get(name);
    if (known === undefined) return;
    this.tracked.delete(name);
    this.mix(known.hash);
  }

  private mix(hash: Buffer): void {
    for (let index = 0; index < HASH_BYTES; index++) this.xor[index] ^= hash[index];
  }

  private touch(name: string): void {
    const known = this.tracked.get(name);
    if (known === undefined) return;
    if (this.options.ttlMs > 0) known.expiresAt = this.now() + this.options.ttlMs;
    if (!this.options.evicts) return;
    this.tracked.delete(name);
    this.tracked.set(name, known);
  }

  private paths(): string[] {
    const paths: string[] = [];
    const walk = (directory: string): void => {
      for (const entry of this.disk.list(directory)) {
        const path = join(directory, entry.name);
        if (entry.isDirectory) walk(path);
        else if (entry.name.endsWith(EXTENSION)) paths.push(path);
      }
    };
    walk(this.directory);
    return paths;
  }

  private read(path: string): Buffer {
    try {
      return this.disk.readFile(path);
    } catch (error) {
      const text = goFileError(error, path);
      throw (error as NodeJS.ErrnoException).code === "ENOENT" ? new NotStored(text) : new Error(text);
    }
  }

  /** null: not a file, or not readable. */
  private readIfFile(path: string): Buffer | null {
    try {
      const status = this.disk.status(path);
      return status?.kind === "file" && status.size <= FILE_BYTES_MAX ? this.disk.readFile(path) : null;
    } catch {
      return null;
    }
  }
}

function openDirectory(disk: Disk, path: string): string {
  if (path === "") throw new Error("path is not specified");
  const absolute = resolve(path);
  makeDirectory(disk, absolute);
  return absolute;
}

/** Creates a directory and its parents, durably. @throws Error that names the directory that cannot be created, as in Go */
function makeDirectory(disk: Disk, path: string): void {
  if (disk.status(path)?.kind === "directory") return;
  if (dirname(path) !== path) makeDirectory(disk, dirname(path));
  try {
    disk.makeDirectory(path, DIRECTORY_MODE);
    disk.syncDirectoryNow(dirname(path));
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new Error(isFile ? `mkdir ${path}: not a directory` : goFileError(error, path, "mkdir"));
  }
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1, -EXTENSION.length);
}

function sha256(content: string | Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}
