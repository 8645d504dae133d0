/** `medr1 data get`: a data set from the Hugging Face hub, resumable, checked and unpacked. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileDownloadInfo, listFiles } from '@huggingface/hub';
import { WorkbenchError } from '../protocol/errors.ts';
import { ensureSpace, sizeOf } from './disk.ts';
import { isConfined } from './images.ts';
import { byProxy } from './proxy.ts';
import { unpack } from './unpack.ts';

/** What can be fetched by a short name. */
export const KNOWN = {
  omnimedvqa: {
    repo: 'foreverbeliever/OmniMedVQA',
    size: '10.7 GB as one archive, OmniMedVQA.zip',
    licence: `OmniMedVQA gathers 73 public data sets and has no licence of its own: each image and question stays under the licence of the data set
that it was taken from, many of them for research only, and the authors ask you to follow those. The restricted part holds questions
without images; its sources must be applied for. Cite: Hu et al., OmniMedVQA, CVPR 2024 (arXiv 2402.09181).`,
    layout: `DIR/QA_information/Open-access/<data set>.json
DIR/QA_information/Restricted-access/<data set>.json
DIR/Images/<data set>/...
and, to use Med-R1's splits, its folder Splits/ as DIR/Splits/{modality,question_type}/{train,test}/*.json`,
  },
} as const;
export type KnownName = keyof typeof KNOWN;

export interface GetProgress {
  phase: 'download' | 'check' | 'unpack';
  file: string;
  /** Bytes: of the file, or of everything in an archive that is unpacked. */
  done: number;
  total: number;
}
export interface GetOptions {
  repo: string;
  dir: string;
  /** HF_ENDPOINT, or the public hub, when left out. */
  hubUrl?: string;
  signal?: AbortSignal;
  progress?: (progress: GetProgress) => void;
}

/**
 * Downloads every file of a data set repository that is not there whole, and unpacks the ZIP archives among them where they lie. A part that
 * an earlier try left is gone on with. Fails with DATA_DOWNLOAD, DISK_FULL, DATA_ARCHIVE, or the signal's reason.
 */
export async function getDataset({
  repo,
  dir,
  hubUrl = process.env['HF_ENDPOINT'] || undefined,
  signal,
  progress,
}: GetOptions): Promise<string[]> {
  const files = await byProxy(() => downloadAll({ repo, dir, hubUrl, signal, progress }));
  for (const file of files.filter(isArchive)) {
    const archive = join(dir, file);
    await unpack({ archive, dir: dirname(archive), signal, progress: (at) => progress?.({ phase: 'unpack', ...at }) });
  }
  return files;
}

const isArchive = (file: string) => file.toLowerCase().endsWith('.zip');

async function downloadAll({ repo, dir, hubUrl, signal, progress }: GetOptions): Promise<string[]> {
  const designation = { type: 'dataset', name: repo } as const;
  const abortable: typeof fetch = (input, init) => fetch(input, { ...init, signal: signal ?? null });
  const options = { repo: designation, hubUrl, fetch: abortable };
  try {
    const listed = await Array.fromAsync(listFiles({ ...options, recursive: true }));
    const entries = listed.filter(({ type }) => type === 'file');
    const outside = entries.find(({ path }) => !isConfined(path));
    if (outside) throw badPath(repo, outside.path);
    await ensureSpace(dir, await missingBytes(dir, entries), `download and unpack ${repo}`);
    for (const { path, lfs } of entries) {
      const info = await fileDownloadInfo({ ...options, path });
      if (!info) throw new Error(`${path} is in the list of the hub, which does not give the file`);
      const target = join(dir, path);
      const report = (phase: 'download' | 'check') => (done: number) => progress?.({ phase, file: path, done, total: info.size });
      await download({ url: info.url, target, size: info.size, etag: info.etag, fetch: abortable, report: report('download') });
      if (lfs) await verify(target, lfs.oid, report('check'), signal);
    }
    return entries.map(({ path }) => path);
  } catch (cause) {
    if (signal?.aborted || cause instanceof WorkbenchError) throw signal?.aborted ? signal.reason : cause;
    throw unreachable(repo, cause);
  }
}

/** What is still to come, archives twice: they are unpacked beside themselves, and pictures hardly shrink. */
async function missingBytes(dir: string, entries: readonly { path: string; size: number }[]): Promise<number> {
  let bytes = 0;
  for (const { path, size } of entries) {
    if ((await sizeOf(join(dir, path))) === size) continue;
    bytes += isArchive(path) ? 2 * size : size;
  }
  return bytes;
}

interface Download {
  url: string;
  target: string;
  size: number;
  etag: string;
  fetch: typeof fetch;
  report: (done: number) => void;
}

/** Writes to <target>.<etag>.part, so that a file that changed on the hub is not mixed with an older part. */
async function download({ url, target, size, etag, fetch, report }: Download): Promise<void> {
  if ((await sizeOf(target)) === size) return report(size);
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.${createHash('sha256').update(etag).digest('hex').slice(0, 12)}.part`;
  let done = Math.min((await sizeOf(part)) ?? 0, size);
  const file = await open(part, done > 0 ? 'r+' : 'w');
  try {
    while (done < size) {
      const answer = await fetch(url, { headers: done > 0 ? { Range: `bytes=${done}-` } : {} });
      if (!answer.ok || !answer.body) throw new Error(`${url} answered ${answer.status}`);
      if (answer.status === 200) done = 0; // the server knows no ranges: from the start
      const before = done;
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        await file.write(chunk, 0, chunk.length, done);
        report((done += chunk.length));
      }
      if (done === before) throw new Error(`${url} ended at ${done} of ${size} bytes`);
    }
    await file.truncate(size);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, target);
}

/** A large file's name on the hub is its sha256. */
async function verify(path: string, sha256: string, report: (done: number) => void, signal?: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    report((done += chunk.length));
  }
  if (hash.digest('hex') === sha256) return;
  await rename(path, `${path}.damaged`);
  throw new WorkbenchError({
    code: 'DATA_DOWNLOAD',
    message: `the sha256 of ${path} is not the one that the hub gives`,
    remedy: 'The file was renamed to .damaged. Start the command again: it downloads the file anew.',
  });
}

function badPath(repo: string, path: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_DOWNLOAD',
    message: `${repo} names a file outside its folder: ${path}`,
    remedy: 'Do not use this repository.',
  });
}

function unreachable(repo: string, cause: unknown): WorkbenchError {
  const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause);
  return new WorkbenchError({
    code: 'DATA_DOWNLOAD',
    cause,
    message: `the hub did not give ${repo}: ${reason}`,
    remedy: `Without a network, copy the data from another machine in this layout, then run \`medr1 data add DIR\`:\n${KNOWN.omnimedvqa.layout}`,
  });
}
