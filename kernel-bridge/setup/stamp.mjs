/** A stamp records the hash of what something was made from, beside the thing, so that removing the thing removes the stamp. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export function hashFiles(files, salt = '') {
  const hash = createHash('sha256').update(salt);
  for (const file of files) hash.update(existsSync(file) ? readFileSync(file) : 'missing').update('\0');
  return hash.digest('hex');
}

/** Null where the thing was made from what gives this hash; else which of the two it is: there is none, or it was made from something else. */
export function unlike(file, hash, absent, changed) {
  if (!existsSync(file)) return absent;
  return readFileSync(file, 'utf8') === hash ? null : changed;
}
export const stamp = (file, hash) => writeFileSync(file, hash);
