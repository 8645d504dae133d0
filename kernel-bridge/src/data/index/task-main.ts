/** Long reckonings over a whole data set, in a process of their own so that the server goes on answering meanwhile. */
import type { ExportFormat, ItemQuery } from '../../protocol/data.ts';
import { errorBody } from '../../protocol/errors.ts';
import { auditDataset } from '../audit.ts';
import { exportItems } from '../export.ts';
import { splitPath, writeSplit } from '../splits/files.ts';
import { makeSelection, makeSplit, type SplitOptions } from '../splits/make.ts';
import { readWhole } from '../whole.ts';
import { Dataset } from './dataset.ts';

export const tasks = {
  audit: ({ name, home }: { name: string; home: string }) => auditDataset(name, { home }),

  split: async ({ name, home, options, force }: { name: string; home: string; options: SplitOptions; force?: boolean }) => {
    const made = makeSplit(await readWhole(name, { home }), options);
    writeSplit(splitPath(name, made.name, home), made, { force });
    return made;
  },

  selection: async ({ name, home, query, as, force }: { name: string; home: string; query: ItemQuery; as?: string; force?: boolean }) => {
    const made = makeSelection(await readWhole(name, { home }), idsOf(name, home, query), as);
    writeSplit(splitPath(name, made.name, home), made, { force });
    return made;
  },

  export: async ({ name, home, format, query }: { name: string; home: string; format: ExportFormat; query: ItemQuery }) => {
    const ids = idsOf(name, home, query);
    const { items } = await readWhole(name, { home });
    return exportItems(
      items.filter((item) => ids.has(item.id)),
      format,
    );
  },
};
export type Tasks = typeof tasks;

function idsOf(name: string, home: string, query: ItemQuery): Set<string> {
  const set = new Dataset(name, home);
  try {
    return new Set(set.ids(query));
  } finally {
    set.close();
  }
}

/** A parent that is gone hears nothing, and is no error. */
const tell = (message: object) => process.send?.(message, () => {});

process.once('message', (message) => {
  const { task, args } = message as { task: keyof Tasks; args: never };
  Promise.resolve(tasks[task](args))
    .then(
      (result: unknown) => tell({ result }),
      (error: unknown) => tell({ error: errorBody(error) }),
    )
    .finally(() => process.connected && process.disconnect());
});
