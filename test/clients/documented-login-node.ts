/** Node runs this file: it makes the login attempts in its last argument one after the other, and prints their outcomes. */
import { type Attempt, outcomeOf } from "./documented-login.ts";

const outcomes: string[] = [];
for (const attempt of JSON.parse(process.argv.at(-1)!) as Attempt[]) outcomes.push(await outcomeOf(attempt));
console.log(JSON.stringify(outcomes));
