/** Errors of the file system in Go's words, which operators of nats-server know. */
const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  EMFILE: "too many open files",
  ENFILE: "too many open files in system",
  EIO: "input/output error",
};

/** `open <path>: no such file or directory` */
export function goFileError(error: unknown, path: string): string {
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  return `${code === "EISDIR" ? "read" : "open"} ${path}: ${TEXTS[code] ?? message}`;
}
