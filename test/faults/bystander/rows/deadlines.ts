/** Deadlines after a stall: a peer is not condemned for the time in which the server did not look at its socket. */
import type { Row } from "../row.ts";

const READ_BYTES = 80_000; // every 10 ms: 8 MB/s

export const DEADLINE_ROWS: Row[] = [
  {
    id: "write-deadline",
    before: "write_deadline: 3s, a reader at 8 MB/s; 200 subscribers, one publisher of 16 B without a pause",
    load: "",
    configuration: 'write_deadline: "3s"\n',
    async prepare(attack) {
      const reader = await attack.connect();
      let budget = 0;
      reader.onData = chunk => {
        budget -= chunk.length;
        if (budget < 0) reader.pause();
      };
      const refill = setInterval(() => {
        budget = Math.min(budget + READ_BYTES, READ_BYTES);
        if (budget > 0) reader.resume();
      }, 10);
      await reader.write("SUB slow 1\r\n");
      const publisher = await attack.connect();
      const payload = "x".repeat(64_000);
      const feed = setInterval(() => publisher.write(`PUB slow ${payload.length}\r\n${payload}\r\n`), 10);
      return async () => {
        await attack.flood({ subscribers: 200, size: 16 });
        clearInterval(refill);
        clearInterval(feed);
        attack.note(reader.ended ? `the reader was closed after ${reader.receivedBytes} B` : "the reader is connected");
      };
    },
  },
];
