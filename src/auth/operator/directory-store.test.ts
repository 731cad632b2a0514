import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { ALPHA, accountToken, BETA, GAMMA } from "../../../test/operator/tokens.ts";
import type { Signer } from "../../access/jwt/encode.ts";
import { SYSTEM_DISK } from "../../base/disk/system-disk.ts";
import { type DirectoryOptions, DirectoryStore, NotStored } from "./directory-store.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bunats-store-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function open(more: Partial<DirectoryOptions> = {}, clock = new FakeClock()) {
  const options = { directory, deletion: "none", limit: 0, evicts: false, ttlMs: 0, ...more } as const;
  const store = new DirectoryStore(options, SYSTEM_DISK, () => clock.now());
  const events: string[] = [];
  store.onChanged = name => events.push(`changed ${name.slice(0, 4)}`);
  store.onDeleted = name => events.push(`deleted ${name.slice(0, 4)}`);
  return { store, events, clock };
}

const key = ({ publicKey }: Signer) => publicKey;
const short = (signer: Signer) => key(signer).slice(0, 4);
const hashOf = (...jwts: string[]) =>
  jwts
    .map(jwt => createHash("sha256").update(jwt).digest())
    .reduce((xor, hash) => Buffer.from(xor.map((byte, index) => byte ^ hash[index]!)), Buffer.alloc(32))
    .toString("hex");

test("a saved JWT is found by the next server too, and its file is readable by its owner only", () => {
  const { store, events } = open();
  const jwt = accountToken(ALPHA);
  store.save(key(ALPHA), jwt);
  store.save(key(ALPHA), jwt);
  expect(events).toEqual([`changed ${short(ALPHA)}`]);
  expect(readdirSync(directory)).toEqual([`${key(ALPHA)}.jwt`]);
  expect(statSync(join(directory, `${key(ALPHA)}.jwt`)).mode & 0o777).toBe(0o600);
  const next = open().store;
  expect([next.load(key(ALPHA)), next.size, next.hash.toString("hex")]).toEqual([jwt, 1, hashOf(jwt)]);
});

test("the hash depends only on the current files", () => {
  const { store } = open({ deletion: "hard" });
  const [a, b, newer] = [accountToken(ALPHA), accountToken(BETA), accountToken(ALPHA, { issuedAgo: 1 })];
  store.save(key(ALPHA), a);
  store.save(key(BETA), b);
  expect(store.hash.toString("hex")).toBe(hashOf(a, b));
  store.save(key(ALPHA), newer);
  expect(store.hash.toString("hex")).toBe(hashOf(newer, b));
  store.delete(key(BETA));
  expect(store.hash.toString("hex")).toBe(hashOf(newer));
  store.delete(key(ALPHA));
  expect(store.hash.toString("hex")).toBe("00".repeat(32));
});

test("only public keys are used in paths", () => {
  const { store } = open({ deletion: "hard" });
  for (const name of [
    "",
    "A",
    "../../etc/passwd",
    `../${key(ALPHA)}`,
    `${key(ALPHA)}/x`,
    key(ALPHA).toLowerCase(),
    `${key(ALPHA).slice(0, -1)}B`,
  ]) {
    expect(() => store.load(name), name).toThrow("invalid public key");
    expect(() => store.save(name, "x"), name).toThrow("invalid public key");
    expect(() => store.delete(name), name).toThrow("invalid public key");
  }
  expect(() => store.load(key(ALPHA))).toThrow(NotStored);
  expect(readdirSync(directory)).toEqual([]);
});

test("the newer of two claims is kept, and claims of another account are refused", () => {
  const { store, events } = open();
  const [old, newer] = [accountToken(ALPHA, { issuedAgo: 50 }), accountToken(ALPHA, { issuedAgo: 10 })];
  store.saveIfNewer(key(ALPHA), newer);
  store.saveIfNewer(key(ALPHA), old);
  store.saveIfNewer(key(ALPHA), newer);
  expect([store.load(key(ALPHA)), events.length]).toEqual([newer, 1]);
  expect(() => store.saveIfNewer(key(ALPHA), accountToken(BETA, { issuedAgo: 0 }))).toThrow(
    "jwt subject nkey and provided nkey do not match",
  );
  expect(() => store.saveIfNewer(key(ALPHA), "garbage")).toThrow("expected 3 chunks");
  writeFileSync(join(directory, `${key(BETA)}.jwt`), "garbage");
  const beta = accountToken(BETA);
  store.saveIfNewer(key(BETA), beta); // a file without a valid token is replaced
  expect(store.load(key(BETA))).toBe(beta);
});

