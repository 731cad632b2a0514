/**
 * The program under what hardened units and containers impose: a root that is read-only, a /proc with processes only, no privileges.
 * Skipped where this user may not create such an environment.
 */
import { expect, test } from "bun:test";
import { WireConnection } from "../wire/wire-connection.ts";
import { outcomeOf, PROGRAM, RunningProgram } from "./program.ts";

/** Runs the arguments in a mount namespace of their own. */
const CONFINED = [
  ...["unshare", "--mount", "--propagation", "private", "sh", "-c"],
  'mount -o remount,ro,bind / && mount -t proc -o subset=pid proc /proc && exec setpriv --no-new-privs --bounding-set -all "$@"',
  "sh",
];
const canConfine = Bun.which("unshare") !== null && Bun.which("setpriv") !== null && (await outcomeOf([...CONFINED, "true"])).status === 0;

test.skipIf(!canConfine)("the server starts on a read-only root, without /proc/meminfo and without privileges", async () => {
  const program = await RunningProgram.start([
    ...CONFINED,
    ...PROGRAM,
    ...["-a", "127.0.0.1", "-m", "-1", "-P", "/no-such-directory-can-be-created"],
  ]).catch(error => String(error));
  expect(program).toContain("Could not write pidfile: open /no-such-directory-can-be-created: read-only file system");
  const running = await RunningProgram.start([...CONFINED, ...PROGRAM, "-a", "127.0.0.1", "-m", "-1"]);
  try {
    const client = await WireConnection.open(running.port, "client");
    await client.write(Buffer.from('CONNECT {"verbose":false}\r\nSUB a 1\r\nPUB a 1\r\nx\r\nPING\r\n'));
    await client.waitFor(Buffer.from("x\r\nPONG"));
    client.terminate();
    running.signal("SIGINT");
    expect(await running.status()).toBe(0);
  } finally {
    await running.stop();
  }
});
