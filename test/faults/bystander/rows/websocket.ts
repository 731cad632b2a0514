/** Compressed WebSocket messages that inflate to a thousand times their size. */
import { deflateRawSync, constants as zlib } from "node:zlib";
import { WEB_SOCKET_PORT } from "../../../../bench/compare/servers.ts";
import { AttackClient } from "../attack-client.ts";
import type { Row } from "../row.ts";

const HANDSHAKE = [
  "GET / HTTP/1.1",
  "Host: localhost",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  "\r\n",
].join("\r\n");
const PAYLOAD_SIZE = 900_000; // a message of one PUB must not exceed max_payload when it is inflated

/** A frame of one compressed binary message. Its mask is zero, so the bytes stay as they are. */
function compressedFrame(text: Buffer): Buffer {
  const flushed = deflateRawSync(text, { finishFlush: zlib.Z_SYNC_FLUSH });
  const payload = flushed.subarray(0, flushed.length - 4); // RFC 7692 removes the 00 00 FF FF of the flush
  const head = Buffer.alloc(8);
  head[0] = 0xc2; // FIN, RSV1, binary
  head[1] = 0x80 | 126;
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

export const WEBSOCKET_ROWS: Row[] = [
  {
    id: "bombs",
    before: "WebSocket with compression",
    load: "2 MB of 1,000:1 bombs",
    configuration: `websocket { port: $${WEB_SOCKET_PORT}, no_tls: true, compression: true }\n`,
    async prepare(attack) {
      const client = await AttackClient.open(attack.ports.webSocket);
      await client.write(HANDSHAKE);
      await client.received(1);
      await client.write(compressedFrame(Buffer.from('CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n')));
      const bomb = compressedFrame(Buffer.from(`PUB f ${PAYLOAD_SIZE}\r\n${"\0".repeat(PAYLOAD_SIZE)}\r\n`));
      const bombs = Buffer.concat(Array.from({ length: Math.ceil(attack.count(2_000_000) / bomb.length) }, () => bomb));
      const ping = compressedFrame(Buffer.from("PING\r\n"));
      return async () => {
        await client.write(bombs);
        const before = client.receivedBytes;
        await client.write(ping); // its PONG may come compressed: any answer after the bombs will do
        await client.received(before + 1);
      };
    },
  },
];
