/** A protection that controls switch off: what the optimiser knew comes back with its checkpoint. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';

/** The moments of the newest checkpoint become zeros, and its manifest says that this is what was written. */
export function forgetMoments(home: string, id: string): void {
  const folder = join(runDirectory(home, id), 'checkpoints');
  const newest = readdirSync(folder) // a kill may leave the draft of one beside those that are whole
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .at(-1);
  if (newest === undefined) return;
  const file = join(folder, newest, 'optimizer.safetensors');
  const bytes = readFileSync(file);
  bytes.fill(0, 8 + Number(bytes.readBigUInt64LE(0)));
  writeFileSync(file, bytes);
  const manifest = join(folder, newest, 'manifest.json');
  const kept = JSON.parse(readFileSync(manifest, 'utf8')) as { files: Record<string, { sha256: string }> };
  kept.files['optimizer.safetensors'].sha256 = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(manifest, JSON.stringify(kept));
}
