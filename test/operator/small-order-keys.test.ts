/** Ed25519 keys of small order are no public keys: anybody can forge their signatures. Compared with nats-server. */
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeNkey, NkeyKind } from "../../src/base/keys/nkey.ts";
import { rawToken } from "../doubles/token-maker.ts";
import { OperatorTests, type ScenarioContext } from "./operator-tests.ts";
import { Peer } from "./peer.ts";
import { ALPHA, accountToken, memoryConfig, nowSeconds, userToken } from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

/** The neutral element. With this signature every data is signed by it. */
const POINT = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0));
const FORGED = Uint8Array.from({ length: 64 }, (_, at) => (at === 0 ? 1 : 0));
const forger = (kind: NkeyKind): Signer => ({ publicKey: encodeNkey(kind, POINT), sign: () => FORGED });
const USER = forger(NkeyKind.User);
const config = () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA) });

async function login({ side }: Pick<ScenarioContext, "side">, jwt: string): Promise<unknown> {
  const peer = await Peer.login(side.port, { jwt, signer: USER });
  const seen = [[...peer.lines], peer.closed];
  peer.close();
  return seen;
}

function rawUser(claims: object, by: Signer): string {
  const data = { iat: nowSeconds() - 5, iss: by.publicKey, sub: USER.publicKey, jti: "X" };
  return rawToken(JSON.stringify({ ...data, ...claims, nats: { type: "user", version: 2, subs: -1, data: -1, payload: -1 } }), by);
}

it.both("a user whose own key is of small order is refused", config, context => login(context, rawUser({}, ALPHA)));
it.both("a user's JWT issued by a key of small order is refused", config, context => login(context, rawUser({}, forger(NkeyKind.Account))));

it.both("a signing key or an auth user of small order makes new claims invalid; a revocation of one does not", config, async context => {
  const { ask } = context;
  await login(context, userToken()); // loads the account
  const account = (body: Parameters<typeof accountToken>[1]) =>
    ask(`$SYS.REQ.ACCOUNT.${ALPHA.publicKey}.CLAIMS.UPDATE`, accountToken(ALPHA, { issuedAgo: 0, ...body }));
  return [
    await account({ signingKeys: new Map([[forger(NkeyKind.Account).publicKey, null]]) }),
    await account({ authorization: { users: [USER.publicKey], allowedAccounts: [], curveKey: "" } }),
    await account({ revocations: new Map([[USER.publicKey, 1]]) }),
  ];
});
