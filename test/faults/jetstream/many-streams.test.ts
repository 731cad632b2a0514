/** More streams than the process has descriptors: all are created, store messages and are there after a restart. `FAULTS=all`: 5,000 streams, 1,024 descriptors. */
import { expect, test } from "bun:test";
import { PROGRAM, RunningProgram, TemporaryDirectory } from "../../cli/program.ts";
import { type Answer, RawClient } from "../../jetstream/sequences/raw-client.ts";

const [STREAMS, DESCRIPTORS] = process.env.FAULTS === "all" ? [5_000, 1_024] : [300, 128];
const TEST_MS = 10 * 60_000;
/** Requests that are sent at once. */
const AT_ONCE = 100;

function start(directory: TemporaryDirectory): Promise<RunningProgram> {
  const limited = ["bash", "-c", `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`, ...PROGRAM];
  return RunningProgram.start([...limited, "-a", "127.0.0.1", "-js", "-sd", directory.path]);
}

/** Asks the same of every stream. @returns the answers, in the order of the streams */
async function askEach(client: RawClient, request: (index: number) => { subject: string; payload: string }): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < STREAMS; from += AT_ONCE) {
    const indexes = Array.from({ length: Math.min(AT_ONCE, STREAMS - from) }, (_, index) => from + index);
    const all = await client.askAll(indexes.map(index => ({ header: "", replyEnd: "", ...request(index) })));
    for (const [first] of all) answers.push(first!);
  }
  return answers;
}

const text = (answer: Answer): string => answer.payload.toString();

test(
  `${STREAMS} streams work with ${DESCRIPTORS} descriptors, also after a restart`,
  async () => {
    using directory = new TemporaryDirectory();
    let server = await start(directory);
    try {
      let client = await RawClient.open(server.port, "");
      const created = await askEach(client, index => ({
        subject: `$JS.API.STREAM.CREATE.S${index}`,
        payload: JSON.stringify({ name: `S${index}`, subjects: [`s.${index}`], storage: "file", allow_direct: true }),
      }));
      expect(created.filter(answer => !text(answer).includes('"did_create":true')).map(text)).toEqual([]);
      for (const seq of [1, 2]) {
        const acks = await askEach(client, index => ({ subject: `s.${index}`, payload: `${seq} of ${index}` }));
        expect(acks.map(text)).toEqual(acks.map((_, index) => JSON.stringify({ stream: `S${index}`, seq })));
      }
      client.close();
      server.signal("SIGTERM");
      await server.status();
      server = await start(directory);
      client = await RawClient.open(server.port, "");
      for (const seq of [1, 2]) {
        const found = await askEach(client, index => ({ subject: `$JS.API.DIRECT.GET.S${index}`, payload: JSON.stringify({ seq }) }));
        expect(found.map(text)).toEqual(found.map((_, index) => `${seq} of ${index}`));
      }
      const acks = await askEach(client, index => ({ subject: `s.${index}`, payload: "" }));
      expect(acks.map(text)).toEqual(acks.map((_, index) => JSON.stringify({ stream: `S${index}`, seq: 3 })));
      client.close();
    } finally {
      await server.stop();
    }
  },
  TEST_MS,
);
