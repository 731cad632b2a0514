import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { FileStoreKind } from "../../../test/store/file-store-kind.ts";
import { describeMessageStore } from "../../../test/store/message-store-rules.ts";

describeMessageStore(FileStoreKind.simulated(new SimulatedDisk({ seed: 1 }), 8 * 1024 * 1024, 2 ** 28));
// Every few messages begin a block, and one block at a time is in memory.
describeMessageStore(FileStoreKind.simulated(new SimulatedDisk({ seed: 1 }), 100, 1));
