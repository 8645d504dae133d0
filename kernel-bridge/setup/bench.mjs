/** `npm run bench [-- NAME ...]`: runs kernel-bridge/bench/*.ts one after another, or those named. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensure } from './ensure.mjs';
import { cleanEnvironment } from './environment.mjs';
import { node24, root, searchPath } from './paths.mjs';
import { testSteps } from './steps.mjs';

const dir = join(root, 'kernel-bridge/bench');
const available = existsSync(dir)
  ? readdirSync(dir)
      .filter((name) => name.endsWith('.ts') && name !== 'arguments.ts')
      .map((name) => name.slice(0, -3))
  : [];
const isName = (word) => !word.startsWith('-');
const words = process.argv.slice(2);
const first = words.findIndex((word) => !isName(word));
const named = first === -1 ? words : words.slice(0, first);
const options = first === -1 ? [] : words.slice(first);
const unknown = named.filter((name) => !available.includes(name));
if (unknown.length) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${available.join(', ')}`);
  process.exit(2);
}

const chosen = named.length ? named : available;
/** They open JupyterLab in Chromium. */
const IN_BROWSER = ['lab-start', 'screen', 'scroll'];
// The peers (PyTorch, transformers, TRL) run beside ours, so the tests' Python packages are needed.
const needed = ['npm', 'venv', 'torch', 'addon', 'testPackages', 'sample'];
const lab = chosen.some((name) => IN_BROWSER.includes(name)) ? ['extension', 'pythonPackage', 'chromium'] : [];
const failures = await ensure([...needed, ...lab], { steps: testSteps });
if (failures.length) process.exit(1);
for (const name of chosen) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(node24(), [join(dir, `${name}.ts`), ...options], {
    cwd: root,
    stdio: 'inherit',
    env: { ...cleanEnvironment(), PATH: searchPath() },
  });
  if (status !== 0) process.exitCode = status === 2 ? 2 : 1;
  if (status === 2) break; // wrong usage: the next one would say the same
}
