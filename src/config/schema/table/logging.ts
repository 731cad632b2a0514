/** Options of the log. */

import { quoted } from "../../../base/go/strconv.ts";
import { LEVEL_NAMES, type LevelName, SUBSYSTEMS, type Subsystem } from "../../../base/log/level.ts";
import * as given from "../given/shape.ts";
import { integerFlag, switchFlag, textFlag, textOrNull } from "../row/flag-row.ts";
import { option } from "../row/option-row.ts";
import { ConfigFault } from "../row/problems.ts";
import { boolean, integer, mapOf, oneOf, size, textIn, textOrUnset } from "../row/reader.ts";

const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
export const LOG_FORMAT_REFUSAL = "log_format must be 'text' or 'json'";

export function isLogFormat(format: string): format is LogFormat {
  return (LOG_FORMATS as readonly string[]).includes(format);
}

/** @returns why a subsystem cannot have a level; null when it can */
export function levelFault(subsystem: string, level: string): string | null {
  if (!SUBSYSTEMS.includes(subsystem as Subsystem)) {
    return `log_level_override: unknown subsystem ${quoted(subsystem)}, expected ${SUBSYSTEMS.join(", ")}`;
  }
  if (LEVEL_NAMES.includes(level as LevelName)) return null;
  return `log_level_override: unknown level ${quoted(level)} of ${subsystem}, expected ${LEVEL_NAMES.join(", ")}`;
}

function overridesFault(overrides: Readonly<Record<string, string>>): string | null {
  for (const [subsystem, level] of Object.entries(overrides)) {
    const fault = levelFault(subsystem, level);
    if (fault !== null) return fault;
  }
  return null;
}

const levelOverrides = mapOf(
  `map of ${LEVEL_NAMES.map(name => `\`${name}\``).join(", ")}`,
  goType => `log_level_override must be a map, got ${goType}`,
  (value, subsystem) => {
    const level = textIn(value);
    const fault = levelFault(subsystem, level);
    if (fault !== null) throw new ConfigFault(fault);
    return level;
  },
);

export const LOGGING_OPTIONS = {
  debug: option<boolean>({
    names: "debug",
    reader: boolean,
    initial: false,
    text: "log debug lines",
    flags: [switchFlag("D debug", "Logging", "Enable debugging output")],
    reload: "live",
    goName: "Debug",
  }),
  trace: option<boolean>({
    names: "trace",
    reader: boolean,
    initial: false,
    text: "log every protocol line",
    flags: [switchFlag("V trace", "Logging", "Trace the raw protocol")],
    reload: "live",
    goName: "Trace",
  }),
  traceVerbose: option<boolean>({
    names: "",
    reader: null,
    initial: false,
    text: "trace the system account too",
    reload: "live",
    goName: "TraceVerbose",
  }),
  traceHeaders: option<boolean>({
    names: "",
    reader: null,
    initial: false,
    text: "trace only the headers of messages",
    reload: "live",
    goName: "TraceHeaders",
  }),
  tracedBytesMax: option<number>({
    names: "max_traced_msg_len",
    reader: integer,
    given: given.integer,
    initial: 0,
    text: "largest number of payload bytes in a trace line; 0: all",
    flags: [
      integerFlag(
        "max_traced_msg_len",
        "Logging",
        "len",
        "Maximum printable length for traced messages (default: unlimited)",
        given => given,
      ),
    ],
    reload: "live",
    goName: "MaxTracedMsgLen",
  }),
  logTime: option<boolean>({
    names: "logtime",
    reader: boolean,
    initial: true,
    text: "log lines have a timestamp",
    flags: [switchFlag("T logtime", "Logging", "Timestamp log entries (default: true)")],
    reload: "live",
    goName: "Logtime",
  }),
  logTimeUtc: option<boolean>({
    names: "logtime_utc",
    reader: boolean,
    initial: false,
    text: "timestamps in UTC",
    flags: [switchFlag("logtime_utc", "Logging", "Timestamps in UTC instead of local timezone (default: false)")],
    reload: "live",
    goName: "LogtimeUTC",
  }),
  logFile: option<string | null>({
    names: "log_file logfile",
    reader: textOrUnset,
    given: given.orNull(given.text),
    initial: null,
    text: "log file",
    flags: [textFlag("l log", "Logging", "file", "File to redirect log output", textOrNull)],
    reload: "live",
    goName: "LogFile",
  }),
  logSizeLimit: option<number>({
    names: "log_size_limit logfile_size_limit",
    reader: size,
    given: given.integer,
    initial: 0,
    text: "size in bytes at which the log file is rotated; 0 or negative: never",
    flags: [integerFlag("log_size_limit", "Logging", "limit", "Logfile size limit (default: auto)", given => given)],
    reload: "fixed",
    goName: "LogSizeLimit",
  }),
  logFilesMax: option<number>({
    names: "log_max_num logfile_max_num",
    reader: integer,
    given: given.integer,
    initial: 0,
    text: "number of log files kept, including the current one; 0 or negative: all",
    reload: "fixed",
    goName: "LogMaxFiles",
  }),
  syslog: option<boolean>({
    names: "syslog",
    reader: boolean,
    initial: false,
    text: "log to the system's log",
    flags: [switchFlag("s syslog", "Logging", "Log to syslog or windows event log")],
    reload: "live",
    goName: "Syslog",
  }),
  remoteSyslog: option<string | null>({
    names: "remote_syslog",
    reader: textOrUnset,
    given: given.orNull(given.text),
    initial: null,
    text: "log to the syslog server at this URL: `udp://`, `tcp://`, `unix://`",
    flags: [textFlag("r remote_syslog", "Logging", "addr", "Syslog server addr (udp://localhost:514)", textOrNull)],
    reload: "live",
    goName: "RemoteSyslog",
  }),
  logFormat: option<LogFormat>({
    names: "log_format",
    reader: oneOf(LOG_FORMATS, LOG_FORMAT_REFUSAL),
    initial: "text",
    check: format => (isLogFormat(format) ? null : LOG_FORMAT_REFUSAL),
    text: "format of log lines; nats-server supports only text",
    reload: "live",
    goName: "LogFormat",
  }),
  logLevelOverrides: option<Readonly<Record<string, string>>>({
    names: "log_level_override",
    reader: levelOverrides,
    given: given.mapOf(given.text),
    initial: {},
    check: overridesFault,
    text: `level of single subsystems (${SUBSYSTEMS.join(", ")}); not in nats-server`,
    flags: [
      textFlag(
        "log_level_override",
        "Logging",
        "subsystem=level",
        "Level of one subsystem, may be given several times",
        (given, before) => {
          const at = given.indexOf("=");
          return { ...before, [given.slice(0, at)]: given.slice(at + 1) };
        },
        given => {
          const at = given.indexOf("=");
          return at === -1 ? "log_level_override needs <subsystem>=<level>" : levelFault(given.slice(0, at), given.slice(at + 1));
        },
      ),
    ],
    reload: "live",
    goName: "LogLevelOverride",
  }),
};
