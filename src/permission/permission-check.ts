import { encode, quote } from "../bytes/ascii.ts";
import type { PermissionOptions } from "../config/permission-options.ts";
import { isSound, words } from "./subject-queue.ts";

/**
 * What is wrong with the subjects of permissions that somebody handed in, in the reference's words; null when nothing is.
 * Those of a server's configuration are refused where they are read, with their place.
 */
export function permissionError({ publish, subscribe }: PermissionOptions): string | null {
  return (
    listError("publish allow", publish?.allow, false) ??
    listError("publish deny", publish?.deny, false) ??
    listError("subscribe allow", subscribe?.allow, true) ??
    listError("subscribe deny", subscribe?.deny, true)
  );
}

function listError(name: string, list: readonly string[] | null | undefined, allowQueue: boolean): string | null {
  for (const entry of list ?? []) {
    const error = entryError(entry, allowQueue);
    if (error !== null) return `${name}: ${error}`;
  }
  return null;
}

function entryError(entry: string, allowQueue: boolean): string | null {
  if (isSound(entry)) return null;
  const [subject, queue, ...more] = words(entry);
  if (!allowQueue || queue === undefined || more.length > 0) return `subject ${shown(entry)} is not a valid subject`;
  if (!isSound(subject)) return `subject ${shown(subject)} is not a valid subject`;
  return isSound(queue) ? null : `queue ${shown(queue)} is not a valid queue`;
}

function shown(text: string): string {
  return quote(encode(text));
}
