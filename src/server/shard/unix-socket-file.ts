/**
 * The file of a Unix domain socket: removes a stale file and sets the mode, without a moment at which the file allows more. Bun removes the
 * file when the listener stops.
 *
 * A killed server leaves its file, and binding to an existing file fails. The file is removed only when it is a socket without a
 * listener, which is tested by connecting. That uses a direct system call, because Bun connects asynchronously and a start is
 * synchronous.
 */
import { type Pointer, ptr, read } from "bun:ffi";
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { openLibc, unixAddress } from "../../base/runtime/libc.ts";
import { StartError } from "./server-errors.ts";

const LINUX = process.platform === "linux";
const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** Connecting must not wait for a listener whose queue is full. */
const SOCK_NONBLOCK = LINUX ? 0x800 : 0;
const ECONNREFUSED = LINUX ? 111 : 61;
const PATH_BYTES_MAX = LINUX ? 107 : 103;

/**
 * Removes a stale socket file, so that the path can be bound.
 * @throws StartError when the path is too long, is not a socket, or has a listener; the file is kept then
 */
export function clearSocketPath(path: string): void {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new StartError(`Error listening on unix socket: ${path}, the path is longer than ${PATH_BYTES_MAX} bytes`);
  }
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw new StartError(`Error listening on unix socket: ${path}, the file is not a socket`);
  if (!isStale(path)) {
    throw new StartError(`Error listening on unix socket: ${path}, "bind: address already in use"`, { code: "EADDRINUSE" });
  }
  unlinkSync(path);
}

/**
 * Creates the file with this mode. @param bind creates it
 */
export function withSocketMode<T>(path: string, mode: number, bind: () => T): T {
  const before = process.umask(0o777 & ~mode);
  try {
    const bound = bind();
    chmodSync(path, mode); // systems may create it with fewer permissions
    return bound;
  } finally {
    process.umask(before);
  }
}

/** Whether the socket has no listener. False when that cannot be determined. */
function isStale(path: string): boolean {
  try {
    const errno = LINUX ? "__errno_location" : "__error";
    const symbols = openLibc({
      socket: { args: ["i32", "i32", "i32"], returns: "i32" },
      connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
      close: { args: ["i32"], returns: "i32" },
      [errno]: { args: [], returns: "ptr" },
    });
    if (symbols === null) return false;
    const calls = symbols as unknown as {
      socket(domain: number, type: number, protocol: number): number;
      connect(fd: number, address: Pointer, size: number): number;
      close(fd: number): number;
    } & Record<string, () => Pointer>;
    const address = unixAddress(path);
    const fd = calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
    const failed = calls.connect(fd, ptr(address), address.length) !== 0;
    const code = failed ? read.i32(calls[errno](), 0) : 0;
    calls.close(fd);
    return failed && code === ECONNREFUSED;
  } catch {
    return false;
  }
}
