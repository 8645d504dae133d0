/**
 * What must be the same on all ranks of a run before they compute together. Where one has other code, settings, words or images, each rank would train
 * without an error, on its own, and the run would be of no use to anyone.
 */
import { createHash } from 'node:crypto';
import { globSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readImage } from '../data/image/open.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import type { TrainerInit } from '../rl/index.ts';
import { RankError, type Ranks } from '../rl/ranks.ts';
import { addonName } from '../torch/index.ts';
import { VERSION } from '../version.ts';
import type { Launch } from './launch.ts';

/** Images that are compared, spread over the data set. */
const IMAGES = 64;
/** Files that say how words become tokens and images patches. */
const OF_PROCESSOR = /\.(json|jinja|txt|model)$/;
/** Says nothing of what is computed. */
const FREE_KEYS: readonly string[] = ['run_name'];

const differ = (message: string, remedy: string): WorkbenchError => new WorkbenchError({ code: 'RANKS_DIFFER', message, remedy });

/** All ranks call it, before anything else: they run the same code, and were told the same. `config`: what rank 0 trains by. @throws RANKS_DIFFER, on all */
export function requireSameOrders(ranks: Ranks, told: Launch['told'], config?: TrainConfig): void {
  const all = ranks.gather({ code: codeName(), told, config });
  const other = all.findIndex(({ code }) => code !== all[0].code);
  if (other !== -1)
    throw differ(
      `Rank ${other} runs other code than rank 0: ${all[other].code} against ${all[0].code}.`,
      'Bring the clones of all machines to one version (git pull, npm start on each), then start again.',
    );
  all.forEach(({ told }, rank) => {
    if (told === undefined) return;
    if ('error' in told) throw new RankError(told.error, rank, ranks.size);
    const differences = differencesOf(all[0].config!, told.config);
    if (differences.length > 0)
      throw differ(
        `Rank ${rank} was told to train by another configuration than rank 0: ${differences.join('; ')}.`,
        'Give all processes the same file and options.',
      );
  });
}

/** All ranks call it: the model's words and the images of a sample of the questions are the same files. @throws RANKS_DIFFER, on all */
export async function requireSameFiles(
  ranks: Ranks,
  { config, resumeFrom, items, root }: Pick<TrainerInit, 'config' | 'resumeFrom' | 'items' | 'root'>,
): Promise<void> {
  const directory = resumeFrom ?? config.model_name_or_path;
  const all = ranks.gather({ ...processorFiles(directory), ...(await images(items, root)) });
  all.forEach((held, rank) => {
    const file = Object.keys({ ...all[0], ...held }).find((name) => held[name] !== all[0][name]);
    if (file === undefined) return;
    const seen = (files: Record<string, string>) => files[file] ?? 'absent';
    throw differ(
      `${file} is another file on rank ${rank} than on rank 0 (${seen(held)} and ${seen(all[0])}).`,
      'Bring model and data set of all machines to one state, then start again.',
    );
  });
}

/** `sums`: of all weights that each rank computes with. @throws RANKS_DIFFER */
export function requireSameWeights(sums: readonly number[]): void {
  const other = sums.findIndex((one) => one !== sums[0]);
  if (other !== -1)
    throw differ(
      `Rank ${other} loaded other weights than rank 0 (checksums ${sums[other]} and ${sums[0]}).`,
      'Bring the model, the adapter and the checkpoints of all machines to one state, then start again.',
    );
}

/** Of every source that a process of a run may load. */
function codeName(): string {
  const sources = fileURLToPath(new URL('..', import.meta.url));
  const hash = createHash('sha256');
  for (const file of globSync('**/*.ts', { cwd: sources, exclude: (name) => name.endsWith('.test.ts') }).sort())
    hash.update(file).update(readFileSync(join(sources, file)));
  return `${VERSION} (${shortOf(hash)}), addon ${addonName()}, Node ${process.versions.node}`;
}

const shortOf = (hash: ReturnType<typeof createHash>): string => hash.digest('hex').slice(0, 12);

function differencesOf(first: TrainConfig, other: TrainConfig): string[] {
  const names = Object.keys({ ...first, ...other }).filter((name) => !FREE_KEYS.includes(name)) as (keyof TrainConfig)[];
  const text = (config: TrainConfig, name: keyof TrainConfig): string => JSON.stringify(config[name] ?? null);
  return names.flatMap((name) =>
    text(first, name) === text(other, name) ? [] : [`${name} is ${text(other, name)} and not ${text(first, name)}`],
  );
}

/** Hashes by path. A directory that is not there has none: loading the model says so. */
function processorFiles(directory: string): Record<string, string> {
  try {
    const names = readdirSync(directory).filter((name) => OF_PROCESSOR.test(name));
    return Object.fromEntries(
      names.map((name) => [join(directory, name), shortOf(createHash('sha256').update(readFileSync(join(directory, name))))]),
    );
  } catch {
    return {};
  }
}

/** Hashes by path, or what ails the image. */
async function images(items: TrainerInit['items'], root: string): Promise<Record<string, string>> {
  const every = Math.max(1, Math.floor(items.length / IMAGES));
  const some = items.filter(({ image }, i) => image !== '' && i % every === 0);
  const seen = async (image: string): Promise<string> => {
    try {
      return shortOf(createHash('sha256').update(await readImage(root, image)));
    } catch (error) {
      if (error instanceof WorkbenchError) return error.message;
      throw error;
    }
  };
  return Object.fromEntries(await Promise.all(some.map(async ({ image }) => [join(root, image), await seen(image)] as const)));
}
