/** Runs one command after another in this process, and says when each has ended: `node each.ts COMMANDS.json`, a file with a list of arguments each. */
import { readFileSync, writeSync } from 'node:fs';
import { medr1 } from '../program.ts';

const commands = JSON.parse(readFileSync(process.argv[2], 'utf8')) as string[][];
for (const argv of commands) {
  writeSync(1, `${JSON.stringify({ argv })}\n`);
  process.exitCode = undefined; // what the command before left there
  const code = await medr1(argv);
  writeSync(1, `${JSON.stringify({ code })}\n`);
}
process.exit(0);
