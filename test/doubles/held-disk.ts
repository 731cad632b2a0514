/**
 * The system's disk, on which everything that waits for the medium can be held: syncs, reads outside of the event loop, removals. What is held goes
 * on with `release`, so a test can show what does not wait for the disk.
 */
import type { Disk, DiskFile } from "../../src/base/disk/disk.ts";
import { SYSTEM_DISK } from "../../src/base/disk/system-disk.ts";

const WAITING_CALLS: ReadonlySet<PropertyKey> = new Set(["sync", "readAsync", "extend", "unlinkAsync", "syncDirectory"]);

export class HeldDisk {
  /** Use it as the server's disk. */
  readonly disk: Disk = this.wrap(SYSTEM_DISK);
  private gate: PromiseWithResolvers<void> | null = null;
  /** Number of calls that were held. */
  held = 0;

  hold(): void {
    this.gate ??= Promise.withResolvers();
  }

  release(): void {
    this.gate?.resolve();
    this.gate = null;
  }

  private wrap<T extends Disk | DiskFile>(target: T): T {
    return new Proxy(target, {
      get: (_target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...words: unknown[]) => {
          if (this.gate === null || !WAITING_CALLS.has(name)) return this.shown(Reflect.apply(value, target, words));
          this.held++;
          return this.gate.promise.then(() => Reflect.apply(value, target, words));
        };
      },
    });
  }

  /** Files that were opened are held, too. */
  private shown(result: unknown): unknown {
    const isFile = typeof result === "object" && result !== null && "writeAt" in result;
    return isFile ? this.wrap(result as DiskFile) : result;
  }
}
