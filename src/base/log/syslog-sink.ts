/**
 * Sends lines to a local or remote syslog daemon.
 *
 *   syslog: true             /dev/log, /var/run/syslog or /var/run/log: datagrams, or a stream if the socket is one
 *   udp://host:port          datagrams, which may be lost
 *   tcp://host:port          a stream: lines wait in a queue of 8 MiB while it is disconnected and reconnects
 *   unix:///path             a stream
 * A daemon that is unreachable at the start fails the start, as in the reference (`connected`); one that disappears later is reconnected.
 * Each message carries its time and the program's name and id, so options about time do not apply.
 */
import { statSync } from "node:fs";
import { hostname } from "node:os";
import type { Clock } from "../clock/clock.ts";
import { programName } from "../keys/program-name.ts";
import type { Level } from "./level.ts";
import { LineQueue } from "./line-queue.ts";
import type { LogSink } from "./log-sink.ts";
import { type SyslogSender, syslogPacket } from "./syslog-packet.ts";
import { UnixDatagram } from "./unix-datagram.ts";

const LOCAL_PATHS = ["/dev/log", "/var/run/syslog", "/var/run/log"];
const RETRY_MS = 1_000;
/** Largest write to a stream, bytes. */
const STREAM_BYTES_MAX = 64 * 1024;

/** Address of a daemon, from a URL; without a port it is a Unix socket. */
interface Address {
  readonly scheme: string;
  readonly host: string;
  readonly port: number | null;
}

/** Error texts of Go's net package. */
const DIAL_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  ENETUNREACH: "network is unreachable",
  EHOSTUNREACH: "no route to host",
  ETIMEDOUT: "connection timed out",
};

function connectError(address: Address | null, error: unknown): Error {
  const refused = (reason: string) => new Error(`error connecting to syslog: ${JSON.stringify(reason)}`, { cause: error });
  if (address === null) return refused("Unix syslog delivery error");
  const { scheme, host, port } = address;
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (code === "ENOTFOUND") return refused(`dial ${scheme}: lookup ${host}: no such host`);
  return refused(`dial ${scheme} ${port === null ? host : hostPort(host, port)}: connect: ${DIAL_TEXTS[code] ?? message}`);
}

const hostPort = (host: string, port: number) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

/** Accepts a message now or not; reports later when it accepts more. */
interface SyslogPeer {
  send(packet: string): boolean;
  /** Settles with the first connection attempt; rejects with the system's error. */
  readonly connected: Promise<void>;
  close(): void;
}

export class SyslogSink implements LogSink {
  /** Resolves when the daemon is reached; rejects when the first attempt fails. @throws Error with the reference's text */
  readonly connected: Promise<void>;
  private readonly sender: SyslogSender;
  private readonly peer: SyslogPeer;
  private readonly queue = new LineQueue();
  private closing = false;

  /** @param address name of the daemon in error texts; null for the local one */
  private constructor(
    address: Address | null,
    private readonly clock: Clock,
    connect: (ready: () => void) => SyslogPeer,
  ) {
    this.sender = { tag: programName(), pid: process.pid, host: address === null ? null : hostname() };
    try {
      this.peer = connect(() => this.pump());
    } catch (error) {
      throw connectError(address, error);
    }
    this.connected = this.peer.connected.catch(error => {
      throw connectError(address, error);
    });
    this.connected.catch(() => {}); // without a caller that waits, lines are queued
  }

  /** @throws with the reference's text when no local daemon runs */
  static local(clock: Clock, paths: readonly string[] = LOCAL_PATHS): SyslogSink {
    for (const path of paths) {
      if (!statSync(path, { throwIfNoEntry: false })?.isSocket()) continue;
      const datagram = UnixDatagram.connect(path);
      if (datagram !== null) return new SyslogSink(null, clock, () => new DatagramPeer(datagram));
      return new SyslogSink(null, clock, ready => new StreamPeer({ unix: path }, clock, ready));
    }
    throw connectError(null, null);
  }

