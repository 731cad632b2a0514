import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../../test/doubles/seed.ts";
import { authority } from "../../../../test/tls/certificates.ts";
import { integer, octets, sequence, tagged, wrapped } from "../../../../test/tls/der-writer.ts";
import { Random } from "../../../base/random/random.ts";
import { DerError } from "./der-reader.ts";
import { chainIn, sentCertificates } from "./sent-certificates.ts";

const root = authority();
const between = root.issue({ subject: "CN=between", authority: true });
const leaf = between.issue({ subject: "CN=leaf" });

function session(...sent: Buffer[]): Buffer {
  const head = [
    integer(1),
    integer(Buffer.from([3, 4])),
    octets(Buffer.from([0x13, 1])),
    octets(Buffer.alloc(0)),
    octets(Buffer.alloc(32)),
  ];
  const chain = sent.length === 0 ? [] : [wrapped(19, ...sent)];
  return sequence(...head, wrapped(1, integer(7)), wrapped(3, leaf.der), ...chain, wrapped(29, integer(1)));
}

test("finds the certificates that the peer sent after its own in the session", () => {
  expect(
    chainIn(session(between.der, root.der)).map(der => Buffer.from(der).equals(between.der) || Buffer.from(der).equals(root.der)),
  ).toEqual([true, true]);
  expect(chainIn(session())).toEqual([]);
  expect(chainIn(session(...Array.from({ length: 40 }, () => between.der)))).toHaveLength(16);
});

test("an unreadable session gives no certificates", () => {
  for (const unreadable of [undefined, Buffer.alloc(0), Buffer.from("NOT RESUMABLE"), session(tagged(1, leaf.der))]) {
    expect(sentCertificates({ getSession: () => unreadable })).toEqual([]);
  }
});

test("fuzz: a changed or cut session is read or refused with DerError", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const whole = session(between.der);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(whole);
    for (let flips = 1 + random.below(4); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    try {
      expect(chainIn(random.below(2) === 0 ? bytes : bytes.subarray(0, random.below(bytes.length))).length).toBeLessThanOrEqual(16);
    } catch (error) {
      expect(error, `SEED=${seed} round=${round}`).toBeInstanceOf(DerError);
    }
  }
});
