/** The program that runs under Node: plays one table against one port and prints the lines as JSON. Arguments: name of the table, port. */
import { connect } from "@nats-io/transport-node";
import { playSteps } from "./step.ts";
import { TABLES, type TableName } from "./tables.ts";

const [table, port] = process.argv.slice(-2);
process.stdout.write(JSON.stringify(await playSteps(TABLES[table as TableName], connect, Number(port))));
