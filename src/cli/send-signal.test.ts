import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { TemporaryDirectory } from "../../test/cli/program.ts";
import { type Processes, sendSignal } from "./send-signal.ts";

/** A simulated system that runs these servers and records the signals sent. */
function system(running: readonly number[] | null, platform = "linux") {
  const sent: string[] = [];
  const processes: Processes = {
    platform,
    ownPid: 99,
    list: () => running,
    kill(pid, signal) {
      if (pid === 13) throw Object.assign(new Error("kill() failed"), { code: "ESRCH" });
      sent.push(`${signal} ${pid}`);
    },
  };
  return { sent, send: (given: string) => sendSignal(given, processes) };
}

test("without a target the signal goes to the only running server, never to the sender", () => {
  const { sent, send } = system([99, 42]);
  const answers = ["stop", "quit", "term", "reopen", "reload", "ldm"].map(send);
  expect(answers).toEqual([null, null, null, null, null, null]);
  expect(sent).toEqual(["SIGKILL 42", "SIGINT 42", "SIGTERM 42", "SIGUSR1 42", "SIGHUP 42", "SIGUSR2 42"]);
});

test("errors have the reference's texts: no server, several servers, no process list, wrong arguments", () => {
  expect(system([]).send("reload")).toBe("no nats-server processes running");
  expect(system([1, 2]).send("reload")).toBe("multiple nats-server processes running:\n1\n2");
  expect(system(null).send("reload")).toBe("unable to resolve pid, try providing one");
  expect(system([1]).send("dance")).toBe('unknown signal "dance"');
  expect(system([1]).send("reload=abc")).toBe("invalid pid: abc");
  expect(system([1]).send("reload=1=2=3")).toBe("invalid signal parameters: [2 3]");
  expect(system([1]).send("reload=13")).toBe('\nsignal "reload" 13: no such process');
});

test("a target is a pid, a pid prefix with *, or a file that contains a pid", async () => {
  using directory = new TemporaryDirectory();
  const file = join(directory.path, "nats.pid");
  writeFileSync(file, "4711\n");
  const { sent, send } = system([11, 12, 21]);
  expect(["ldm=5", `ldm=${file}`, "ldm=1*", "reopen=*"].map(send)).toEqual([null, null, null, null]);
  expect(sent).toEqual(["SIGUSR2 5", "SIGUSR2 4711", "SIGUSR2 11", "SIGUSR2 12", "SIGUSR1 11", "SIGUSR1 12", "SIGUSR1 21"]);
});

test("on Windows sending signals is refused", () => {
  expect(system([1], "win32").send("reload")).toContain("not supported on Windows");
});
