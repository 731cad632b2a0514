/**
 * Closes sockets so that the peer gets the last bytes, and does not wait longer than that.
 *
 *   end ─▶ FIN, no more reading ─▶ the kernel reports that the peer's kernel has acknowledged the last byte ─▶ close
 * Closing at once would be too early: bytes that the peer has sent and nothing has read turn the close into a reset, which discards bytes that
 * are still on their way to the peer. Waiting for the peer to end its side would be too late: a peer that goes on writing learns only from
 * the close that nothing is read any more. What it has written meanwhile stays unread, so that the close answers it with a reset: an
 * acknowledgement that the close cancels would let the peer wait for its retransmission. Bun does not report acknowledgements, so the kernel
 * is asked, a few times per socket.
 */
import type { Socket } from "bun";
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { SocketCalls } from "./socket-calls.ts";

/** Intervals at which the kernel is asked: doubled each time, and limited while acknowledgements of a close peer may be delayed. */
const FIRST_POLL_MS = 1;
const POLL_MS_MAX = 8;
const SLOW_POLL_MS_MAX = 64;
/** Linux delays acknowledgements for 40 ms at first. */
const FAST_POLLS = 10;

export class SocketCloser {
  private readonly timers: TimingWheel;
  private readonly calls: SocketCalls | null;

  /** @param calls null: the kernel cannot be asked, so sockets that linger wait until the peer ends its side */
  constructor(timers: TimingWheel, calls: SocketCalls | null) {
    this.timers = timers;
    this.calls = calls;
  }

  /**
   * Sends FIN after everything that was written, then closes. The caller limits the time, by `terminate`.
   * @param lingers wait until the last bytes are acknowledged; otherwise only until closing does not discard them in this kernel
   */
  end(socket: Socket<unknown>, lingers: boolean): void {
    const { calls } = this;
    socket.shutdown();
    if (calls === null) {
      if (!lingers) socket.close();
      return;
    }
    if (isDone(calls, socket, lingers)) return void socket.close();
    socket.pause();
    let polls = 0;
    const timer = new WheelTimer(() => {
      if (isDone(calls, socket, lingers)) return void socket.close();
      polls++;
      this.timers.set(timer, Math.min(FIRST_POLL_MS << polls, polls < FAST_POLLS ? POLL_MS_MAX : SLOW_POLL_MS_MAX));
    });
    this.timers.set(timer, FIRST_POLL_MS);
  }
}

function isDone(calls: SocketCalls, socket: Socket<unknown>, lingers: boolean): boolean {
  const left = calls.lastBytes(fdOf(socket));
  return left !== null && (left.unacknowledged === 0 || (!lingers && left.unread === 0));
}

/** -1 once the socket is closed. */
export function fdOf(socket: Socket<unknown>): number {
  return (socket as unknown as { readonly fd: number }).fd; // Bun's types lack it
}
