/**
 * Which clients that a callout service admitted a reload closes, compared with nats-server: those whose account is gone, and all when something
 * changes on which the decision about them may depend. The others stay, without a new request.
 */
import { expect } from "bun:test";
import { NkeyKind } from "../../src/base/keys/nkey.ts";
import { fixedSigner } from "../doubles/token-maker.ts";
import { Peer } from "../operator/peer.ts";
import { Recording } from "../reference/recording.ts";
import { type CalloutContext, onBoth, type ServiceFacts } from "./callout-context.ts";

const it = new Recording(import.meta.path);

const ISSUER = fixedSigner(NkeyKind.Account, 40);
const NKEY = fixedSigner(NkeyKind.User, 42);
const SERVICE: ServiceFacts = { login: { user: "auth", pass: "secret" }, issuer: ISSUER };

const CONFIG = `accounts {
  AUTH { users [ { user: auth, password: secret } ] }
  APP { users [ { user: local, password: local }, { nkey: ${NKEY.publicKey} } ] }
  GONE { users [ ] }
}
server_tags: [a]
no_auth_user: local
authorization { timeout: 1, auth_callout { issuer: ${ISSUER.publicKey}, account: AUTH, auth_users: [auth] } }
`;

/** What a reload changes: the text, and what stands there afterwards. */
const CHANGES: Record<string, readonly [before: string, after: string]> = {
  "a new account": ["GONE {", "NEW { }\n  GONE {"],
  "a removed account": ["GONE { users [ ] }", ""],
  "new permissions of a user": ["{ user: local, password: local }", '{ user: local, password: local, permissions { publish: "a" } }'],
  "new default permissions of an account": ["APP {", 'APP { default_permissions { publish: "a" },'],
  "new mappings of an account": ["APP {", "APP { mappings { a: b },"],
  "a limit of payload": ["APP {", "APP { limits { max_payload: 2 },"],
  "a limit of connections that is reached": ["APP {", "APP { limits { max_connections: 1 },"],
  "a new user": ["users [ { user: local", "users [ { user: more, password: more }, { user: local"],
  "a removed user": [`, { nkey: ${NKEY.publicKey} }`, ""],
  "another password": ["password: local", "password: other"],
  "other connection types of a user": ["password: local", "password: local, allowed_connection_types: [standard]"],
  "a user that now requires a proxy": ["password: local", "password: local, proxy_required: true"],
  "other server tags": ["server_tags: [a]", "server_tags: [a, b]"],
  "another order of the users": [
    `{ user: local, password: local }, { nkey: ${NKEY.publicKey} }`,
    `{ nkey: ${NKEY.publicKey} }, { user: local, password: local }`,
  ],
};

/** Logs in clients whose accounts the service chooses. */
async function clientsOf(context: CalloutContext): Promise<Peer[]> {
  const accounts = ["APP", "APP", "GONE", "AUTH"];
  context.decide = (request, answers) =>
    answers.user({ data: { name: `${request.nats.client.name}!`, audience: request.nats.client.name } });
  const peers: Peer[] = [];
  for (const name of accounts) peers.push(await Peer.login(context.server.port, { connect: { name, auth_token: "t" } }));
  return peers;
}

for (const [title, [before, after]] of Object.entries(CHANGES)) {
  it.compared(
    `a reload with ${title}`,
    async () => {
      expect(CONFIG).toContain(before);
      const [ours, theirs] = await onBoth(CONFIG, SERVICE, async context => {
        const peers = await clientsOf(context);
        await context.reload(CONFIG.replace(before, after));
        for (const peer of peers) await peer.ping();
        const [first, second, ...others] = peers.map(({ closed, lines }) => [closed, [...lines]]);
        const reasons = [];
        for (const { closed, info } of peers) if (closed) reasons.push((await context.connzOf(info.client_id, true)).reason);
        const requests = context.service!.received.length;
        // Of two clients beyond a limit nats-server closes any, ours the newer one.
        return { ofApp: [first, second].toSorted(), others, reasons, requests };
      });
      expect(ours).toEqual(theirs);
    },
    120_000,
  );
}

it.compared(
  "after a reload that lowers the largest payload of an account, the limit applies to its clients",
  async () => {
    const [ours, theirs] = await onBoth(CONFIG, SERVICE, async context => {
      const [peer, ...others] = await clientsOf(context);
      await context.reload(CONFIG.replace("APP {", "APP { limits { max_payload: 2 },"));
      peer!.send("PUB a 3\r\nabc\r\n");
      await peer!.untilClosed();
      for (const other of others) other.close();
      return peer!.lines;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);
