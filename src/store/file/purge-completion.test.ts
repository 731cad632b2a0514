import { expect, test } from "bun:test";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { finish } from "../../../test/store/driven-store.ts";
import { completePurge } from "./purge-completion.ts";

/** A stream's directory with these files. @returns what is there after the completion */
async function completedNames(...files: string[]): Promise<string[]> {
  const disk = new SimulatedDisk({ seed: 1 });
  disk.makeDirectory("/S");
  for (const file of files) {
    const directory = file.slice(0, file.lastIndexOf("/"));
    if (disk.status(directory) === null) disk.makeDirectory(directory);
    disk.writeFile(file, Buffer.from(file));
  }
  await finish(completePurge(disk, "/S"));
  return disk.list("/S").flatMap(({ name }) => disk.list(`/S/${name}`).map(entry => `${name}/${entry.name}`));
}

test("new blocks that are complete replace the old ones", async () => {
  expect(await completedNames("/S/msgs/1.blk", "/S/__new_msgs__/2.blk")).toEqual(["msgs/2.blk"]);
});

test("old blocks that were moved away are removed", async () => {
  expect(await completedNames("/S/msgs/2.blk", "/S/__msgs__/1.blk")).toEqual(["msgs/2.blk"]);
  expect(await completedNames("/S/__new_msgs__/2.blk", "/S/__msgs__/1.blk")).toEqual(["msgs/2.blk"]);
});

test("a key without a block is dropped, and the blocks stay", async () => {
  expect(await completedNames("/S/msgs/1.blk", "/S/__new_msgs__/2.key")).toEqual(["msgs/1.blk"]);
});

test("a directory without a purge stays as it is", async () => {
  expect(await completedNames("/S/msgs/1.blk", "/S/msgs/index.db")).toEqual(["msgs/1.blk", "msgs/index.db"]);
});
