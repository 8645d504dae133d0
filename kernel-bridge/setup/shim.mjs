/** `medr1` for notebooks and terminals of the lab, and by its whole path for any other folder: `npx medr1` finds it inside the clone alone. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node24, root, venv } from './paths.mjs';
import { unlike } from './stamp.mjs';

export const shim = join(venv, 'bin/medr1');

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const content = () => `#!/bin/sh
exec ${quoted(node24())} ${quoted(join(root, 'kernel-bridge/bin/medr1.mjs'))} "$@"
`;

export const check = () => unlike(shim, content(), 'medr1 is not in .venv/bin', 'medr1 in .venv/bin starts that of another folder');

export function write() {
  writeFileSync(shim, content());
  chmodSync(shim, 0o755);
}
