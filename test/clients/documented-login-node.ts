/** Run by Node: the attempts of its last argument, one after the other; their outcomes go to standard output. */
import { type Attempt, outcomeOf } from "./documented-login.ts";

const outcomes: string[] = [];
for (const attempt of JSON.parse(process.argv.at(-1)!) as Attempt[]) outcomes.push(await outcomeOf(attempt));
console.log(JSON.stringify(outcomes));
