/**
 * The server's log. It decides which lines are written, in which format, and where.
 *
 *   caller ─▶ SubsystemLog: level enabled? ─▶ sink: log_file, else remote_syslog, else syslog, else standard error
 * A reload builds a new format and sink and swaps them; existing loggers stay valid. Source: core §9.4.
 */
import { type Clock, SYSTEM_CLOCK } from "../clock/clock.ts";
import { goFileError } from "../go/file-error.ts";
import { FileSink, isRegularFile } from "./file-sink.ts";
import { JsonLine } from "./json-line.ts";
import { type Level, type LevelName, SUBSYSTEMS, type Subsystem, Threshold } from "./level.ts";
import { LogLine } from "./log-line.ts";
import type { LineFormat, LogSink } from "./log-sink.ts";
import type { ConfigurableLogger, Logger, LogOptions } from "./logger.ts";
import { RepeatFilter } from "./repeat-filter.ts";
import { type LogStream, openStream, STANDARD_ERROR, StreamSink, stderrIsTerminal } from "./stream-sink.ts";
import { SyslogSink } from "./syslog-sink.ts";
import { WallClock } from "./wall-clock.ts";

export const LOG_DEFAULTS: LogOptions = {
  debug: false,
  trace: false,
  logTime: true,
  logTimeUtc: false,
  logFile: null,
  logSizeLimit: 0,
  logFilesMax: 0,
  syslog: false,
  remoteSyslog: null,
  logFormat: "text",
  logLevelOverrides: {},
};

/** Replaced by tests. */
export interface LogDependencies {
  /** In place of standard error. */
  readonly stream?: LogStream;
  /** Default: true when standard error is a terminal. */
  readonly colors?: boolean;
  readonly clock?: Clock;
}

export class ServerLogger implements ConfigurableLogger {
  private readonly dependencies: LogDependencies;
  private readonly clock: Clock;
  private readonly wallClock: WallClock;
  private readonly repeats = new RepeatFilter();
  private readonly logs: Readonly<Record<Subsystem, SubsystemLog>>;
  private options: LogOptions;
  private sink: LogSink;

  /** @throws Error with the reference's text when the configured destination cannot be opened */
  constructor(given: Partial<LogOptions> = {}, dependencies: LogDependencies = {}) {
    this.dependencies = dependencies;
    this.clock = dependencies.clock ?? SYSTEM_CLOCK;
    this.wallClock = new WallClock(this.clock);
    this.options = { ...LOG_DEFAULTS, ...given };
    this.sink = this.open(this.options);
    this.logs = Object.fromEntries(SUBSYSTEMS.map(name => [name, new SubsystemLog(this, name)])) as Record<Subsystem, SubsystemLog>;
    this.applyOptions();
  }

  of(subsystem: Subsystem): Logger {
    return this.logs[subsystem];
  }

  prepare(options: LogOptions): () => void {
    const keeps = sameSink(this.options, options);
    const sink = keeps ? this.sink : this.open(options);
    return () => {
      const before = this.sink;
      this.options = options;
      this.sink = sink;
      if (!keeps) before.close();
      this.applyOptions();
    };
  }

  reopen(): void {
    if (this.options.logFile === null) return this.notice("File log re-open ignored, not a file logger");
    let sink: LogSink;
    try {
      sink = this.open(this.options);
    } catch (error) {
      return this.error(`File log re-open failed: ${(error as Error).message}`);
    }
    this.sink.close();
    this.sink = sink;
    this.applyOptions();
    this.notice("File log re-opened");
  }

  /** Writes waiting lines, as far as the destination accepts them at once. */
  flush(): void {
    this.sink.flush();
  }

  /** Settles when the destination is reached. @throws Error with the reference's text when syslog is unreachable */
  get connected(): Promise<void> {
    return this.sink instanceof SyslogSink ? this.sink.connected : Promise.resolve();
  }

  /** Used by `SubsystemLog`. */
  add(level: Level, text: string, subsystem: Subsystem): void {
    this.sink.add(level, text, this.wallClock.now(), subsystem);
    if (level === "FTL") this.sink.flush(); // the caller is about to end the process
  }

