import { expect, test } from "bun:test";
import { authority, type TestCertificate } from "../../../../../test/tls/certificates.ts";
import { ChainCertificate } from "./chain-certificate.ts";
import { chainsOf, readCertificates } from "./chains.ts";

const root = authority("root");
const upper = root.issue({ subject: "CN=upper", authority: true });
const lower = upper.issue({ subject: "CN=lower", authority: true });
const leaf = lower.issue({ subject: "CN=leaf" });
const read = (certificates: readonly TestCertificate[]) => readCertificates(certificates.map(({ der }) => der));

/** Subjects of each chain, from the leaf on; `all` when every chain must be valid. */
function chains(trusted: TestCertificate[], sent: TestCertificate[], certificate = leaf, nowMs = Date.now()): string[] {
  const { chains: found, mustAllHold } = chainsOf(new ChainCertificate(certificate.der), read(trusted), read(sent), nowMs);
  return [...found.map(chain => chain.map(({ subject }) => subject.replace(/^CN=|,.*/g, "")).join(" ")), ...(mustAllHold ? ["all"] : [])];
}

test("a chain leads from the leaf through sent certificates, in any order, to a trusted one", () => {
  expect(chains([root], [lower, upper])).toEqual(["leaf lower upper root"]);
  expect(chains([root], [upper, leaf, lower, root])).toEqual(["leaf lower upper root"]);
  expect(chains([root], [upper], upper.issue({ subject: "CN=near" }))).toEqual(["near upper root"]);
});

test("a chain ends at a trusted authority, root or not; a trusted leaf is a chain of one", () => {
  expect(chains([root, lower], [lower, upper])).toEqual(["leaf lower", "leaf lower upper root"]);
  expect(chains([root, upper, lower], [])).toEqual(["leaf lower"]);
  expect(chains([leaf, root], [lower, upper])).toEqual(["leaf"]);
});

test("no chain is found when an intermediate certificate is missing", () => {
  expect(chains([root], [upper])).toEqual(["all"]);
  expect(chains([], [lower, upper, root])).toEqual(["all"]);
  expect(chainsOf(new ChainCertificate(leaf.der), [], [], Date.now()).chains).toEqual([]);
});

test("a certificate that may not sign, has another key, is expired or is for other uses is not an issuer", () => {
  const noAuthority = root.issue({ subject: "CN=lower" });
  expect(chains([root], [lower.crossSigned({}, root)])).toEqual(["all"]); // has the name and key of an authority, but is not one
  expect(chains([root], [noAuthority])).toEqual(["all"]);
  expect(chains([root], [root.issue({ subject: "CN=lower", authority: true })])).toEqual(["all"]);
  expect(chains([root], [lower.crossSigned({ authority: true, validDays: -1 }, root)])).toEqual(["all"]);
  expect(chains([root], [lower.crossSigned({ authority: true }, authority("root"))])).toEqual(["all"]);
  expect(chains([root], [lower, upper.crossSigned({ authority: true, pathLength: 0 }, root)])).toEqual(["all"]);
  expect(chains([root], [lower, upper.crossSigned({ authority: true, pathLength: 1 }, root)])).toEqual(["leaf lower upper root"]);
  expect(chains([root], [lower, upper], leaf, Date.now() + 90 * 86_400_000)).toEqual(["all"]);
});

test("chains over an authority with constraints are used only when there is no other chain, and then all must be valid", () => {
  const constrained = lower.crossSigned({ authority: true, permittedNames: "example" }, root);
  expect(chains([root], [constrained, lower, upper])).toEqual(["leaf lower upper root"]);
  const more = lower.crossSigned({ authority: true, permittedNames: "example.org" }, root);
  expect(chains([root], [constrained, more])).toEqual(["leaf lower root", "leaf lower root", "all"]);
});

test("the search ends however many certificates a peer sends", () => {
  const twins = Array.from({ length: 12 }, () => lower.crossSigned({ authority: true }, root));
  expect(chains([root], twins)).toEqual(Array(10).fill("leaf lower root"));
  const restricted = Array.from({ length: 12 }, () => lower.crossSigned({ authority: true, permittedNames: "example" }, root));
  expect(chains([root], restricted)).toEqual(["all"]);
  const [a, b] = [authority("a"), authority("b")];
  const circle = [a.crossSigned({ authority: true }, b), b.crossSigned({ authority: true }, a)];
  expect(chains([root], circle, a.issue({ subject: "CN=lost" }))).toEqual(["all"]);
});

test("responders are the http and https URLs, in order", () => {
  const responders = ["ldap://x/", "http://one.example/a", "HTTPS://two.example", "http://", "ftp://three.example"];
  const certificate = new ChainCertificate(root.issue({ subject: "O=a,UID=7,CN=b", ocspResponder: responders }).der);
  expect(certificate.responders).toEqual(["http://one.example/a", "HTTPS://two.example"]);
  expect(certificate.subject).toBe("CN=b,O=a");
  expect(new ChainCertificate(leaf.der).responders).toEqual([]);
});
