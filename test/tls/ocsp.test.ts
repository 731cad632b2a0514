/** `tls { ocsp_peer }` and `ocsp_cache` in running servers: ours, and nats-server with the same certificates and the same responder. */
import { afterAll, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { WEBSOCKET_DEFAULTS } from "../../src/config/schema/websocket-options.ts";
import { reload } from "../../src/server/process/reload.ts";
import { StartError } from "../../src/server/shard/server-errors.ts";
import { OCSP_CACHE_DEFAULTS, OCSP_PEER_DEFAULTS, type OcspPeerRules } from "../../src/wire/transport/tls/ocsp/ocsp-rules.ts";
import { until } from "../faults/until.ts";
import { askBoth, live, Recording } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { authority, type TestCertificate } from "./certificates.ts";
import { OcspResponder, ocspRefusal, ocspResponse } from "./ocsp-responder.ts";
import { SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const trust = new TestAuthority();
const responder = new OcspResponder();
afterAll(() => {
  trust[Symbol.dispose]();
  responder[Symbol.dispose]();
});

const HOUR_MS = 3_600_000;
const DEAD_URL = "http://127.0.0.1:1";
let clients = 0;
let stores = 0;

function client(given: { issuer?: TestCertificate; url?: string | readonly string[] } = {}): TestCertificate {
  return (given.issuer ?? trust.root).issue({ subject: `O=bunats,CN=client ${++clients}`, ocspResponder: given.url ?? responder.url });
}

function newStore(): string {
  return join(trust.directory.path, `store-${++stores}`);
}

function options(given: Partial<OcspPeerRules> = {}, localStore = newStore()): Partial<Options> {
  const tls = trust.tls({ verify: true, caFile: trust.caFile, ocspPeer: { ...OCSP_PEER_DEFAULTS, ...given } });
  return { tls, ocspCache: { ...OCSP_CACHE_DEFAULTS, localStore } };
}

/** Connects with a certificate. @returns whether the server accepts the client */
async function isAccepted(port: number, certificate: TestCertificate, maxVersion = 0x0304): Promise<boolean> {
  using peer = await SecurePeer.open(port);
  await peer.info();
  await peer.secure({ cert: certificate.chainPem, key: certificate.keyPem, maxVersion });
  await peer.write('CONNECT {"verbose":false}\r\nPING\r\n');
  await until(
    () => peer.closed || peer.text.includes("PONG\r\n"),
    () => "neither PONG nor the end arrives",
  );
  return peer.text.includes("PONG\r\n");
}

/** The lines of a log about OCSP, without times, and without the reasons that the two servers word differently. */
function ocspLines(lines: readonly string[]): string[] {
  return lines
    .map(line => line.replace(/^.*\[(DBG|INF|WRN|ERR)\] /, "$1 "))
    .map(line => line.replace(/^(\w+) .* - cid:\d+ - /, "$1 ").replace(/^(\w+) .* - (TLS handshake error)/, "$1 $2"))
    .filter(
      line => /OCSP|^\w+ Chain \[/.test(line) && !/[Ss]aved?|save timer|[Ss]aving|online|Loading|Starting|Plugging|with empty/.test(line),
    )
    .map(line =>
      line
        .replace(/(Could not parse OCSP CA response for \[.*?\]:).*/, "$1")
        .replace(/(exhausted OCSP responders:).*/, "$1")
        .replace(/(compression ratio:).*/, "$1")
        .replace(/\[\d{4}-\d\d-\d\dT[^\]]*Z\]/g, "[time]"),
    );
}

interface Scenario {
  readonly name: string;
  readonly certificate: TestCertificate;
  readonly good: boolean;
}

function scenarios(): Scenario[] {
  const all: Scenario[] = [];
  const add = (name: string, good: boolean, certificate: TestCertificate, answer: Buffer | null) => {
    if (answer !== null) responder.put(certificate, answer);
    all.push({ name, certificate, good });
  };
  const now = Date.now();
  const answered = (name: string, good: boolean, given: Parameters<typeof ocspResponse>[1]) => {
    const certificate = client();
    add(name, good, certificate, ocspResponse(certificate, given));
  };
  answered("good", true, {});
  answered("revoked", false, { status: "revoked" });
  answered("unknown", false, { status: "unknown" });
  answered("expired yesterday", false, { thisUpdateMs: now - 24 * HOUR_MS, nextUpdateMs: now - HOUR_MS });
  answered("valid from tomorrow", false, { thisUpdateMs: now + 24 * HOUR_MS });
  answered("without an end, new", true, { nextUpdateMs: null });
  answered("without an end, too old", false, { nextUpdateMs: null, thisUpdateMs: now - 2 * HOUR_MS });
  answered("about another certificate", false, { about: client() });
  answered("signed by another authority", false, { signer: authority("Other CA"), sendsSigner: false });
  answered("signed by another authority whose certificate is sent", false, { signer: authority("Other CA") });
  answered("signed by a delegate", true, { signer: trust.root.issue({ subject: "CN=responder", usage: "ocsp" }) });
  answered("signed by a delegate with an RSA key", true, {
    signer: trust.root.issue({ subject: "CN=responder", usage: "ocsp", key: "rsa" }),
  });
  answered("signed by a certificate that is not a delegate", false, { signer: trust.root.issue({ subject: "CN=responder" }) });
  answered("with SHA-256 hashes", true, { hash: "sha256" });
  answered("with hashes of an unknown kind", false, { hash: "md5" });
  answered("with a critical extension", false, { criticalExtension: true });
  add("unauthorized", false, client(), ocspRefusal(6));
  add("not found", false, client(), null);
  const dead = client({ url: DEAD_URL });
  add("unreachable", false, dead, null);
  const second = client({ url: [DEAD_URL, responder.url] });
  add("answered by the second responder", true, second, ocspResponse(second));
  add("no responder", true, trust.root.issue({ subject: "CN=plain" }), null);
  add("only a responder by LDAP", true, client({ url: "ldap://127.0.0.1/" }), null);
  for (const status of ["good", "revoked"] as const) {
    const intermediate = trust.root.issue({ subject: `CN=intermediate ${status}`, authority: true, ocspResponder: responder.url });
    responder.put(intermediate, ocspResponse(intermediate, { status }));
    const leaf = client({ issuer: intermediate });
    add(`issued by an intermediate authority that is ${status}`, status === "good", leaf, ocspResponse(leaf));
    const plain = intermediate.issue({ subject: `CN=no responder, ${status}` });
    add(`without a responder, issued by an intermediate authority that is ${status}`, status === "good", plain, null);
  }
  return all;
}

const it = new Recording(import.meta.path, [[/\[[A-Za-z0-9+/]{43}=\]/g, "[<key>]"]]);

function startReference(localStore: string, peer = "verify: true"): Promise<ReferenceServer> {
  const { certFile, keyFile } = trust.serverFiles;
  return ReferenceServer.start(`
    debug: true
    tls { cert_file: "${certFile}", key_file: "${keyFile}", verify: true, ca_file: "${trust.caFile}", ocsp_peer { ${peer} } }
    ocsp_cache { type: local, local_store: "${localStore}", save_interval: 1 }`);
}

async function cacheShown(monitorPort: number): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${monitorPort}/varz`);
  return ((await response.json()) as Record<string, unknown>).ocsp_peer_cache;
}

/** Connects twice with each certificate. @returns whether each was accepted and what was logged, then what /varz shows of the cache */
async function verdictsOf(all: readonly ReturnType<typeof scenarios>[number][], port: number, monitorPort: number, log: () => string[]) {
  const verdicts: { name: string; good: boolean; lines: string[] }[] = [];
  let seen = 0;
  const fresh = () => ocspLines(log()).slice(seen);
  for (const { name, certificate } of all) {
    for (let time = 0; time < 2; time++) {
      const good = await isAccepted(port, certificate);
      await until(
        () => fresh().some(line => line.includes("thus peer is valid") || line.includes("TLS handshake error")),
        () => fresh().join("\n"),
      );
      const lines = fresh();
      seen += lines.length;
      verdicts.push({ name, good, lines });
    }
  }
  return { verdicts, cache: await cacheShown(monitorPort) };
}

for (const [peer, given] of [
  ["verify: true", {}],
  ["verify: true, warn_only: true", { warnOnly: true }],
  ["verify: true, unknown_is_good: true", { unknownIsGood: true }],
  ["verify: true, allow_when_ca_unreachable: true", { allowWhenCaUnreachable: true }],
] as [string, Partial<OcspPeerRules>][]) {
  it.compared(`with { ${peer} } the same certificates are accepted as by nats-server, with the same log and the same /varz`, async () => {
    const all = scenarios();
    const [ours, theirs] = await askBoth(
      async () => {
        await using server = SecureServer.open({ ...options(given), httpPort: 0 });
        return await verdictsOf(all, server.port, server.monitorPort!, () => server.lines);
      },
      async () => {
        const server = await startReference(newStore(), peer);
        try {
          return await verdictsOf(all, server.port, server.monitorPort, () => server.log().split("\n"));
        } finally {
          await server.stop();
        }
      },
      { inTurn: true },
    );
    expect(ours).toEqual(theirs);
    if (Object.keys(given).length > 0) return;
    const wanted = all.flatMap(({ name, good }) => [
      [name, good],
      [name, good],
    ]);
    expect(ours.verdicts.map(({ name, good }) => [name, good])).toEqual(wanted);
  });
}

live.test("both servers send a responder the same request", async () => {
  const theirs = await startReference(newStore());
  try {
    await using ours = SecureServer.open(options());
    const certificate = client();
    responder.put(certificate, ocspResponse(certificate));
    responder.requests.length = 0;
    expect([await isAccepted(theirs.port, certificate), await isAccepted(ours.port, certificate)]).toEqual([true, true]);
    const [first, second] = responder.requests;
    expect(first).toEqual(second!);
  } finally {
    await theirs.stop();
  }
});

live.test("each server reads the cache that the other wrote", async () => {
  const store = newStore();
  const [good, revoked, endless] = [client({ url: DEAD_URL }), client({ url: DEAD_URL }), client({ url: DEAD_URL })];
  const answerFor = (certificate: TestCertificate, given: Parameters<typeof ocspResponse>[1]) => {
    responder.put(certificate, ocspResponse(certificate, given));
  };
  // The server that fills the cache reaches a responder that answers: its requests are redirected to that one.
  const fetchFromResponder = (url: string) => fetch(url.replace(DEAD_URL, responder.url));
  answerFor(good, {});
  answerFor(revoked, { status: "revoked" });
  answerFor(endless, { nextUpdateMs: null });
  const expected = [true, false, true];
  const verdicts = async (port: number) => {
    const seen: boolean[] = [];
    for (const certificate of [good, revoked, endless]) seen.push(await isAccepted(port, certificate));
    return seen;
  };
  {
    await using filling = SecureServer.open(options({}, store), null, SYSTEM_CLOCK, { fetch: fetchFromResponder });
    expect(await verdicts(filling.port)).toEqual(expected);
  }
  const written = JSON.parse(readFileSync(join(store, "cache.json"), "utf8")) as Record<string, Record<string, unknown>>;
  expect(Object.keys(written)).toHaveLength(3);

  const theirs = await startReference(store);
  const theirStore = newStore();
  try {
    expect(await verdicts(theirs.port)).toEqual(expected);
    expect(await cacheShown(theirs.monitorPort)).toMatchObject({ cache_hits: 3, cached_responses: 3, cached_revoked_responses: 1 });
    // One more certificate, so that nats-server saves its cache, in its own encoding.
    const more = client();
    responder.put(more, ocspResponse(more));
    expect(await isAccepted(theirs.port, more)).toBe(true);
    await until(
      () => Object.keys(JSON.parse(readFileSync(join(store, "cache.json"), "utf8")) as object).length === 4,
      () => "nats-server does not save its cache",
    );
    cpSync(store, theirStore, { recursive: true });
    responder.put(more, ocspRefusal(3));
    await using ours = SecureServer.open({ ...options({}, theirStore), httpPort: 0 });
    expect([...(await verdicts(ours.port)), await isAccepted(ours.port, more)]).toEqual([...expected, true]);
    expect(await cacheShown(ours.monitorPort!)).toEqual({
      cache_type: "local",
      cache_hits: 4,
      cached_responses: 4,
      cached_revoked_responses: 1,
      cached_good_responses: 3,
    });
  } finally {
    await theirs.stop();
  }
});

test("intermediate certificates that a client sends are used, in TLS 1.2 and 1.3", async () => {
  await using server = SecureServer.open(options());
  const intermediate = trust.root.issue({ subject: "CN=intermediate", authority: true });
  const certificate = client({ issuer: intermediate });
  responder.put(certificate, ocspResponse(certificate));
  expect([await isAccepted(server.port, certificate, 0x0303), await isAccepted(server.port, certificate)]).toEqual([true, true]);
  expect(server.lines.filter(line => line === "DBG Chain [0]: 3 total link(s)")).toHaveLength(2);
});

test("a client with a revoked certificate fails the handshake", async () => {
  await using server = SecureServer.open(options());
  const certificate = client();
  responder.put(certificate, ocspResponse(certificate, { status: "revoked" }));
  expect(await isAccepted(server.port, certificate)).toBe(false);
  expect(await server.closeReasons(1)).toEqual(["TLS Handshake Failure"]);
  expect(await server.logged("TLS handshake error")).toEndWith("TLS handshake error: client not OCSP valid");
  await server.cleared();
});

test("a client that leaves during the OCSP request leaves nothing, and the response is cached", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const fetchLate = () => {
    asked.resolve();
    return answer.promise;
  };
  await using server = SecureServer.open(options(), null, SYSTEM_CLOCK, { fetch: fetchLate });
  const certificate = client();
  {
    using peer = await SecurePeer.open(server.port);
    await peer.info();
    await peer.secure({ cert: certificate.chainPem, key: certificate.keyPem });
    await asked.promise;
  }
  await server.closeReasons(1);
  answer.resolve(new Response(ocspResponse(certificate) as Uint8Array<ArrayBuffer>));
  await server.logged("OCSP verify pass");
  await server.cleared();
  expect(server.ocspCacheStats).toMatchObject({ responses: 1 });
});

test("WebSocket clients are checked too", async () => {
  const { tls, ocspCache } = options();
  await using server = SecureServer.open({
    ocspCache: ocspCache!,
    websocket: { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", port: 0, tls: tls! },
  });
  const [good, revoked] = [client(), client()];
  responder.put(good, ocspResponse(good));
  responder.put(revoked, ocspResponse(revoked, { status: "revoked" }));
  const opens = (certificate: TestCertificate) =>
    new Promise<boolean>(resolve => {
      const { chainPem: cert, keyPem: key } = certificate;
      const options = { tls: { ca: trust.root.pem, cert, key, checkServerIdentity: () => undefined } } as unknown as string[];
      const socket = new WebSocket(`wss://127.0.0.1:${server.websocketPort}`, options);
      socket.onopen = () => {
        socket.close();
        resolve(true);
      };
      socket.onerror = () => resolve(false);
      socket.onclose = () => resolve(false);
    });
  expect([await opens(good), await opens(revoked)]).toEqual([true, false]);
  expect(server.lines).toContain("INF OCSP peer cache online, type [local]");
});

