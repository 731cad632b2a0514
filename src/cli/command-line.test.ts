import { expect, test } from "bun:test";
import { authority, CertificateDirectory } from "../../test/tls/certificates.ts";
import { type Command, parseCommandLine } from "./command-line.ts";

const parse = (line: string): Command => parseCommandLine(line === "" ? [] : line.split(" "));
const run = (options: object, configFile: string | null = null) => ({ kind: "run", options, configFile });
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
  expect(parse("-l /l --log_size_limit 9 -s -r udp://h:514 --profile 6060")).toEqual(
    run({ logFile: "/l", logSizeLimit: 9, syslog: true, remoteSyslog: "udp://h:514", profilingPort: 6060 }) as Command,
  );
  expect(parse("-ms 8443")).toEqual(run({ httpsPort: 8443 }) as Command);
});

test("port 0 means the default port and -1 any free port; monitoring port 0 turns monitoring off", () => {
  expect(parse("-p 0 -m 0")).toEqual(run({ port: 4222, httpPort: null }) as Command);
  expect(parse("-p -1 -m -1")).toEqual(run({ port: 0, httpPort: 0 }) as Command);
});

test("-DV, -VV and -DVV set several options and override -D and -V in any order", () => {
  expect(parse("-DVV")).toEqual(run({ debug: true, trace: true, traceVerbose: true }) as Command);
  expect(parse("-VV")).toEqual(run({ trace: true, traceVerbose: true }) as Command);
  expect(parse("-DV=false -D")).toEqual(run({ debug: false, trace: false }) as Command);
});

test("flags set user and password, or a token", () => {
  expect(parse("--user a --pass b")).toEqual(run({ authorization: { user: "a", password: "b" } }) as Command);
  expect(parse("--pass=b --user=a")).toEqual(run({ authorization: { user: "a", password: "b" } }) as Command);
  expect(parse("--auth t")).toEqual(run({ authorization: { token: "t" } }) as Command);
  expect(parse("--user=")).toEqual(run({ authorization: { user: "" } }) as Command);
});

test("help and version override everything except flag syntax errors", () => {
  for (const line of ["-v", "--version", "version", "-D version", "-c x -v", "-h -v", "-sl stop -v"])
    expect(parse(line)).toEqual({ kind: "version" });
  for (const line of ["-h", "--help", "help", "HELP", "help me"]) expect(parse(line)).toEqual({ kind: "help" });
  expect(parse("-v -x")).toEqual({ kind: "misused", error: "flag provided but not defined: -x" });
});

test("an unknown word is refused", () => {
  expect(parse("start")).toEqual(refused('unrecognized command: "start"') as Command);
});

test("a flag of an unsupported feature is refused by name unless it turns the feature off", () => {
  expect(parse("--routes nats://h:1")).toEqual(refused("flag --routes is not supported yet (clustering)") as Command);
  expect(parse("--connect_retries 0 --routes=")).toEqual(run({}) as Command);
});

test("-js turns JetStream on or off and -sd sets its directory; the file keeps its other settings", () => {
  expect(parse("-js")).toEqual(run({ jetStream: true } as never) as Command);
  expect(parse("--jetstream=false")).toEqual(run({ jetStream: false } as never) as Command);
  expect(parse("-sd /a")).toEqual(run({ storeDirectory: "/a" }) as Command);
  expect(parse("-js --store_dir=")).toEqual(run({ jetStream: true, storeDirectory: null } as never) as Command);
});

test("the command line passes the configuration file on; -t only checks it, with the flags", () => {
  expect(parse("-c x.conf -p 5000")).toEqual(run({ port: 5000 }, "x.conf") as Command);
  expect(parse("--config=")).toEqual(run({}) as Command);
  const check = { kind: "check", configFile: "x.conf", options: {}, flagError: null, reloadFile: null };
  expect(parse("-t -c x.conf")).toEqual(check as Command);
  expect(parse("-t -c x.conf -p 5000 --test_reload y.conf")).toEqual({
    ...check,
    options: { port: 5000 },
    reloadFile: "y.conf",
  } as Command);
  expect(parse("-t -c x.conf --routes a")).toEqual({ ...check, flagError: "flag --routes is not supported yet (clustering)" } as Command);
  expect(parse("-c x.conf --test_reload y.conf")).toEqual(refused("--test_reload can only be used together with -t") as Command);
  expect(parse("-t")).toEqual(refused("must specify [-c, --config] option to check configuration file syntax") as Command);
});

test("--signal sends a signal and starts no server", () => {
  expect(parse("--signal reload=/run/x.pid -c x")).toEqual({ kind: "signal", given: "reload=/run/x.pid" });
  expect(parse("-sl stop -js")).toEqual({ kind: "signal", given: "stop" });
});

test("repeated --log_level_override flags accumulate and are validated", () => {
  expect(parse("--log_level_override client=trace --log_level_override monitor=error")).toEqual(
    run({ logLevelOverrides: { client: "trace", monitor: "error" } }) as Command,
  );
  expect(parse("--log_level_override client")).toEqual(refused("log_level_override needs <subsystem>=<level>") as Command);
  expect(parse("--log_level_override disk=error")).toMatchObject({ error: expect.stringContaining('unknown subsystem "disk"') });
  expect(parse("--log_level_override client=loud")).toMatchObject({ error: expect.stringContaining('unknown level "loud" of client') });
});

test("TLS flags need a certificate and a key; errors have the reference's texts", () => {
  for (const line of ["--tls", "--tlsverify=false", "--tlskey k", "--tlscacert a"]) {
    expect(parse(line), line).toEqual(refused("TLS Server certificate must be present and valid") as Command);
  }
  expect(parse("--tlscert c")).toEqual(refused("TLS Server private key must be present and valid") as Command);
  expect(parse("--tls --tlscert /no/such/file --tlskey k")).toEqual(
    refused("error parsing X509 certificate/key pair: open /no/such/file: no such file or directory") as Command,
  );
});

test("--tlsverify takes true, false or optional", () => {
  using directory = new CertificateDirectory();
  const { certFile, keyFile } = directory.store("a", authority().issue({ subject: "CN=a" }));
  const verification = (flag: string) => {
    const command = parse(`${flag} --tlscert ${certFile} --tlskey ${keyFile}`);
    return command.kind === "run" ? [command.options.tls!.verify, command.options.tls!.verifyOptional] : command;
  };
  expect(verification("--tlsverify")).toEqual([true, false]);
  expect(verification("--tlsverify=false")).toEqual([false, false]);
  expect(verification("--tlsverify=optional")).toEqual([false, true]);
  expect(verification("--tlsverify --tlsverify=OPTIONAL")).toEqual([false, true]);
  const text = 'expected true, false, or optional: strconv.ParseBool: parsing "x": invalid syntax';
  expect(parse("--tlsverify=x")).toEqual({ kind: "misused", error: `invalid boolean value "x" for -tlsverify: ${text}` });
});

test("--tls=false switches TLS off despite the file and the other flags", () => {
  expect(parse("--tls=false --tlscert c")).toEqual(run({ tls: null }) as Command);
});