test("a pack is merged line by line; an invalid line throws an error that names the problem", () => {
  const { store } = open();
  const [a, b] = [accountToken(ALPHA), accountToken(BETA)];
  store.merge(`${key(ALPHA)}|${a}\n\n${key(BETA)}|${b}`);
  expect([...store.entries()].map(({ name }) => name)).toEqual([key(ALPHA), key(BETA)].sort());
  expect(() => store.merge("a|b|c")).toThrow(`line in package didn't contain 2 entries: "a|b|c"`);
  expect(() => store.merge(`../x|${a}`)).toThrow("key to merge is not a valid public account key");
});

test("a full store refuses new accounts, but accepts new claims of stored ones", () => {
  const { store } = open({ limit: 1 });
  store.save(key(ALPHA), accountToken(ALPHA));
  expect(() => store.save(key(BETA), accountToken(BETA))).toThrow("jwt store is full");
  store.save(key(ALPHA), accountToken(ALPHA, { issuedAgo: 1 }));
  expect(store.size).toBe(1);
});

test("a full cache removes the least recently used JWT", () => {
  const { store } = open({ limit: 2, evicts: true });
  store.save(key(ALPHA), accountToken(ALPHA));
  store.save(key(BETA), accountToken(BETA));
  store.load(key(ALPHA));
  store.save(key(GAMMA), accountToken(GAMMA));
  expect(readdirSync(directory).sort()).toEqual([key(ALPHA), key(GAMMA)].map(name => `${name}.jwt`).sort());
});

test("JWTs that were not used for the configured time, and expired ones, are removed", () => {
  const { store, clock } = open({ evicts: true, ttlMs: 10_000 });
  store.save(key(ALPHA), accountToken(ALPHA));
  store.save(key(BETA), accountToken(BETA));
  clock.advance(6_000);
  store.load(key(ALPHA));
  clock.advance(6_000);
  store.expire();
  expect([readdirSync(directory), store.expiryCheckMs]).toEqual([[`${key(ALPHA)}.jwt`], 5_000]);
  rmSync(join(directory, `${key(ALPHA)}.jwt`));
  const full = open();
  full.store.save(key(BETA), accountToken(BETA, { data: { expiresAtSeconds: Math.floor(FakeClock.WALL_START / 1000) + 5 } }));
  full.store.save(key(GAMMA), accountToken(GAMMA));
  full.store.expire();
  expect(full.store.size).toBe(2);
  full.clock.advance(6_000);
  expect([...full.store.entries()].length).toBe(1); // an expired JWT is not sent to other servers
  full.store.expire();
  expect(readdirSync(directory)).toEqual([`${key(GAMMA)}.jwt`]);
});

test("deletion renames or removes the file; a second deletion does nothing", () => {
  for (const [deletion, left] of [
    ["rename", [`${key(ALPHA)}.jwt.deleted`]],
    ["hard", []],
  ] as const) {
    rmSync(directory, { recursive: true });
    const { store, events } = open({ deletion });
    store.save(key(ALPHA), accountToken(ALPHA));
    store.delete(key(ALPHA));
    store.delete(key(ALPHA));
    expect([readdirSync(directory), events, store.size]).toEqual([[...left], [`changed ${short(ALPHA)}`, `deleted ${short(ALPHA)}`], 0]);
  }
  expect(() => open().store.delete(key(ALPHA))).toThrow("store is not set up to for delete");
});

test("a reload reports files that were changed by others", () => {
  const { store, events } = open();
  store.save(key(ALPHA), accountToken(ALPHA));
  store.save(key(BETA), accountToken(BETA));
  events.length = 0;
  writeFileSync(join(directory, `${key(ALPHA)}.jwt`), accountToken(ALPHA, { issuedAgo: 1 }));
  writeFileSync(join(directory, `${key(GAMMA)}.jwt`), accountToken(GAMMA));
  rmSync(join(directory, `${key(BETA)}.jwt`));
  store.reload();
  expect([events, store.size, store.hash]).toEqual([[`changed ${short(ALPHA)}`], 2, open().store.hash]);
});

test("files in subdirectories are tracked, other files and directories are not", () => {
  mkdirSync(join(directory, "AB"));
  mkdirSync(join(directory, "folder.jwt"));
  writeFileSync(join(directory, "AB", `${key(ALPHA)}.jwt`), accountToken(ALPHA));
  writeFileSync(join(directory, "notes.txt"), "x");
  writeFileSync(join(directory, "notes.jwt"), "garbage");
  const { store } = open();
  expect([...store.entries()].map(({ name }) => name)).toEqual([key(ALPHA), "notes"]);
  expect(store.hash.toString("hex")).toBe(hashOf(accountToken(ALPHA), "garbage"));
});