  /** @throws with the reference's text when the address is invalid */
  static remote(url: string, clock: Clock): SyslogSink {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    const scheme = parsed?.protocol.slice(0, -1) ?? "";
    if (parsed === null || !["udp", "tcp", "unix"].includes(scheme))
      throw new Error(`error invalid network type: ${JSON.stringify(scheme)}`);
    if (scheme === "unix")
      return new SyslogSink({ scheme, host: parsed.pathname, port: null }, clock, ready => {
        return new StreamPeer({ unix: parsed.pathname }, clock, ready);
      });
    const at = /^[a-z]+:\/\/(?:\[([^\]]+)\]|([^:/]*)):(\d+)/.exec(url);
    if (at === null)
      throw new Error(`error connecting to syslog: ${JSON.stringify(`dial ${scheme}: address ${parsed.host}: missing port in address`)}`);
    const target = { hostname: at[1] ?? (at[2] || "127.0.0.1"), port: Number(at[3]) };
    const address: Address = { scheme, host: target.hostname, port: target.port };
    if (scheme === "udp") return new SyslogSink(address, clock, ready => new UdpPeer(target, ready));
    return new SyslogSink(address, clock, ready => new StreamPeer(target, clock, ready));
  }

  add(level: Level, text: string, now: number): void {
    this.queue.push(syslogPacket(this.sender, level, text, now));
    this.pump();
  }

  flush(): void {
    this.pump();
  }

  close(): void {
    this.closing = true;
    this.pump();
    this.peer.close();
  }

  private waiting: string | undefined;

  private pump(): void {
    while (true) {
      this.waiting ??= this.queue.shift();
      if (this.waiting === undefined) break;
      if (!this.peer.send(this.waiting)) return;
      this.waiting = undefined;
      const dropped = this.queue.takeDropped();
      if (dropped > 0 && !this.closing) this.add("WRN", `${dropped} log lines dropped: syslog did not accept them`, this.clock.now());
    }
  }
}

class DatagramPeer implements SyslogPeer {
  readonly connected = Promise.resolve();
  private readonly datagram: UnixDatagram;

  constructor(datagram: UnixDatagram) {
    this.datagram = datagram;
  }

  /** If the daemon's buffer is full or the daemon has stopped, the line is lost, as with any datagram. */
  send(packet: string): boolean {
    this.datagram.send(Buffer.from(packet));
    return true;
  }

  close(): void {
    this.datagram.close();
  }
}

class UdpPeer implements SyslogPeer {
  readonly connected: Promise<void>;
  private socket: Bun.udp.ConnectedSocket<"buffer"> | null = null;
  private closed = false;

  constructor(connect: { hostname: string; port: number }, ready: () => void) {
    this.connected = Bun.udpSocket({ connect, socket: {} }).then(socket => {
      this.socket = socket;
      if (this.closed) socket.close();
      else ready();
    });
  }

  send(packet: string): boolean {
    if (this.socket === null) return false;
    this.socket.send(packet);
    return true;
  }

  close(): void {
    this.closed = true;
    this.socket?.close();
  }
}

type StreamTarget = { readonly unix: string } | { readonly hostname: string; readonly port: number };

class StreamPeer implements SyslogPeer {
  private readonly target: StreamTarget;
  private readonly ready: () => void;
  private socket: Bun.Socket<undefined> | null = null;
  /** Rest of the last message that the kernel did not accept. */
  private rest: Buffer | null = null;
  private closed = false;
  private readonly firstAttempt = Promise.withResolvers<void>();
  readonly connected = this.firstAttempt.promise;

  constructor(
    target: StreamTarget,
    private readonly clock: Clock,
    ready: () => void,
  ) {
    this.target = target;
    this.ready = ready;
    this.connect();
  }

  send(packet: string): boolean {
    if (this.socket === null || this.rest !== null) return false;
    this.write(Buffer.from(packet));
    return true;
  }

  close(): void {
    this.closed = true;
    if (this.rest === null) this.socket?.end();
  }

  private write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += STREAM_BYTES_MAX) {
      const part = bytes.subarray(at, at + STREAM_BYTES_MAX);
      const taken = Math.max(0, this.socket!.write(part));
      if (taken < part.length) {
        this.rest = bytes.subarray(at + taken);
        return;
      }
    }
  }

  private onDrain(): void {
    const rest = this.rest;
    this.rest = null;
    if (rest !== null) this.write(rest);
    if (this.rest === null) this.ready();
    if (this.closed && this.rest === null) this.socket?.end();
  }

  private connect(): void {
    const handlers = {
      open: (socket: Bun.Socket<undefined>) => {
        this.socket = socket;
        this.rest = null;
        this.firstAttempt.resolve();
        this.ready();
        if (this.closed) socket.end();
      },
      data: () => {},
      drain: () => this.onDrain(),
      close: () => this.reconnect(),
      error: () => {},
      connectError: () => {},
    };
    Bun.connect<undefined>({ ...this.target, socket: handlers, data: undefined } as never).catch(error => {
      this.firstAttempt.reject(error);
      this.reconnect();
    });
  }

  /** The daemon is unreachable or disconnected. */
  private reconnect(): void {
    this.socket = null;
    if (!this.closed) this.clock.after(RETRY_MS, () => this.closed || this.connect(), false);
  }
}
