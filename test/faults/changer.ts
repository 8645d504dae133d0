/**
 * Changes something of a home, to be killed meanwhile: `node changer.ts CHANGE HOME KNOWN`, of changes.ts; it prints `done` at its end. For a control: with
 * FAULT_COPY folders come under their names file by file.
 */
import fs, { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { change, type Known } from './changes.ts';

if (process.env.FAULT_COPY) {
  fs.renameSync = (from, to) => {
    fs.cpSync(from as string, to as string, { recursive: true });
    fs.rmSync(from, { recursive: true });
  };
  syncBuiltinESMExports();
}
const [name, home, known] = process.argv.slice(2);
await change(name, home, JSON.parse(known) as Known);
writeSync(1, 'done\n');
process.exit(0);
