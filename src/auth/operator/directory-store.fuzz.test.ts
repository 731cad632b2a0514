import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { fixedSigner } from "../../../test/doubles/token-maker.ts";
import { accountToken } from "../../../test/operator/tokens.ts";
import { SYSTEM_DISK } from "../../base/disk/system-disk.ts";
import { NkeyKind } from "../../base/keys/nkey.ts";
import { Random } from "../../base/random/random.ts";
import { DirectoryStore } from "./directory-store.ts";

const ACCOUNTS = Array.from({ length: 6 }, (_, index) => fixedSigner(NkeyKind.Account, 60 + index));
/** Several tokens of each account, the oldest first. */
const TOKENS = new Map(ACCOUNTS.map(account => [account.publicKey, [90, 60, 30].map(issuedAgo => accountToken(account, { issuedAgo }))]));

/** A slow model of a store: a list in the order of use. */
class Model {
  entries: { name: string; jwt: string; until: number }[] = [];

  constructor(
    readonly limit: number,
    readonly evicts: boolean,
    readonly ttlMs: number,
  ) {}

  find(name: string) {
    return this.entries.find(one => one.name === name);
  }

  touch(name: string, now: number): void {
    const known = this.find(name);
    if (known === undefined) return;
    if (this.ttlMs > 0) known.until = now + this.ttlMs;
    if (this.evicts) this.entries = [...this.entries.filter(one => one !== known), known];
  }

  /** @returns whether the token was accepted */
  save(name: string, jwt: string, now: number): boolean {
    const known = this.find(name);
    if (known?.jwt === jwt) {
      this.touch(name, now);
      return true;
    }
    if (known === undefined && this.limit > 0 && this.entries.length >= this.limit) {
      if (!this.evicts) return false;
      this.entries.shift();
    }
    this.entries = [
      ...this.entries.filter(one => one !== known),
      { name, jwt, until: this.ttlMs > 0 ? now + this.ttlMs : Number.POSITIVE_INFINITY },
    ];
    return true;
  }
}

function hashOf(jwts: readonly string[]): string {
  const hash = Buffer.alloc(32);
  for (const jwt of jwts) {
    const own = createHash("sha256").update(jwt).digest();
    for (let index = 0; index < hash.length; index++) hash[index]! ^= own[index]!;
  }
  return hash.toString("hex");
}

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

test("fuzz: a store and its directory agree with a list after any saves, uses, merges, deletions and expiries", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 30; round++) {
    const directory = mkdtempSync(join(tmpdir(), "bunats-fuzz-"));
    const clock = new FakeClock();
    const evicts = random.chance(0.5);
    const options = {
      directory,
      deletion: "hard",
      limit: random.pick([0, 2, 4]),
      evicts,
      ttlMs: evicts ? random.pick([0, 5_000]) : 0,
    } as const;
    const open = () => new DirectoryStore(options, SYSTEM_DISK, () => clock.now());
    const model = new Model(options.limit, options.evicts, options.ttlMs);
    const store = open();
    try {
      for (let step = 0; step < 60; step++) {
        const message = `SEED=${seed} round=${round} step=${step}`;
        const name = random.pick(ACCOUNTS).publicKey;
        const version = random.below(3);
        const jwt = TOKENS.get(name)![version]!;
        switch (random.below(6)) {
          case 0:
          case 1:
            expect(
              succeeds(() => store.save(name, jwt)),
              message,
            ).toBe(model.save(name, jwt, clock.now()));
            break;
          case 2: {
            const known = model.find(name);
            const isNewer = known === undefined || TOKENS.get(name)!.indexOf(known.jwt) < version;
            const taken = isNewer ? model.save(name, jwt, clock.now()) : true;
            expect(
              succeeds(() => store.merge(`${name}|${jwt}`)),
              message,
            ).toBe(taken);
            break;
          }
          case 3:
            expect(
              succeeds(() => store.load(name)),
              message,
            ).toBe(model.find(name) !== undefined);
            model.touch(name, clock.now());
            break;
          case 4:
            store.delete(name);
            model.entries = model.entries.filter(one => one.name !== name);
            break;
          default:
            clock.advance(random.below(3_000));
            store.expire();
            model.entries = model.entries.filter(one => one.until > clock.now());
        }
        const held = Object.fromEntries(readdirSync(directory).map(file => [file, readFileSync(join(directory, file), "utf8")]));
        expect(held, message).toEqual(Object.fromEntries(model.entries.map(one => [`${one.name}.jwt`, one.jwt])));
        expect(store.hash.toString("hex"), message).toBe(hashOf(model.entries.map(one => one.jwt)));
      }
      expect([open().size, open().hash], `SEED=${seed} round=${round}`).toEqual([store.size, store.hash]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
});