test("a reload applies new OCSP options, and keeps or moves the cache", async () => {
  const first = options();
  await using server = SecureServer.open(first);
  const certificate = client();
  responder.put(certificate, ocspResponse(certificate, { status: "revoked" }));
  expect(await isAccepted(server.port, certificate)).toBe(false);
  const load = (given: Partial<Options>) => {
    server.lines.length = 0;
    reload(server, { options: { ...server.options, ...given }, digest: "sha256:", warnings: [] });
    return server.lines.filter(line => line.includes("OCSP peer cache"));
  };
  const online = "INF OCSP peer cache online, type [local]";
  expect(load(options({ warnOnly: true }, first.ocspCache!.localStore))).toEqual([online]);
  expect(await isAccepted(server.port, certificate)).toBe(true);
  expect(server.ocspCacheStats).toMatchObject({ hits: 1, revoked: 1 });

  const moved = options();
  expect(load(moved)).toContain("INF Reloaded OCSP peer cache");
  expect(server.ocspCacheStats).toMatchObject({ hits: 0, responses: 0 });
  await until(
    () => existsSync(join(first.ocspCache!.localStore, "cache.json")),
    () => "the first cache is not saved",
  );
  expect(await isAccepted(server.port, certificate)).toBe(false);

  expect(load({ ocspCache: { ...OCSP_CACHE_DEFAULTS, type: "none" } }).at(-2)).toBe("INF OCSP peer cache online, type [none]");
  expect(server.ocspCacheStats).toBeNull();
  expect(await isAccepted(server.port, certificate)).toBe(false);
  expect(load({ tls: trust.tls({ verify: true, caFile: trust.caFile }) })).toEqual([]);
  expect(await isAccepted(server.port, certificate)).toBe(true);
  expect(load(first)).toContain(online);
  expect(server.ocspCacheStats).toMatchObject({ responses: 1, revoked: 1 });
});

