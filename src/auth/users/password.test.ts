import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { CHECKS_WAITING_MAX, type CheckOrigin, isBcrypt, PasswordChecks, secretEquals } from "./password.ts";

const TIMEOUT_MS = 2_000;
const from = (more: Partial<CheckOrigin> = {}): CheckOrigin => ({ address: "192.0.2.1", user: "u", timeoutMs: TIMEOUT_MS, ...more });
const newChecks = (atOnceMax?: number): PasswordChecks => new PasswordChecks(new TimingWheel(new FakeClock()), atOnceMax);

/** The alphabet, repeated. */
function letters(count: number): string {
  return "abcdefghijklmnopqrstuvwxyz".repeat(Math.ceil(count / 26)).slice(0, count);
}

/** Results of Go's bcrypt for hashes and passwords. */
const VECTORS: [what: string, stored: string, given: string, matches: boolean][] = [
  ["plain", "$2a$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", true],
  ["plain, wrong", "$2a$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3tx", false],
  ["empty", "$2a$04$JegNaG812BSaUGH11Y/OFedotAPuX8SCSduxbuO1aA9X0mSNtuCeK", "", true],
  ["empty, wrong", "$2a$04$JegNaG812BSaUGH11Y/OFedotAPuX8SCSduxbuO1aA9X0mSNtuCeK", "x", false],
  ["nul", "$2a$04$QChHF.yybyRxTXP75JG6DeMKO03GI9kPS.qBtUCsrFpV5F.dg5S1y", "a\u0000b", true],
  ["nul, wrong", "$2a$04$QChHF.yybyRxTXP75JG6DeMKO03GI9kPS.qBtUCsrFpV5F.dg5S1y", "a\u0000bx", false],
  ["72", "$2a$04$BRxYeKCgB6TmQ2tihLIhq.ypwwA54eAPkjgVT5o7AQes8lq/yyu/G", letters(72), true],
  ["multibyte", "$2a$04$UX2e06SyB0fCx8jDrzXTeuG7PMPgDYwvcmksrsbA9p4iLRZr64Yei", "pässwörd🔑", true],
  ["multibyte, wrong", "$2a$04$UX2e06SyB0fCx8jDrzXTeuG7PMPgDYwvcmksrsbA9p4iLRZr64Yei", "pässwörd🔑x", false],
  ["multibyte72", "$2a$04$CxKEx0S0DLivLbUUEcbET.ioRzGbvENyuqh91xsHssTWilYGye5zS", "é".repeat(36), true],
  ["73 bytes of which 72 count", "$2a$04$BRxYeKCgB6TmQ2tihLIhq.ypwwA54eAPkjgVT5o7AQes8lq/yyu/G", letters(73), true],
  ["200 bytes of which 72 count", "$2a$04$BRxYeKCgB6TmQ2tihLIhq.ypwwA54eAPkjgVT5o7AQes8lq/yyu/G", letters(200), true],
  ["71", "$2a$04$BRxYeKCgB6TmQ2tihLIhq.ypwwA54eAPkjgVT5o7AQes8lq/yyu/G", letters(71), false],
  ["cut inside a character", "$2a$04$CxKEx0S0DLivLbUUEcbET.ioRzGbvENyuqh91xsHssTWilYGye5zS", `${"é".repeat(36)}日`, true],
  ["a character that byte 72 cuts", "$2a$04$/X5xT.M6mSGDcRPdw8MNienH0V3dkSl4iM3Rd0KWW9gHtNyCHEbc.", `${"a".repeat(71)}é`, true],
  ["another character with that first byte", "$2a$04$/X5xT.M6mSGDcRPdw8MNienH0V3dkSl4iM3Rd0KWW9gHtNyCHEbc.", `${"a".repeat(71)}ã`, true],
  ["empty is a NUL", "$2a$04$JegNaG812BSaUGH11Y/OFedotAPuX8SCSduxbuO1aA9X0mSNtuCeK", "\u0000", true],
  ["two NUL", "$2a$04$JegNaG812BSaUGH11Y/OFedotAPuX8SCSduxbuO1aA9X0mSNtuCeK", "\u0000\u0000", true],
  ["empty, x", "$2a$04$JegNaG812BSaUGH11Y/OFedotAPuX8SCSduxbuO1aA9X0mSNtuCeK", "x", false],
  ["until the NUL", "$2a$04$QChHF.yybyRxTXP75JG6DeMKO03GI9kPS.qBtUCsrFpV5F.dg5S1y", "a", false],
  ["other behind the NUL", "$2a$04$QChHF.yybyRxTXP75JG6DeMKO03GI9kPS.qBtUCsrFpV5F.dg5S1y", "a\u0000c", false],
  ["version 2b", "$2b$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", true],
  ["version 2x", "$2x$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", true],
  ["version 2y", "$2y$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", true],
  ["trailing text", "$2a$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDOxyz", "s3cr3t", true],
  ["59", "$2a$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeD", "s3cr3t", false],
  ["58", "$2a$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqe", "s3cr3t", false],
  ["cost 03", "$2a$03$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", false],
  ["cost 32", "$2a$32$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", false],
  ["cost 00", "$2a$00$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", false],
  ["salt's unused bits 1", "$2a$04$RbuczfNImLvtXENlu3qAffILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", true],
  ["salt's unused bits 5", "$2a$04$RbuczfNImLvtXENlu3qAfjILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", true],
  ["salt's unused bits 15", "$2a$04$RbuczfNImLvtXENlu3qAftILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", true],
  ["hash's unused bits", "$2a$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDP", "s3cr3t", false],
  ["salt alphabet", "$2a$04$Rbu!zfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", false],
  ["hash alphabet", "$2a$04$RbuczfNImLvtXENlu3qAfeILgRRyEkRiV!ZJaiDCS/Umxc1vMqeDO", "s3cr3t", false],
  ["only prefix", "$2a$04$", "s3cr3t", false],
  ["newline in salt", "$2a$04$Rbu\nzfNImLvtXENlu3qAfeILgRRyEkRiV6ZJaiDCS/Umxc1vMqeDO", "s3cr3t", false],
  ["cost 6", "$2a$06$VPmHYYI.cPzl4sKjtM6u6.ql9G6wpNYkj4C4yyku620FkhUu0/Dbm", "cost6", true],
];