  passesRepeats(text: string): boolean {
    return this.repeats.passes(text, this.clock.monotonic());
  }

  private open(options: LogOptions): LogSink {
    const { logFile, remoteSyslog, syslog } = options;
    if (logFile !== null) {
      const limits = { sizeLimit: options.logSizeLimit, filesMax: options.logFilesMax };
      try {
        const format = this.formatOf(options, false);
        if (!isRegularFile(logFile)) return new StreamSink(format, this.clock, openStream(logFile));
        return new FileSink(logFile, format, limits, () => this.wallClock.now());
      } catch (error) {
        throw new Error(`error opening file: ${goFileError(error, logFile)}`, { cause: error });
      }
    }
    if (remoteSyslog !== null) return SyslogSink.remote(remoteSyslog, this.clock);
    if (syslog) return SyslogSink.local(this.clock);
    const format = this.formatOf(options, this.dependencies.colors ?? stderrIsTerminal());
    return new StreamSink(format, this.clock, this.dependencies.stream ?? STANDARD_ERROR);
  }

  private formatOf({ logFormat, logTime, logTimeUtc }: LogOptions, colors: boolean): LineFormat {
    if (logFormat === "json") return new JsonLine(process.pid, logTime);
    return new LogLine({ pid: process.pid, time: logTime, utc: logTimeUtc, colors });
  }

  private applyOptions(): void {
    const { debug, trace, logLevelOverrides } = this.options;
    for (const name of SUBSYSTEMS) {
      const override = logLevelOverrides[name];
      this.logs[name].threshold = override === undefined ? Threshold.ofSwitches(debug, trace) : Threshold.ofName(override as LevelName);
    }
    if (this.sink instanceof FileSink && this.sink.tooLarge) this.notice("Rotating logfile...");
  }

  // Logger, for the server itself

  get debugEnabled(): boolean {
    return this.logs.server.debugEnabled;
  }

  get traceEnabled(): boolean {
    return this.logs.server.traceEnabled;
  }

  notice(text: string): void {
    this.logs.server.notice(text);
  }

  warn(text: string): void {
    this.logs.server.warn(text);
  }

  error(text: string): void {
    this.logs.server.error(text);
  }

  /** Writes synchronously. */
  fatal(text: string): void {
    this.logs.server.fatal(text);
  }

  debug(text: string): void {
    this.logs.server.debug(text);
  }

  trace(text: string): void {
    this.logs.server.trace(text);
  }

  warnRateLimited(text: string): void {
    this.logs.server.warnRateLimited(text);
  }
}

class SubsystemLog implements Logger {
  threshold = Threshold.ofSwitches(false, false);
  private readonly log: ServerLogger;
  private readonly name: Subsystem;

  constructor(log: ServerLogger, name: Subsystem) {
    this.log = log;
    this.name = name;
  }

  get debugEnabled(): boolean {
    return this.threshold.debug;
  }

  get traceEnabled(): boolean {
    return this.threshold.trace;
  }

  notice(text: string): void {
    this.add("INF", text);
  }

  warn(text: string): void {
    this.add("WRN", text);
  }

  error(text: string): void {
    this.add("ERR", text);
  }

  fatal(text: string): void {
    this.add("FTL", text);
  }

  debug(text: string): void {
    this.add("DBG", text);
  }

  trace(text: string): void {
    this.add("TRC", text);
  }

  warnRateLimited(text: string): void {
    if (this.log.passesRepeats(text)) this.add("WRN", text);
  }

  private add(level: Level, text: string): void {
    if (this.threshold.shows(level)) this.log.add(level, text, this.name);
  }
}

/** Keeps the sink when its options are unchanged, so that waiting lines keep their order. */
function sameSink(a: LogOptions, b: LogOptions): boolean {
  const parts = ({ logFile, logSizeLimit, logFilesMax, syslog, remoteSyslog, logFormat, logTime, logTimeUtc }: LogOptions) =>
    JSON.stringify([logFile, logSizeLimit, logFilesMax, syslog, remoteSyslog, logFormat, logTime, logTimeUtc]);
  return parts(a) === parts(b);
}