test("the cache is saved when the server stops", async () => {
  const given = options();
  const file = join(given.ocspCache!.localStore, "cache.json");
  const certificate = client();
  responder.put(certificate, ocspResponse(certificate));
  {
    await using server = SecureServer.open(given);
    expect(await isAccepted(server.port, certificate)).toBe(true);
    expect(existsSync(file)).toBe(false);
  }
  expect(Object.values(JSON.parse(readFileSync(file, "utf8")) as object)).toMatchObject([{ resp_status: "good" }]);
});

test("without ocsp_peer there is no cache", async () => {
  await using server = SecureServer.open({ tls: trust.tls(), ocspCache: { ...OCSP_CACHE_DEFAULTS, localStore: newStore() } });
  expect(server.ocspCacheStats).toBeNull();
  expect(server.lines.filter(line => line.includes("OCSP"))).toEqual([]);
});

test("a certificate that demands stapling is refused, at the start and at a reload, unless stapling is switched off", async () => {
  const files = trust.directory.store("staple", trust.root.issue({ subject: "CN=server", names: ["localhost"], mustStaple: true }));
  const at = `Certificate at '${files.certFile}' has MustStaple`;
  const refusal = new StartError(`${at}, but this server cannot staple OCSP responses; set 'ocsp: false' to use the certificate without`);
  const stapling = trust.tls({ certificates: [files] });
  const websocket = { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", port: 0, tls: stapling };
  expect(() => SecureServer.open({ tls: stapling })).toThrow(refusal);
  expect(() => SecureServer.open({ websocket })).toThrow(refusal);
  {
    await using server = SecureServer.open({ tls: stapling, websocket, ocspStapling: "never" });
    expect(server.lines.filter(line => line.includes("MustStaple"))).toEqual(Array(2).fill(`WRN ${at} but OCSP is disabled`));
  }
  await using server = SecureServer.open({ tls: trust.tls() });
  const config = (given: Partial<Options>) => ({ options: { ...server.options, ...given }, digest: "sha256:", warnings: [] });
  expect(() => reload(server, config({ tls: stapling }))).toThrow(refusal);
  expect(server.options.tls).not.toBe(stapling);
  reload(server, config({ tls: stapling, ocspStapling: "never" }));
  expect(server.lines).toContain(`WRN ${at} but OCSP is disabled`);
  // Only the first certificate is checked.
  reload(server, config({ tls: trust.tls({ certificates: [trust.serverFiles, files] }), ocspStapling: "auto" }));
});
