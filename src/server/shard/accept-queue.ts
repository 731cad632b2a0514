/**
 * Accepted sockets whose connections are not created yet.
 *
 *   open ─┬─ the loop has time ─▶ connection
 *         └─ it is busy ─▶ paused, waits here ─▶ task: connections, a share at a time
 * The runtime accepts all connections that the kernel holds, four thousand of them, before it looks at any other socket. Creating their
 * connections at once would hold up all clients; accepting them alone takes a tenth of that time.
 * The number of waiting sockets is bounded by the limit on file descriptors.
 */
import type { Socket } from "bun";
import type { Scheduler, Task } from "../../base/scheduling/scheduler.ts";
import { UnitsOf } from "../../base/scheduling/work-meter.ts";
import type { SocketEvents } from "../../wire/transport/transport.ts";

/** Receives events of a socket without a connection. */
const NO_CONNECTION: SocketEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

/** Data of a socket that waits. */
interface Waiting {
  events: SocketEvents;
}

export class AcceptQueue<Data> implements Task {
  private readonly scheduler: Scheduler;
  private readonly admit: (socket: Socket<Data>) => void;
  private sockets: Socket<Data>[] = [];
  private next = 0;
  private stopped = false;

  /** @param admit creates the connection of a socket */
  constructor(scheduler: Scheduler, admit: (socket: Socket<Data>) => void) {
    this.scheduler = scheduler;
    this.admit = admit;
  }

  /** Creates the connection of a socket that was just accepted, now or later. */
  open(socket: Socket<Data>): void {
    const { scheduler } = this;
    const waits = this.next < this.sockets.length;
    if (!waits && !scheduler.checkBusy()) {
      scheduler.meter.done += UnitsOf.accept;
      this.admit(socket);
      return;
    }
    (socket as unknown as { data: Waiting }).data = { events: NO_CONNECTION };
    socket.pause();
    this.sockets.push(socket);
    if (!waits) scheduler.add(this);
  }

  work(): boolean {
    const { meter } = this.scheduler;
    while (this.next < this.sockets.length) {
      if (meter.exhausted) return true;
      const socket = this.sockets[this.next++];
      meter.done += UnitsOf.accept;
      if (this.stopped) continue;
      this.admit(socket);
      if (socket.readyState < 0)
        (socket as unknown as { data: Waiting }).data.events.onClose(null); // the peer did not wait
      else socket.resume();
    }
    this.sockets = [];
    this.next = 0;
    return false;
  }

  /** Sockets that wait get no connection any more; the listener closes them. */
  stop(): void {
    this.stopped = true;
    for (let index = this.next; index < this.sockets.length; index++) this.sockets[index].terminate();
  }
}
