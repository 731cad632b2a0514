/** The verdict about a peer and the log lines of each step; responders and the clock are simulated. */

import { beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../../../test/doubles/fake-clock.ts";
import { KeptLog } from "../../../../../test/doubles/kept-log.ts";
import { authority, type TestCertificate } from "../../../../../test/tls/certificates.ts";
import { ocspRefusal, ocspResponse } from "../../../../../test/tls/ocsp-responder.ts";
import { SYSTEM_DISK } from "../../../../base/disk/system-disk.ts";
import { goTime } from "../../../../base/go/time.ts";
import { readCertificate } from "../certificate.ts";
import { LocalCache } from "./ocsp-cache.ts";
import { ocspPeerCheck } from "./ocsp-peer-check.ts";
import { RESPONSE_BYTES_MAX } from "./ocsp-response.ts";
import type { OcspPeerRules } from "./ocsp-rules.ts";
import { Responders } from "./responders.ts";

const RULES: OcspPeerRules = {
  caTimeoutMs: 2_000,
  allowedClockSkewMs: 30_000,
  warnOnly: false,
  unknownIsGood: false,
  allowWhenCaUnreachable: false,
  cacheTtlWhenNextUpdateUnsetMs: 3_600_000,
};
const REFUSED = "client not OCSP valid";
const HOUR_MS = 3_600_000;

/** A clock that starts at the current time, so that newly issued certificates are valid. */
class ClockFromNow extends FakeClock {
  private readonly start = Math.floor(Date.now() / 1000) * 1000;
  override now(): number {
    return this.start + this.monotonic();
  }
}

const root = authority();
const url = "http://ocsp.example";
const leaf = root.issue({ subject: "O=bunats,CN=leaf", ocspResponder: url });
const name = "CN=leaf,O=bunats";

class Bench implements Disposable {
  readonly clock = new ClockFromNow();
  readonly log = new KeptLog();
  readonly directory = mkdtempSync(join(tmpdir(), "bunats-ocsp-"));
  readonly asked: string[] = [];
  /** The responders' answer; a rejection means that they cannot be reached. */
  answer: (url: string) => Promise<Response> | Response = () => new Response("", { status: 404 });
  cache = this.openCache(false);

  openCache(preserveRevoked: boolean): LocalCache {
    const rules = { type: "local", localStore: this.directory, preserveRevoked, saveIntervalMs: 300_000 } as const;
    return new LocalCache(rules, this.clock, SYSTEM_DISK, new KeptLog());
  }

  answers(bytes: Uint8Array): void {
    this.answer = () => new Response(bytes as Uint8Array<ArrayBuffer>);
  }

  unreachable(): void {
    this.answer = () => Promise.reject(Object.assign(new Error("Unable to connect"), { code: "ConnectionRefused" }));
  }

  async check(
    given: Partial<OcspPeerRules> = {},
    certificate: TestCertificate = leaf,
    sent: TestCertificate[] = [],
  ): Promise<string | null> {
    const fetch = async (asked: string) => {
      this.asked.push(asked);
      return this.answer(asked);
    };
    const { cache, clock, log } = this;
    const check = ocspPeerCheck({ ...RULES, ...given }, { cache, clock, log, responders: new Responders(fetch, clock, log) });
    return check(
      readCertificate(certificate.der),
      [root.der],
      sent.map(({ der }) => der),
    );
  }

  /** Log lines above debug level since the last call. */
  warnings(): string[] {
    return this.log.take().filter(line => !line.startsWith("DBG"));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

let bench: Bench;
beforeEach(() => {
  bench?.[Symbol.dispose]();
  bench = new Bench();
});

test("a good certificate is accepted; its responder is asked once, later checks use the cache", async () => {
  bench.answers(ocspResponse(leaf));
  expect(await bench.check()).toBeNull();
  const key = new Bun.CryptoHasher("sha256").update(leaf.der).digest("base64");
  expect(bench.log.take()).toEqual([
    "DBG Peer OCSP enabled: 1 TLS client chain(s) will be evaluated",
    "DBG Chain [0]: 2 total link(s)",
    "DBG Chain [0] has 1 OCSP eligible link(s)",
    `DBG Checking OCSP peer cache for [${name}], key [${key}]`,
    `DBG Trying OCSP responder url [${url}]`,
    `DBG OCSP verify pass for [${name}]`,
    "DBG Chain [0] is OCSP valid for all eligible links, thus peer is valid",
  ]);
  expect(await bench.check()).toBeNull();
  expect(bench.log.take().slice(3, 6)).toEqual([
    `DBG Checking OCSP peer cache for [${name}], key [${key}]`,
    "DBG Cached OCSP response is current, status [good]",
    `DBG OCSP verify pass for [${name}]`,
  ]);
  expect(bench.asked).toHaveLength(1);
});

test("refuses a revoked certificate, and an unknown one unless unknown_is_good; caches both", async () => {
  bench.answers(ocspResponse(leaf, { status: "revoked" }));
  expect(await bench.check()).toBe(REFUSED);
  expect(bench.log.take().slice(5)).toEqual([
    `WRN OCSP verify fail for [${name}] with CA status [revoked]`,
    "DBG Invalid OCSP response status: revoked",
    "DBG No OCSP valid chains, thus peer is invalid",
  ]);
  expect(await bench.check()).toBe(REFUSED);
  expect(bench.asked).toHaveLength(1);
  const unknown = root.issue({ subject: "CN=unknown", ocspResponder: url });
  bench.answers(ocspResponse(unknown, { status: "unknown" }));
  expect(await bench.check({}, unknown)).toBe(REFUSED);
  expect(await bench.check({ unknownIsGood: true }, unknown)).toBeNull();
  expect(await bench.check({ warnOnly: true })).toBeNull();
  expect(bench.warnings().slice(-2)).toEqual([
    `WRN OCSP verify fail for [${name}] with CA status [revoked]`,
    `WRN OCSP verify fail for [${name}] but WarnOnly is true so allowing`,
  ]);
  expect(bench.cache.stats).toMatchObject({ responses: 2, revoked: 1, unknown: 1, hits: 3, misses: 2 });
});

test("refuses and does not cache a response without a trusted signature", async () => {
  const bad: [bytes: Uint8Array, logged: string, reason: string][] = [
    [
      ocspResponse(leaf, { signer: authority("Stranger"), sendsSigner: false }),
      `ERR Could not parse OCSP CA response for [${name}]: `,
      "Failed OCSP response parse",
    ],
    [
      ocspResponse(leaf, { signer: root.issue({ subject: "CN=r" }) }),
      `WRN Invalid OCSP response delegation: ${name}`,
      `Invalid OCSP response delegation: ${name}`,
    ],
    [
      ocspResponse(leaf, { nextUpdateMs: bench.clock.now() - 31_000 }),
      `WRN New OCSP CA response obtained for [${name}] but not current`,
      "OCSP response not in effectivity window",
    ],
    [
      ocspRefusal(6),
      `ERR Could not parse OCSP CA response for [${name}]: ocsp: error from server: unauthorized`,
      "Failed OCSP response parse",
    ],
    [Buffer.from("<html>"), `ERR Could not parse OCSP CA response for [${name}]: `, "Failed OCSP response parse"],
  ];
  for (const [bytes, logged, reason] of bad) {
    bench.answers(bytes);
    expect(await bench.check(), reason).toBe(REFUSED);
    const lines = bench.log.take();
    expect(lines.find(line => !line.startsWith("DBG"))).toStartWith(logged);
    expect(lines.at(-2)).toBe(`DBG ${reason}`);
    expect(await bench.check({ warnOnly: true })).toBeNull();
    expect(bench.warnings().at(-1)).toBe(`WRN OCSP verify fail for [${name}] but WarnOnly is true so allowing`);
    expect(await bench.check({ allowWhenCaUnreachable: true })).toBe(REFUSED); // it was reached
    bench.log.take();
  }
  expect(bench.cache.stats.responses).toBe(0);
});

test("a response is current within the clock skew, and without NextUpdate for the configured time", async () => {
  const now = bench.clock.now();
  const verdict = async (given: Parameters<typeof ocspResponse>[1], rules: Partial<OcspPeerRules> = {}) => {
    bench.cache = bench.openCache(false);
    bench.answers(ocspResponse(leaf, given));
    return (await bench.check(rules)) ?? "good";
  };
  expect(await verdict({ nextUpdateMs: now - 30_000 })).toBe("good");
  expect(await verdict({ nextUpdateMs: now - 31_000 })).toBe(REFUSED);
  const [, line] = /(OCSP response NextUpdate .*)/.exec(bench.log.take().join("\n"))!;
  expect(line).toBe(`OCSP response NextUpdate [${goTime(now - 31_000)}] is before now [${goTime(now)}] with clockskew [30s]`);
  expect(await verdict({ nextUpdateMs: now - 31_000 }, { allowedClockSkewMs: 60_000 })).toBe("good");
  expect(await verdict({ thisUpdateMs: now + 30_000 })).toBe("good");
  expect(await verdict({ thisUpdateMs: now + 31_000 })).toBe(REFUSED);
  expect(await verdict({ thisUpdateMs: now - HOUR_MS - 30_000, nextUpdateMs: null })).toBe("good");
  expect(await verdict({ thisUpdateMs: now - HOUR_MS - 31_000, nextUpdateMs: null })).toBe(REFUSED);
  expect(await verdict({ thisUpdateMs: now - HOUR_MS - 31_000, nextUpdateMs: null }, { cacheTtlWhenNextUpdateUnsetMs: 2 * HOUR_MS })).toBe(
    "good",
  );
});

test("drops an expired cached response and asks the responder again", async () => {
  bench.answers(ocspResponse(leaf, { nextUpdateMs: bench.clock.now() + 60_000 }));
  expect(await bench.check()).toBeNull();
  bench.clock.advance(91_000);
  bench.answers(ocspResponse(leaf, { status: "revoked", nextUpdateMs: bench.clock.now() + HOUR_MS }));
  bench.log.take();
  expect(await bench.check()).toBe(REFUSED);
  expect(bench.log.take()).toContain("DBG Cached OCSP response is expired, status [good]");
  expect(bench.cache.stats).toMatchObject({ hits: 0, misses: 2, responses: 1, revoked: 1, good: 0 });
});

test("drops and ignores a cached response that does not verify", async () => {
  const signer = authority("Stranger");
  const key = new Bun.CryptoHasher("sha256").update(leaf.der).digest("base64");
  const forged = { raw: ocspResponse(leaf, { signer, sendsSigner: false }), status: "good", thisUpdateMs: 0, nextUpdateMs: null } as const;
  bench.cache.put(key, { ...forged, isDelegationValid: true }, name);
  bench.unreachable();
  expect(await bench.check()).toBe(REFUSED);
  expect(bench.log.take()).toContain(`DBG Invalid cached OCSP response for [${name}] with fingerprint [${key}]`);
  expect(bench.cache.stats.responses).toBe(0);
});

test("refuses the peer when no responder can be reached, unless allow_when_ca_unreachable is set and no revocation is cached", async () => {
  bench.unreachable();
  expect(await bench.check()).toBe(REFUSED);
  const lines = bench.log.take();
  expect(lines.at(-2)).toBe("DBG Failed OCSP response fetch");
  const failed = `WRN Attempt to obtain OCSP response from CA responder for [${name}] failed: exhausted OCSP responders: Get "${bench.asked[0]}": `;
  expect(lines).toContain(`${failed}connection refused`);
  expect(await bench.check({ warnOnly: true })).toBeNull();
  expect(bench.warnings()).toEqual([`${failed}connection refused`, `WRN OCSP verify fail for [${name}] but WarnOnly is true so allowing`]);
  expect(await bench.check({ allowWhenCaUnreachable: true })).toBeNull();
  const allowed = `WRN Failed to obtain OCSP CA response for [${name}] but AllowWhenCAUnreachable set;`;
  expect(bench.warnings()).toEqual([`${failed}connection refused`, `${allowed} no cached revocation so allowing`]);

  bench.answers(ocspResponse(leaf, { status: "revoked", nextUpdateMs: bench.clock.now() + 60_000 }));
  expect(await bench.check()).toBe(REFUSED);
  bench.warnings();
  bench.clock.advance(100_000);
  bench.unreachable();
  expect(await bench.check({ allowWhenCaUnreachable: true })).toBe(REFUSED);
  expect(bench.warnings()).toEqual([`${failed}connection refused`, `${allowed} cached revocation exists so rejecting`]);
  expect(await bench.check({ allowWhenCaUnreachable: true })).toBeNull(); // it was not preserved
});

test("a preserved revocation refuses the peer until a responder reports another status", async () => {
  bench.cache = bench.openCache(true);
  bench.answers(ocspResponse(leaf, { status: "revoked", nextUpdateMs: bench.clock.now() + 60_000 }));
  expect(await bench.check()).toBe(REFUSED);
  bench.clock.advance(100_000);
  bench.unreachable();
  for (let time = 0; time < 3; time++) expect(await bench.check({ allowWhenCaUnreachable: true })).toBe(REFUSED);
  bench.answers(ocspResponse(leaf, { nextUpdateMs: bench.clock.now() + HOUR_MS }));
  expect(await bench.check({ allowWhenCaUnreachable: true })).toBeNull();
});

test("asks responders in order until one answers; a slow one gets ca_timeout at most", async () => {
  const hosts = ["http://one.example", "http://two.example/", "http://three.example/x/"];
  const certificate = root.issue({ subject: "CN=several", ocspResponder: hosts });
  const slow = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  bench.answer = url => {
    if (url.includes("one")) return new Response("", { status: 500 });
    if (url.includes("three")) return new Response(ocspResponse(certificate) as Uint8Array<ArrayBuffer>);
    asked.resolve();
    return slow.promise;
  };
  const verdict = bench.check({ caTimeoutMs: 1_500 }, certificate);
  await asked.promise;
  bench.clock.advance(1_499);
  expect(bench.asked).toHaveLength(2);
  bench.clock.advance(1);
  expect(await verdict).toBeNull();
  expect(bench.asked.map(url => url.slice(0, url.lastIndexOf("/")))).toEqual([
    "http://one.example",
    "http://two.example",
    "http://three.example/x",
  ]);
  expect(bench.log.take().filter(line => line.includes("Trying"))).toEqual(hosts.map(host => `DBG Trying OCSP responder url [${host}]`));
});

test("ignores answers that are not 200, empty, late or endless", async () => {
  const reasons: string[] = [];
  const ask = async () => {
    await bench.check();
    reasons.push(/exhausted OCSP responders: (?:Get ".*": )?(.*)/.exec(bench.log.take().join("\n"))![1]!);
  };
  bench.answer = () => new Response("", { status: 503 });
  await ask();
  bench.answer = () => new Response("");
  await ask();
  let chunks = 0;
  const endless = () => new ReadableStream({ pull: controller => controller.enqueue(Buffer.alloc(10_000, ++chunks)) });
  bench.answer = () => new Response(endless());
  await ask();
  expect(chunks).toBeLessThan(20);
  const asked = Promise.withResolvers<void>();
  bench.answer = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const late = ask();
  await asked.promise;
  bench.clock.advance(2_000);
  await late;
  expect(reasons).toEqual([
    "bad OCSP responder http status: [503]",
    "the answer is empty",
    `the answer has more than ${RESPONSE_BYTES_MAX} bytes`,
    "context deadline exceeded",
  ]);
  expect(bench.clock.waiting).toBe(1); // the cache's
});

test("every link with a responder must be good; the root is never checked", async () => {
  const between = root.issue({ subject: "CN=between", authority: true, ocspResponder: url });
  const certificate = between.issue({ subject: "CN=behind", ocspResponder: url });
  let revoked: TestCertificate | null = null;
  const answers = [certificate, between];
  bench.answer = () => {
    const about = answers.shift()!;
    return new Response(ocspResponse(about, { status: about === revoked ? "revoked" : "good" }) as Uint8Array<ArrayBuffer>);
  };
  expect(await bench.check({}, certificate, [between])).toBeNull();
  expect(bench.log.take()).toContain("DBG Chain [0] has 2 OCSP eligible link(s)");
  for (revoked of [certificate, between]) {
    bench.cache = bench.openCache(false);
    answers.splice(0, answers.length, certificate, between);
    expect(await bench.check({}, certificate, [between])).toBe(REFUSED);
  }
  expect(bench.asked).toHaveLength(2 + 1 + 2);
});

test("accepts a self-signed peer, or one without a responder in its chain, without asking", async () => {
  expect(await bench.check({}, root.issue({ subject: "CN=plain" }))).toBeNull();
  expect(bench.log.take().at(-1)).toBe("DBG Chain [0] has no OCSP eligible links, thus peer is valid");
  expect(await bench.check({}, root)).toBeNull();
  expect(bench.log.take().at(-1)).toBe("DBG Chain [0] is self-signed, thus peer is valid");
  expect(bench.asked).toEqual([]);
});

test("one valid chain of several is enough", async () => {
  const between = root.issue({ subject: "CN=between", authority: true, ocspResponder: url });
  const twin = between.crossSigned({ authority: true }, root);
  const certificate = between.issue({ subject: "CN=behind" });
  bench.answers(ocspResponse(between, { status: "revoked" }));
  expect(await bench.check({}, certificate, [between, twin])).toBeNull();
  expect(bench.log.take()).toContain("DBG Chain [1] has no OCSP eligible links, thus peer is valid");
});

test("refuses a peer without a chain", async () => {
  const certificate = root.issue({ subject: "CN=between", authority: true }).issue({ subject: "CN=behind" });
  expect(await bench.check({}, certificate)).toBe(REFUSED);
  expect(bench.warnings()).toEqual(["WRN No certificate chain found for [CN=behind], rejecting OCSP peer"]);
});
