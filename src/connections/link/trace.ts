/** Lines of the trace log in the reference's format. Not a hot path: with tracing on, no message uses the publish loop. */
import { decode } from "../../base/bytes/ascii.ts";
import { payloadLine } from "../../base/log/payload-line.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { Connection } from "./connection.ts";
import { FLAG_HEADERS } from "./connection-flag.ts";

/** The line for the payload of a message. @param headerSize -1: none */
export function traceMessage(
  connection: Connection,
  arrow: "<<-" | "->>",
  source: Buffer,
  headerSize: number,
  start: number,
  end: number,
): void {
  const line = payloadLine(connection.host.options, source, headerSize, start, end);
  if (line !== null) connection.log.trace(`${connection.label} - ${arrow} ${line}`);
}

/** Lines for messages that were delivered: `MSG` or `HMSG`, and their payloads. */
export function traceDelivery(connection: Connection, subscription: Subscription, batch: MessageBatch, from: number, to: number): void {
  const headers = (connection.flags & FLAG_HEADERS) !== 0;
  for (let index = from; index < to; index++) {
    const subject = decode(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index));
    const headerSize = batch.headerSize(index);
    const withHeader = headerSize > 0 && headers;
    const start = batch.start(index) + (headerSize > 0 && !headers ? headerSize : 0);
    const end = batch.end(index);
    const reply = decode(batch.source, batch.replyStart(index), batch.replyEnd(index));
    const sizes = withHeader ? `${headerSize} ${end - start}` : `${end - start}`;
    const words = [subject, decode(subscription.sid), ...(reply === "" ? [] : [reply]), sizes];
    connection.traceOut(withHeader ? "HMSG" : "MSG", words.join(" "));
    traceMessage(connection, "->>", batch.source, withHeader ? headerSize : -1, start, end);
  }
}
