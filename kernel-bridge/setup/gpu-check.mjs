/**
 * `npm run gpu-check`: what only a GPU can show (kernel-bridge/gpu-check), in one command of at most nine minutes.
 *
 *     npm run gpu-check                      on a machine with a GPU: runs it, and writes gpu-check.json
 *     npm run gpu-check                      elsewhere: packs what a GPU machine without Node lacks, and prints the command to run there
 *     npm run gpu-check -- --pack FILE       packs, GPU or none
 *     npm run gpu-check -- --rehearse        runs all of it without a GPU, from a packed copy of the clone
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SetupError } from './command.mjs';
import { ensure } from './ensure.mjs';
import { cleanEnvironment } from './environment.mjs';
import { pack } from './gpu-pack.mjs';
import { home, node24, python, root, searchPath } from './paths.mjs';
import { gpu, gpuSteps, testSteps } from './steps.mjs';

const { values } = parseArgs({
  options: {
    pack: { type: 'string' },
    out: { type: 'string', default: 'gpu-check.json' },
    only: { type: 'string' },
    rehearse: { type: 'boolean', default: false },
  },
});
const out = resolve(root, values.out);
const archive = values.pack ?? join(home, 'gpu-check.tar.xz');
const SCRIPT = 'kernel-bridge/setup/gpu_check.py';
const only = values.only ? ['--only', values.only] : [];

/** The tracked files and those that git does not ignore: what travels to another machine. */
function copyClone(to) {
  const names = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  for (const name of new Set(names.split('\0').filter(Boolean))) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    cpSync(join(root, name), join(to, name), { force: true, errorOnExist: false });
  }
}

/** In a folder of its own with nothing but the copy, the archive and this machine's Python, as on a machine that has no more. */
async function rehearse() {
  const folder = mkdtempSync(join(tmpdir(), 'medr1-gpu-rehearsal-'));
  try {
    await pack(join(folder, 'packed.tar'), { quick: true });
    copyClone(join(folder, 'clone'));
    const env = { ...cleanEnvironment(), PATH: '/usr/local/bin:/usr/bin:/bin' };
    const args = [SCRIPT, join(folder, 'packed.tar'), '--out', out, '--rehearse', ...only];
    return spawnSync(python, args, { cwd: join(folder, 'clone'), env, stdio: 'inherit' }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const steps = ['npm', 'venv', 'torch', 'addon', 'testPackages', ...(values.rehearse ? ['testDevice'] : [])];
  if ((await ensure(steps, { steps: values.rehearse ? testSteps : gpuSteps })).length > 0) return 1;
  if (values.rehearse) return rehearse();
  if (values.pack === undefined && (await gpu())) {
    const args = [join(root, 'kernel-bridge/gpu-check/main.ts'), '--out', out, '--python', python, ...only];
    return spawnSync(node24(), args, { cwd: root, stdio: 'inherit', env: { ...cleanEnvironment(), PATH: searchPath() } }).status ?? 1;
  }
  const size = await pack(archive);
  console.log(
    `packed ${relative(root, archive)}, ${(size / 1e6).toFixed(1)} MB. On a machine with a GPU, in a copy of this clone with that file:`,
  );
  console.log(`  python3 ${SCRIPT} ${relative(root, archive)} --out gpu-check.json`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof SetupError ? `${error.message}\n  remedy: ${error.remedy}` : error);
  process.exitCode = 1;
}
