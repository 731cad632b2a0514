import { expect, test } from "bun:test";
import { type Command, parseCommandLine } from "./command-line.ts";

const parse = (line: string): Command => parseCommandLine(line === "" ? [] : line.split(" "));
const run = (options: object) => ({ kind: "run", options });
const refused = (error: string) => ({ kind: "refused", error });

test("each flag sets its option", () => {
  expect(parse("-a ::1 -p 4333 -n me -P /p --ports_file_dir /d -m 8222 --client_advertise h:1 --http_base_path /x")).toEqual(
    run({
      host: "::1",
      port: 4333,
      serverName: "me",
      pidFile: "/p",
      portsFileDirectory: "/d",
      httpPort: 8222,
      clientAdvertise: "h:1",
      httpBasePath: "/x",
    }) as Command,
  );
  expect(parse("-D -V -T=false --logtime_utc --max_traced_msg_len 9")).toEqual(
    run({ debug: true, trace: true, logTime: false, logTimeUtc: true, tracedBytesMax: 9 }) as Command,
  );
});

test("port 0 is the default and -1 any free one, while monitoring is off at 0", () => {
  expect(parse("-p 0 -m 0")).toEqual(run({ port: 4222, httpPort: null }) as Command);
  expect(parse("-p -1 -m -1")).toEqual(run({ port: 0, httpPort: 0 }) as Command);
});

test("-DV, -VV and -DVV set several options, and win over -D and -V wherever they stand", () => {
  expect(parse("-DVV")).toEqual(run({ debug: true, trace: true, traceVerbose: true }) as Command);
  expect(parse("-VV")).toEqual(run({ trace: true, traceVerbose: true }) as Command);
  expect(parse("-DV=false -D")).toEqual(run({ debug: false, trace: false }) as Command);
});

test("user and password, or a token", () => {
  expect(parse("--user a --pass b")).toEqual(run({ authorization: { user: "a", password: "b" } }) as Command);
  expect(parse("--pass=b --user=a")).toEqual(run({ authorization: { user: "a", password: "b" } }) as Command);
  expect(parse("--auth t")).toEqual(run({ authorization: { token: "t" } }) as Command);
  expect(parse("--user=")).toEqual(run({}) as Command);
});

test("help and version come before everything but the syntax of flags", () => {
  for (const line of ["-v", "--version", "version", "-D version", "-c x -v", "-h -v"]) expect(parse(line)).toEqual({ kind: "version" });
  for (const line of ["-h", "--help", "help", "HELP", "help me"]) expect(parse(line)).toEqual({ kind: "help" });
  expect(parse("-v -x")).toEqual({ kind: "misused", error: "flag provided but not defined: -x" });
});

test("an unknown word is refused", () => {
  expect(parse("start")).toEqual(refused('unrecognized command: "start"') as Command);
});

test("a flag whose feature is not there yet is refused by its name, unless it turns the feature off", () => {
  expect(parse("-js")).toEqual(refused("flag -js, --jetstream is not supported yet (JetStream)") as Command);
  expect(parse("--config x")).toEqual(refused("flag -c, --config is not supported yet (configuration files)") as Command);
  expect(parse("-ms 8443")).toEqual(refused("flag -ms, --https_port is not supported yet (https monitoring)") as Command);
  expect(parse("-js=false --tls=false --profile 0")).toEqual(run({}) as Command);
  expect(parse("-t")).toEqual(refused("must specify [-c, --config] option to check configuration file syntax") as Command);
});
