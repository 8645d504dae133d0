/** A stamp records the hash of what something was made from, beside the thing, so that removing the thing removes the stamp. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export function hashFiles(files, salt = '') {
  const hash = createHash('sha256').update(salt);
  for (const file of files) hash.update(existsSync(file) ? readFileSync(file) : 'missing').update('\0');
  return hash.digest('hex');
}
export const stamped = (file, hash) => existsSync(file) && readFileSync(file, 'utf8') === hash;
export const stamp = (file, hash) => writeFileSync(file, hash);
