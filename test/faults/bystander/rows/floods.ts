/** Clients that publish without a pause. */
import { linesOf } from "../attack-client.ts";
import type { Attack, Flood, Row } from "../row.ts";

function floodRow(subscribers: number, size: number): Row {
  return {
    id: `flood${subscribers}`,
    before: `${subscribers} subscriber${subscribers === 1 ? "" : "s"}, one publisher of ${size} B without a pause`,
    load: "",
    signal: true,
    prepare: async attack => () => attack.flood({ subscribers, size }),
  };
}

/** The bystander is `no_auth_user`, so it needs no credentials. */
const IMPORT = `accounts {
  PROVIDER { users = [ { user: provider, password: provider } ], exports = [ { service: "bench" } ] }
  CUSTOMER { users = [ { user: customer, password: customer } ], imports = [ { service: { account: PROVIDER, subject: "bench" } } ] }
  OTHER { users = [ { user: bystander, password: bystander } ] }
}
no_auth_user: bystander
`;

const THROUGH_IMPORT: Flood = {
  subscribers: 1,
  size: 16,
  publisherUser: "customer",
  publisherPassword: "customer",
  subscriberUser: "provider",
  subscriberPassword: "provider",
};

/** A load that writes the same line again and again until the time is over. */
async function publishUntilOver(attack: Attack, fields: object, line: string): Promise<() => Promise<void>> {
  const publisher = await attack.connect(fields);
  const block = linesOf(Math.ceil(attack.count(1 << 20) / line.length), () => line);
  return async () => {
    const over = attack.timeOver();
    while (!attack.isOver && !publisher.ended) await publisher.write(block);
    publisher.close();
    await over;
  };
}

export const FLOOD_ROWS: Row[] = [
  floodRow(1, 16),
  floodRow(20, 16),
  floodRow(200, 16),
  floodRow(1_000, 200),
  {
    id: "import",
    before: "one subscriber, a flood through a service import",
    load: "",
    configuration: IMPORT,
    signal: true,
    prepare: async attack => () => attack.flood(THROUGH_IMPORT),
  },
  {
    id: "import-requests",
    before: "one subscriber that never answers, a flood of requests through a service import",
    load: "",
    configuration: IMPORT,
    signal: true,
    async prepare(attack) {
      const service = await attack.connect({ user: "provider", pass: "provider" });
      await service.write("SUB bench 1\r\n");
      await service.confirmed();
      return publishUntilOver(attack, { user: "customer", pass: "customer" }, "PUB bench reply.here 16\r\n0123456789abcdef\r\n");
    },
  },
  {
    id: "refused",
    before: "one client streams PUBs that permissions refuse",
    load: "",
    configuration: `authorization { users = [
  { user: bystander, password: bystander }
  { user: limited, password: limited, permissions: { publish: "allowed" } }
] }
no_auth_user: bystander
`,
    signal: true,
    prepare: attack => publishUntilOver(attack, { user: "limited", pass: "limited" }, "PUB refused 0\r\n\r\n"),
  },
];
