/** The commit service with syncs that the test ends one by one. */
import { describe, expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { CommitLine, type CommitObserver, type RelaxedSync } from "./commit-line.ts";
import { CommitService, type Syncable } from "./commit-service.ts";

/** A file whose syncs end when the test says so. */
class ManualFile implements Syncable {
  started = 0;
  private ends: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(
    readonly name: string,
    private readonly log: string[],
  ) {}

  sync(): Promise<void> {
    this.started++;
    this.log.push(`sync ${this.name}`);
    return new Promise((resolve, reject) => this.ends.push({ resolve, reject }));
  }

  get underWay(): number {
    return this.ends.length;
  }

  async end(error?: Error): Promise<void> {
    const { resolve, reject } = this.ends.shift()!;
    if (error === undefined) resolve();
    else reject(error);
    await settled();
  }
}

/** Lets promises settle. */
const settled = () => Bun.sleep(0);

class KeptObserver implements CommitObserver {
  constructor(
    private readonly name: string,
    private readonly log: string[],
  ) {}

  onDurable(position: number): void {
    this.log.push(`${this.name} durable ${position}`);
  }

  onFailure(error: Error): void {
    this.log.push(`${this.name} failed ${error.message}`);
  }
}

function setUp(syncsMax = 4) {
  const log: string[] = [];
  const clock = new FakeClock();
  const service = new CommitService(clock, syncsMax);
  return {
    log,
    clock,
    service,
    line: (name: string, relaxed: RelaxedSync | null = null, position = 0) =>
      new CommitLine(service, new KeptObserver(name, log), position, relaxed),
    file: (name: string) => new ManualFile(name, log),
    /** The log since the last call. */
    news: () => log.splice(0),
  };
}

describe("one file", () => {
  test("one sync is under way and one waits; everything written meanwhile shares it, with one call of the owner per sync", async () => {
    const { line, file, news, service } = setUp();
    const s = line("s");
    const target = file("1");
    const one = s.open(target);
    one.written(1, 1);
    one.written(2, 5);
    for (let position = 6; position <= 1_000; position++) one.written(position, position);
    expect([news(), service.running, service.waiting, s.durable]).toEqual([["sync 1"], 1, 0, 0]);
    await target.end();
    expect([news(), s.durable]).toEqual([["sync 1", "s durable 1"], 1]);
    await target.end();
    expect([news(), s.durable, s.registered, one.isDirty, service.running]).toEqual([["s durable 1000"], 1_000, 1_000, false, 0]);
    one.written(1_001, 1_001);
    expect(news()).toEqual(["sync 1"]);
  });

  test("a line begins at the position that is durable already", async () => {
    const { line, file, news } = setUp();
    const s = line("s", null, 100);
    const target = file("1");
    const one = s.open(target);
    expect(brokenAssertion(() => one.written(100, 100))).toContain("a change that is durable is not written again");
    one.written(101, 102);
    await target.end();
    expect(news()).toEqual(["sync 1", "s durable 102"]);
  });

  test("after a failed sync the file is never synced again, nothing from its changes on becomes durable, and the owner is told once", async () => {
    const { line, file, news, service } = setUp();
    const s = line("s");
    const target = file("1");
    const one = s.open(target);
    one.written(1, 3);
    await target.end();
    one.written(4, 4);
    one.written(5, 5);
    news();
    await target.end(new Error("EIO"));
    expect(news()).toEqual(["s failed EIO"]);
    one.written(6, 6);
    s.sync();
    await settled();
    expect([news(), s.durable, target.underWay, service.running, one.failure?.message]).toEqual([[], 3, 0, 0, "EIO"]);
    expect(await s.drain().catch((error: Error) => error.message)).toBe("EIO");
    s.fail(new Error("again"));
    expect([news(), s.failure?.message]).toEqual([[], "EIO"]);
  });
});

describe("several files of one line", () => {
  test("are synced in parallel, and `durable` rises in the order of the changes, whichever sync ends first", async () => {
    const { line, file, news } = setUp();
    const s = line("s");
    const [a, b, directory] = [file("a"), file("b"), file("msgs")];
    s.open(a).written(1, 5);
    s.open(b).written(6, 9);
    s.open(directory).written(6, 6);
    expect(news()).toEqual(["sync a", "sync b", "sync msgs"]);
    await b.end();
    expect(news()).toEqual([]);
    await a.end();
    expect(news()).toEqual(["s durable 5"]);
    await directory.end();
    expect(news()).toEqual(["s durable 9"]);
  });

  test("a change in two files is durable when both are, in whichever order they were registered", async () => {
    for (const first of ["a", "b"]) {
      const { line, file, news } = setUp();
      const s = line("s");
      const [a, b] = [file("a"), file("b")];
      const [one, two] = [s.open(a), s.open(b)];
      if (first === "a") one.written(1, 9);
      two.written(9, 9);
      if (first === "b") one.written(1, 9);
      news();
      await b.end();
      expect([news(), s.durable]).toEqual([[], 0]);
      await a.end();
      expect(news()).toEqual(["s durable 9"]);
    }
  });

  test("changes that the line was not told of count with the next one", async () => {
    const { line, file, news } = setUp();
    const s = line("s");
    const [a, b] = [file("a"), file("b")];
    s.open(a).written(3, 3);
    s.open(b).written(7, 7);
    await a.end();
    expect(s.durable).toBe(3);
    await b.end();
    expect([news(), s.durable]).toEqual([["sync a", "sync b", "s durable 3", "s durable 7"], 7]);
  });

  test("a failed file does not take back what others made durable before its changes", async () => {
    const { line, file, news } = setUp();
    const s = line("s");
    const [a, b, c] = [file("a"), file("b"), file("c")];
    s.open(a).written(1, 5);
    s.open(b).written(6, 7);
    s.open(c).written(8, 9);
    news();
    await b.end(new Error("EIO"));
    await c.end();
    await a.end();
    expect(news()).toEqual(["s failed EIO", "s durable 5"]);
  });

  test("changes without bytes become durable with what is before them, at once if that is nothing", async () => {
    const { line, file, news } = setUp();
    const s = line("s");
    s.advance(3);
    expect([s.durable, news()]).toEqual([3, []]);
    const a = file("a");
    s.open(a).written(4, 4);
    s.advance(8);
    expect(s.durable).toBe(3);
    await a.end();
    expect(news()).toEqual(["sync a", "s durable 8"]);
  });
});

describe("fairness", () => {
  test("no more syncs run at once than allowed, and a file that waits again is queued behind the others", async () => {
    const { line, file, news, service } = setUp(2);
    const s = line("s");
    const t = line("t");
    const [busy, a, b] = [file("busy"), file("a"), file("b")];
    const one = s.open(busy);
    one.written(1, 1);
    t.open(a).written(1, 1);
    one.written(2, 2);
    t.open(b).written(2, 2);
    const u = line("u");
    const c = file("c");
    u.open(c).written(1, 1);
    expect([news(), service.running, service.waiting]).toEqual([["sync busy", "sync a"], 2, 2]);
    await busy.end();
    expect(news()).toEqual(["sync b", "s durable 1"]);
    await a.end();
    expect(news()).toEqual(["sync c", "t durable 1"]);
    await b.end();
    expect(news()).toEqual(["sync busy", "t durable 2"]);
    await c.end();
    await busy.end();
    expect([news(), service.running, service.waiting]).toEqual([["u durable 1", "s durable 2"], 0, 0]);
  });

  test("a long queue is served completely and in order", async () => {
    const { line, file, news, service } = setUp(1);
    const files = Array.from({ length: 3_000 }, (_, index) => file(String(index)));
    for (const [index, target] of files.entries()) line(`l${index}`).open(target).written(1, 1);
    for (const target of files) await target.end();
    const expected = files.flatMap((_, index) => [`sync ${index}`, `l${index} durable 1`]);
    // The next sync begins before the owner of the last one is told.
    expect(news().sort()).toEqual(expected.sort());
    expect([service.running, service.waiting]).toEqual([0, 0]);
  });
});

describe("steps", () => {
  test("run after their change is durable, one after the other", async () => {
    const { line, file, news, log } = setUp();
    const s = line("s");
    const a = file("a");
    const one = s.open(a);
    let endRename = () => {};
    s.afterDurable(2, () => {
      log.push("rename");
      return new Promise(resolve => {
        endRename = resolve;
      });
    });
    s.afterDurable(1, () => void log.push("unlink"));
    one.written(1, 1);
    one.written(2, 2);
    await a.end();
    expect(news()).toEqual(["sync a", "sync a", "s durable 1"]);
    await a.end();
    expect(news()).toEqual(["s durable 2", "rename"]);
    one.written(3, 3);
    await a.end();
    expect(news()).toEqual(["sync a", "s durable 3"]);
    endRename();
    await settled();
    expect(news()).toEqual(["unlink"]);
    s.afterDurable(3, () => void log.push("at once"));
    expect(news()).toEqual(["at once"]);
  });

  test("a barrier begins after all changes before it, and later changes are durable only after it", async () => {
    const { line, file, news, log } = setUp();
    const s = line("s");
    const [a, b] = [file("a"), file("b")];
    const [one, two] = [s.open(a), s.open(b)];
    one.written(1, 4);
    let end = () => {};
    s.barrier(5, () => {
      log.push("purge");
      return new Promise(resolve => {
        end = resolve;
      });
    });
    two.written(6, 8);
    await b.end();
    expect([news(), s.durable]).toEqual([["sync a", "sync b"], 0]);
    await a.end();
    expect([news(), s.durable]).toEqual([["s durable 4", "purge"], 4]);
    end();
    await settled();
    expect(news()).toEqual(["s durable 8"]);
  });

  test("a step that fails freezes the line; the steps after it do not run, and a barrier holds for ever", async () => {
    const { line, file, news, log } = setUp();
    const s = line("s");
    const a = file("a");
    const one = s.open(a);
    one.written(1, 1);
    s.barrier(2, () => {
      throw new Error("ENOSPC");
    });
    s.afterDurable(1, () => void log.push("never"));
    one.written(3, 3);
    await a.end();
    await a.end();
    expect([news(), s.durable]).toEqual([["sync a", "sync a", "s durable 1", "s failed ENOSPC"], 1]);
    s.afterDurable(1, () => void log.push("never"));
    expect(await s.drain().catch((error: Error) => error.message)).toBe("ENOSPC");
    expect(news()).toEqual([]);
  });

  test("no step runs after a failed sync", async () => {
    const { line, file, news, log } = setUp();
    const s = line("s");
    const [a, b] = [file("a"), file("b")];
    s.open(a).written(1, 1);
    s.open(b).written(2, 2);
    s.afterDurable(1, () => void log.push("unlink"));
    news();
    await b.end(new Error("EIO"));
    await a.end();
    expect(news()).toEqual(["s failed EIO", "s durable 1"]);
  });
});

describe("relaxed lines", () => {
  const relaxed = { intervalMs: 1_000, bytesMax: 100 };

  test("sync an interval after the first change, and once per interval however much is written", async () => {
    const { line, file, news, clock } = setUp();
    const s = line("s", relaxed);
    const a = file("a");
    const one = s.open(a);
    one.written(1, 1, 10);
    clock.advance(600);
    one.written(2, 2, 10);
    clock.advance(399);
    expect(news()).toEqual([]);
    clock.advance(1);
    expect(news()).toEqual(["sync a"]);
    one.written(3, 3, 10);
    await a.end();
    expect(news()).toEqual(["s durable 2"]);
    clock.advance(999);
    expect(news()).toEqual([]);
    clock.advance(1);
    expect(news()).toEqual(["sync a"]);
    await a.end();
    expect([news(), clock.waiting]).toEqual([["s durable 3"], 0]);
  });

  test("sync a file at once when enough of it is not synced", async () => {
    const { line, file, news } = setUp();
    const s = line("s", relaxed);
    const [a, b] = [file("a"), file("b")];
    const [one, two] = [s.open(a), s.open(b)];
    two.written(1, 1, 99);
    one.written(2, 2, 99);
    one.written(3, 3, 1);
    expect(news()).toEqual(["sync a"]);
    one.written(4, 4, 100);
    await a.end();
    expect([news(), s.durable]).toEqual([["sync a"], 0]);
  });

  test("an interval that ends while a sync is under way asks for another one", async () => {
    const { line, file, news, clock } = setUp();
    const s = line("s", relaxed);
    const [a, b] = [file("a"), file("b")];
    const one = s.open(a);
    one.written(1, 1, 100);
    one.written(2, 2, 1);
    s.open(b).written(3, 3, 1);
    clock.advance(1_000);
    expect(news()).toEqual(["sync a", "sync b"]);
    await a.end();
    expect(news()).toEqual(["sync a", "s durable 1"]);
  });

  test("a step, a drain and a stricter policy sync at once", async () => {
    const { line, file, news, clock, log } = setUp();
    const s = line("s", relaxed);
    const a = file("a");
    const one = s.open(a);
    one.written(1, 1, 1);
    s.afterDurable(1, () => void log.push("unlink"));
    expect(news()).toEqual(["sync a"]);
    await a.end();
    expect(news()).toEqual(["s durable 1", "unlink"]);
    s.afterDurable(2, () => void log.push("unlink"));
    one.written(2, 2, 1);
    expect(news()).toEqual(["sync a"]);
    await a.end();
    one.written(3, 3, 1);
    const drained = s.drain();
    await a.end();
    await drained;
    one.written(4, 4, 1);
    news();
    s.setRelaxed(null);
    expect(news()).toEqual(["sync a"]);
    await a.end();
    one.written(5, 5, 1);
    expect(news()).toEqual(["s durable 4", "sync a"]);
    await a.end();
    expect(clock.waiting).toBe(0);
  });
});

test("draining the service makes every line durable, and reports a failed one after the others", async () => {
  const { line, file, service, log } = setUp();
  const files = [file("a"), file("b"), file("c")];
  const lines = [line("s"), line("t", { intervalMs: 1_000, bytesMax: 100 }), line("u")];
  for (const [index, target] of files.entries()) lines[index].open(target).written(1, 1);
  let outcome = "";
  const drained = service.drain().then(
    () => (outcome = "drained"),
    (error: Error) => (outcome = error.message),
  );
  await files[0].end(new Error("EIO"));
  await files[1].end();
  expect(outcome).toBe("");
  await files[2].end();
  await drained;
  expect(outcome).toBe("EIO");
  expect(log).toEqual(["sync a", "sync c", "sync b", "s failed EIO", "t durable 1", "u durable 1"]);
  lines[0].close();
  await service.drain();
  for (const open of lines.slice(1)) open.close();
  await service.drain();
});