test("every password has the same result as in Go's bcrypt", async () => {
  const checks = newChecks();
  for (const [what, stored, given, matches] of VECTORS) expect(await checks.matches(given, stored, from()), what).toBe(matches);
});

test("only hashes of the versions a, b, x and y are treated as hashes", () => {
  const hashes = ["$2a$10$", "$2b$04$anything", "$2x$99$\n", "$2y$11$.."];
  const others = ["", "$2a$1$x", "$2c$10$x", "$2$10$x", "$2a$10", " $2a$10$x", "2a$10$x", "$1$10$x", "$2A$10$x", "$2a$١٠$x", "plain"];
  expect(hashes.filter(isBcrypt)).toEqual(hashes);
  expect(others.filter(isBcrypt)).toEqual([]);
});

test("plaintext passwords are checked synchronously", () => {
  const checks = newChecks();
  expect([checks.matches("secret", "secret", from()), checks.matches("Secret", "secret", from()), checks.matches("", "", from())]).toEqual([
    true,
    false,
    true,
  ]);
  expect(checks.matches("$2c$10$x", "$2c$10$x", from())).toBe(true);
});

test("secrets of any length are compared completely", () => {
  expect([secretEquals("a", "a"), secretEquals("", ""), secretEquals("ü", "ü")]).toEqual([true, true, true]);
  expect([secretEquals("a", "ab"), secretEquals("ab", "a"), secretEquals("", "a"), secretEquals("a", "A")]).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

const [, STORED, GIVEN] = VECTORS[0];

test("checks beyond the parallel limit wait in order and all complete", async () => {
  const checks = newChecks(2);
  const order: number[] = [];
  const asked = Array.from({ length: 20 }, (_, index) =>
    checks.matches(
      index % 3 === 0 ? "wrong" : GIVEN,
      STORED,
      from({
        isWanted: () => {
          order.push(index);
          return true;
        },
      }),
    ),
  );
  expect(order).toEqual([0, 1]);
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 20 }, (_, index) => index % 3 !== 0));
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test("an abandoned check is skipped, and later ones run", async () => {
  const checks = newChecks(1);
  const first = checks.matches(GIVEN, STORED, from());
  const left = checks.matches(GIVEN, STORED, from({ isWanted: () => false }));
  const last = checks.matches(GIVEN, STORED, from());
  expect(await Promise.all([first, left, last])).toEqual([true, false, true]);
});

/** Waits until what follows from the results has happened. */
const settled = (): Promise<void> => new Promise(resolve => void setImmediate(resolve));

/** Checks that run one at a time, when the test says so. */
function stepped() {
  const clock = new FakeClock();
  const begun: string[] = [];
  const ends: ((matches: boolean) => void)[] = [];
  const checks = new PasswordChecks(new TimingWheel(clock), 1, given => {
    begun.push(given);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    ends.push(resolve);
    return promise;
  });
  /** Ends the check that runs, and waits until the next one begins. */
  const step = async (): Promise<void> => {
    ends.shift()!(begun.at(-1) === "right");
    await settled();
  };
  return { clock, begun, checks, step };
}

for (const [title, attacker] of Object.entries({
  "from another address": { address: "192.0.2.66", user: "root" },
  "from many addresses": { user: "root" },
  "from the same address, as another user": { user: "root", address: "192.0.2.1" },
  "from the same address, as unknown users": { user: "", address: "192.0.2.1" },
})) {
  test(`a right login begins after three others at most, while 4,200 wrong ones wait ${title}`, async () => {
    const { begun, checks, step } = stepped();
    for (let index = 0; index < 4_200; index++) {
      void checks.matches("wrong", STORED, from({ address: `198.51.${index >> 8}.${index & 0xff}`, ...attacker }));
    }
    const right = checks.matches("right", STORED, from({ user: "anna" }));
    for (let steps = 0; steps < 4 && begun.at(-1) !== "right"; steps++) await step();
    expect(begun.at(-1)).toBe("right");
    await step();
    expect(await right).toBe(true);
  });
}

test("a check that has waited for its whole time limit leaves the queue; one that has begun is completed", async () => {
  const { begun, checks, clock, step } = stepped();
  const running = checks.matches("first", STORED, from());
  const waiting = Promise.all([checks.matches("second", STORED, from()), checks.matches("third", STORED, from({ timeoutMs: 500 }))]);
  clock.advance(TIMEOUT_MS + 10);
  expect(await waiting).toEqual(["late", "late"]);
  const later = checks.matches("right", STORED, from());
  await step();
  expect([await running, begun]).toEqual([false, ["first", "right"]]);
  await step();
  expect(await later).toBe(true);
});

test("when too many checks wait, new ones of the same address and user are refused; a check of another one replaces one of them", async () => {
  const { checks } = stepped();
  const results: unknown[] = [];
  const check = (origin: CheckOrigin) => void Promise.resolve(checks.matches("wrong", STORED, origin)).then(result => results.push(result));
  for (let count = 0; count <= CHECKS_WAITING_MAX; count++) check(from()); // one of them runs
  await settled();
  expect(results).toEqual([]);
  check(from());
  check(from({ address: "192.0.2.2", user: "anna" }));
  expect(checks.matches("plain", "plain", from())).toBe(true);
  await settled();
  expect(results).toEqual([false, false]);
});

test("the event loop runs while a password is checked", async () => {
  const checks = newChecks(1);
  let turns = 0;
  let isChecking = true;
  const count = () => {
    turns++;
    if (isChecking) setImmediate(count);
  };
  setImmediate(count);
  const slow = STORED.replace("$04$", "$11$");
  expect(await checks.matches(GIVEN, slow, from())).toBe(false);
  isChecking = false;
  expect(turns).toBeGreaterThan(20);
});
