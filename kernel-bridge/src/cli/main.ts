/** The `medr1` command as a process. */
import { loseRefusedLines } from '../files/standard-error.ts';
import { medr1 } from './program.ts';

/** Ends with the process that a shell knows the command by (bin/medr1.mjs), however that one ended: a worker then checkpoints and leaves. */
function endWithLauncher(): void {
  const launcher = process.env.MEDR1_LAUNCHER;
  delete process.env.MEDR1_LAUNCHER; // means nothing to what this process starts
  if (launcher === undefined) return;
  const look = (): void => {
    if (process.ppid !== Number(launcher)) process.exit(1);
  };
  setInterval(look, 500).unref();
}

loseRefusedLines();
endWithLauncher();
process.exitCode = await medr1(process.argv.slice(2));