test("a failed save leaves no partial file", () => {
  const { store } = open();
  mkdirSync(join(directory, `${key(ALPHA)}.jwt.new`)); // occupies the name of the temporary file
  expect(() => store.save(key(ALPHA), accountToken(ALPHA))).toThrow(/^open .*is a directory$/);
  expect(store.size).toBe(0);
  store.save(key(BETA), accountToken(BETA));
  expect(readFileSync(join(directory, `${key(BETA)}.jwt`), "utf8")).toBe(accountToken(BETA));
});

test("an invalid directory is refused with the reference's text", () => {
  const file = join(directory, "file");
  writeFileSync(file, "");
  expect(() => open({ directory: file })).toThrow(`mkdir ${file}: not a directory`);
  expect(() => open({ directory: "" })).toThrow("path is not specified");
  expect(() => open({ directory: "/proc/none/jwt" })).toThrow("mkdir /proc/none: no such file or directory");
});

test("a power cut at any operation loses no saved JWT and restores no deleted one", () => {
  const options = { directory: "/var/jwt", deletion: "hard", limit: 0, evicts: false, ttlMs: 0 } as const;
  const steps: readonly (readonly [Signer, string | null])[] = [
    [ALPHA, accountToken(ALPHA, { issuedAgo: 3 })],
    [BETA, accountToken(BETA)],
    [ALPHA, accountToken(ALPHA, { issuedAgo: 2 })],
    [BETA, null],
    [ALPHA, accountToken(ALPHA, { issuedAgo: 1 })],
  ];
  for (let seed = 0; seed < 20; seed++) {
    for (let cut = 1, done = 0; done < steps.length; cut++) {
      done = 0;
      const disk = new SimulatedDisk({ seed });
      disk.cutPowerAt(cut);
      try {
        const store = new DirectoryStore(options, disk, () => 0);
        for (const [signer, jwt] of steps) {
          if (jwt === null) store.delete(key(signer));
          else store.save(key(signer), jwt);
          done++;
        }
      } catch {
        // The power is off.
      }
      disk.cutPower();
      disk.restart();
      const found = new Map([...new DirectoryStore(options, disk, () => 0).entries()].map(({ name, jwt }) => [name, jwt]));
      for (const signer of [ALPHA, BETA]) {
        const mine = steps.map(([whose, jwt], index) => ({ whose, jwt, index })).filter(({ whose }) => whose === signer);
        const kept = mine.findLast(({ index }) => index < done)?.jwt ?? null;
        const underway = mine.find(({ index }) => index === done)?.jwt ?? kept;
        const deletes = mine.some(({ jwt, index }) => index === done && jwt === null);
        expect([kept, deletes ? null : underway], `seed=${seed} cut=${cut} done=${done}`).toContain(found.get(key(signer)) ?? null);
      }
    }
  }
});

test("a failing or full disk leaves the stored claims unchanged and throws the reason", () => {
  const disk = new SimulatedDisk({ seed: 1, capacityBytes: 4_000 });
  const store = new DirectoryStore({ directory: "/jwt", deletion: "none", limit: 0, evicts: false, ttlMs: 0 }, disk, () => 0);
  const [old, newer] = [accountToken(ALPHA, { issuedAgo: 2 }), accountToken(ALPHA, { issuedAgo: 1 })];
  store.save(key(ALPHA), old);
  const path = `/jwt/${key(ALPHA)}.jwt`;
  for (const operation of ["open", "write", "sync", "rename"] as const) {
    disk.failAt(operation, 1);
    expect(() => store.save(key(ALPHA), newer), operation).toThrow(`open ${path}: input/output error`);
    expect([store.load(key(ALPHA)), disk.list("/jwt").length]).toEqual([old, 1]);
  }
  const filler = disk.open("/filler", "create");
  filler.append(Buffer.alloc(disk.space("/").freeBytes - 10));
  expect(() => store.save(key(ALPHA), newer)).toThrow(`open ${path}: no space left on device`);
  expect([store.load(key(ALPHA)), disk.list("/jwt").length]).toEqual([old, 1]);
  disk.unlink("/filler");
  filler.close();
  store.save(key(ALPHA), newer);
  expect(store.load(key(ALPHA))).toBe(newer);
});
