/** Answers that the server owes, and reply subjects. */
import type { Row } from "../row.ts";

export const REQUEST_ROWS: Row[] = [
  {
    id: "answers-owed",
    before: "100,000 answers owed",
    load: "6 KB: 300 wildcard SUB and UNSUB",
    configuration: `accounts {
  PROVIDER { users = [ { user: provider, password: provider } ], exports = [ { service: "work" } ] }
  CUSTOMER { users = [ { user: customer, password: customer } ], imports = [ { service: { account: PROVIDER, subject: "work" } } ] }
  OTHER { users = [ { user: bystander, password: bystander } ] }
}
no_auth_user: bystander
`,
    async prepare(attack) {
      const service = await attack.connect({ user: "provider", pass: "provider" });
      await service.write("SUB work 1\r\n");
      await service.confirmed();
      const requester = await attack.connect({ user: "customer", pass: "customer" });
      await requester.write("SUB inbox.> 1\r\n");
      await requester.writeLines(attack.count(100_000), index => `PUB work inbox.${index} 0\r\n\r\n`);
      await requester.confirmed();
      return async () => {
        await requester.writeLines(attack.count(300), () => "SUB *.* 2\r\nUNSUB 2\r\n");
        await requester.confirmed();
      };
    },
  },
  {
    id: "reply-subject",
    before: "50,000 SUBs on a reply subject by others",
    load: "730 KB of PUB nobody rep 0",
    async prepare(attack) {
      for (let client = 0; client < 5; client++) {
        const subscriber = await attack.connect();
        await subscriber.writeLines(attack.count(10_000), index => `SUB rep ${index}\r\n`);
        await subscriber.confirmed();
      }
      const requester = await attack.connect({ headers: true, no_responders: true });
      return async () => {
        await requester.writeLines(attack.count(36_500), () => "PUB nobody rep 0\r\n\r\n");
        await requester.confirmed();
      };
    },
  },
];
