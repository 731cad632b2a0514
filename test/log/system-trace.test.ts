/** With `-DVV` the trace shows the server's own messages in the system account, as the reference's does. */
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { PROGRAM, RunningProgram, TemporaryDirectory } from "../cli/program.ts";
import { askBoth, Recording } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

const CONFIG = `accounts {
  SYS { users: [{ user: sys, password: sys }] }
  A { users: [{ user: a, password: a }] }
}
system_account: SYS
`;

/** The traced lines about some messages that both servers send for the same reasons. Payloads are cut, and sizes vary. */
async function linesOf(command: readonly string[], flag: string): Promise<string[]> {
  using directory = new TemporaryDirectory();
  const file = directory.join("nats.conf");
  writeFileSync(file, CONFIG);
  const program = await RunningProgram.start([...command, "-c", file, "-a", "127.0.0.1", flag, "--max_traced_msg_len", "9"]);
  try {
    const system = await WireConnection.open(program.port, "system");
    const first = program.lines.length;
    await system.write(
      Buffer.from('CONNECT {"verbose":false,"user":"sys","pass":"sys"}\r\nSUB I 1\r\nPUB $SYS.REQ.SERVER.PING.IDZ I 0\r\n\r\n'),
    );
    await system.waitFor(Buffer.from("MSG I 1"));
    const client = await WireConnection.open(program.port, "client");
    await client.write(Buffer.from('CONNECT {"verbose":false,"user":"a","pass":"a"}\r\nSUB x 1\r\nPING\r\n'));
    await client.waitFor(Buffer.from("PONG"));
    client.close();
    // nats-server sends the event some time after the subscription has ended.
    await program.linesUntil(flag === "-DVV" ? /A\.DISCONNECT/ : /DELSUB/, first);
    system.close();
    program.signal("SIGINT");
    await program.status();
    const shown = /SYSTEM - <<- \[PUB (I|\S+A\.CONNECT|\S+A\.DISCONNECT|\S+\.SHUTDOWN) /;
    return program.lines
      .filter((line, index, lines) => shown.test(line) || shown.test(lines[index - 1] ?? ""))
      .map(line => line.replace(/ \d+\]$/, " <size>]").replace(/N[A-Z2-7]{55}/, "<server>"));
  } finally {
    await program.stop();
  }
}

for (const flag of ["-DVV", "-DV"]) {
  it.compared(`${flag}: the traced messages of the server`, async () => {
    const [ours, theirs] = await askBoth(
      () => linesOf(PROGRAM, flag),
      () => linesOf([reference.path!], flag),
    );
    expect(ours).toEqual(theirs);
  });
}
