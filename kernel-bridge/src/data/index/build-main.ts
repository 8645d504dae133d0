/**
 * The process that makes an index: its memory goes when it ends, and a decoder that dies on a hostile image takes nothing else with it.
 * It is sent one BuildOptions, answers with progress, and stops on SIGTERM or when its parent is gone.
 */
import { machineRefusal } from '../../log/errors.ts';
import { errorBody } from '../../protocol/errors.ts';
import { homeDir } from '../home.ts';
import { buildIndex, type BuildOptions } from './build.ts';

const abort = new AbortController();
/** A parent that is gone hears nothing, and is no error. */
const tell = (message: object) => process.send?.(message, () => {});

process.on('SIGTERM', () => abort.abort());
process.on('SIGINT', () => {}); // the terminal sends it to parent and child; the parent decides
process.on('disconnect', () => abort.abort());

process.once('message', (message) => {
  const { dir, ...options } = message as { dir: string } & BuildOptions;
  let sent = -Infinity;
  buildIndex(dir, {
    ...options,
    signal: abort.signal,
    progress: (progress) => {
      if (performance.now() - sent < 100 && progress.done !== progress.total) return;
      sent = performance.now();
      tell({ progress });
    },
  })
    .then(
      () => tell({ done: true }),
      (error: unknown) => tell({ error: abort.signal.aborted ? null : errorBody(machineRefusal(homeDir(options.home), error) ?? error) }),
    )
    .finally(() => process.connected && process.disconnect());
});
