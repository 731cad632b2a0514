/** Go's texts for errors of the file system, which operators of nats-server know. */
const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  EROFS: "read-only file system",
  ENOSPC: "no space left on device",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  EMFILE: "too many open files",
  ENFILE: "too many open files in system",
  EIO: "input/output error",
};

/** `open <path>: no such file or directory` */
export function goFileError(error: unknown, path: string, operation = "open"): string {
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  return `${operation} ${path}: ${TEXTS[code] ?? message}`;
}

/** The same for reading a file: opening a directory succeeds, so the error says `read`. */
export function goReadError(error: unknown, path: string): string {
  return goFileError(error, path, (error as NodeJS.ErrnoException).code === "EISDIR" ? "read" : "open");
}
