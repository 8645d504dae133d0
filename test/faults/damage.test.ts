/** Bytes that are not what was written. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { newestValid, writeCheckpoint } from '../../kernel-bridge/src/runs/checkpoints.ts';
import { completeConfig } from '../../kernel-bridge/src/runs/config.ts';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { fakeStep } from '../server/fake-trainer.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';

const scratch = mkdtempSync(join(tmpdir(), 'medr1-damage-'));
const sound = join(scratch, 'sound');
const FILES: Record<string, Buffer> = {
  'model.safetensors': Buffer.alloc(3000, 'weights'),
  'optimizer.safetensors': Buffer.alloc(6000, 'moments'),
  'trainer_state.json': Buffer.from('{"global_step":4,"rng":[1,2,3]}'),
  'config.json': Buffer.from('{"model_type":"qwen2_vl"}'),
};

/** A run of four steps with checkpoints of the second and the fourth. */
async function train(): Promise<void> {
  mkdirSync(sound);
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  using store = RunStore.create(sound, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' });
  const save = async (dir: string): Promise<void> => {
    mkdirSync(dir, { recursive: true });
    for (const [name, bytes] of Object.entries(FILES)) writeFileSync(join(dir, name), bytes);
  };
  for (const step of [1, 2, 3, 4]) {
    store.commitStep(fakeStep(step));
    if (step % 2 === 0) await writeCheckpoint(store, save, { reason: 'periodic', pinned: false, keep: 2 });
  }
}

let copies = 0;
/** A copy of the run whose newest checkpoint is damaged; what was done to it. */
function damaged(random: Random, ways: readonly string[]): { directory: string; checkpoint: string; what: string } {
  const directory = join(scratch, `copy-${copies++}`);
  cpSync(sound, directory, { recursive: true });
  const checkpoint = join(directory, 'checkpoints', readdirSync(join(directory, 'checkpoints')).sort().at(-1)!);
  const name = oneOf(
    random,
    readdirSync(checkpoint).filter((file) => ways.length > 1 || file !== 'manifest.json'),
  );
  const file = join(checkpoint, name);
  const bytes = readFileSync(file);
  const way = oneOf(random, ways);
  const at = below(random, bytes.length);
  if (way === 'gone') rmSync(file);
  if (way === 'cut off') truncateSync(file, at);
  if (way === 'flip') {
    bytes[at] ^= 1 << below(random, 8);
    writeFileSync(file, bytes);
  }
  return { directory, checkpoint, what: `${way} ${name} at ${at}` };
}

const manifestOf = (checkpoint: string): { files: Record<string, { sha256: string }> } | null => {
  try {
    return JSON.parse(readFileSync(join(checkpoint, 'manifest.json'), 'utf8'));
  } catch {
    return null;
  }
};

/** Goes on from the step that a worker would go on from. */
async function goneOnFrom(directory: string): Promise<number | null> {
  using store = RunStore.open(directory);
  const { checkpoint, damaged } = await newestValid(store);
  for (const error of damaged) holds((error as { code?: string }).code === 'CHECKPOINT_DAMAGED', `it says ${error.message}`);
  return checkpoint?.step ?? null;
}

async function passedOver(directory: string, checkpoint: string, what: string): Promise<string> {
  const from = await goneOnFrom(directory);
  const written = join(sound, 'checkpoints', readdirSync(join(sound, 'checkpoints')).sort().at(-1)!);
  const same =
    isDeepStrictEqual(manifestOf(checkpoint), manifestOf(written)) &&
    Object.entries(FILES).every(([name, bytes]) => {
      try {
        return readFileSync(join(checkpoint, name)).equals(bytes);
      } catch {
        return false;
      }
    });
  holds(from === 2 || (same && from === 4), `${what}: the run goes on from step ${from}`);
  rmSync(directory, { recursive: true });
  return same ? 'harmless' : 'found';
}

fault('D5', {
  setUp: train,
  tearDown: async () => rmSync(scratch, { recursive: true, force: true }),
  attempt: async (random) => {
    const { directory, checkpoint, what } = damaged(random, ['flip', 'flip', 'cut off', 'gone']);
    return passedOver(directory, checkpoint, what);
  },
  control: async (random) => {
    const { directory, checkpoint, what } = damaged(random, ['flip']);
    const manifest = manifestOf(checkpoint)!;
    for (const [name, kept] of Object.entries(manifest.files))
      kept.sha256 = createHash('sha256')
        .update(readFileSync(join(checkpoint, name)))
        .digest('hex');
    writeFileSync(join(checkpoint, 'manifest.json'), JSON.stringify(manifest));
    await passedOver(directory, checkpoint, what);
  },
});
