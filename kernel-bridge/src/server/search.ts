/** Routes of searches. */
import { runDirectory } from '../runs/home.ts';
import { questionCurve } from '../runs/question-curve.ts';
import { errors } from '../search/errors.ts';
import { notes, writeNote } from '../search/notes.ts';
import { stepsToIndex } from '../search/write.ts';
import { STATISTIC_COLUMNS } from '../protocol/statistics.ts';
import type { Hub } from './hub.ts';
import { SavedSearches } from './saved-searches.ts';
import type { GroupOf, Handlers } from './mount.ts';
import type { Searches } from './searches.ts';

export function searchHandlers({ home, hub, searches }: { home: string; hub: Hub; searches: Searches }): Handlers<GroupOf<'search'>> {
  /** Directory of a run that exists. The run's index is made if it has none. */
  const searched = (id: string): string => {
    const directory = runDirectory(home, id);
    if (stepsToIndex(hub.store(id).db, 1).length > 0) searches.index(directory);
    return directory;
  };

  const saved = new SavedSearches(home);

  return {
    'search.find': async ({ body: query, signal }) => {
      const runs = [...new Set(query.runs)];
      const directories = runs.map(searched);
      return searches.ask(
        'find',
        directories,
        { query: { ...query, runs }, nearText: query.near ? textAt(hub, query.near) : null },
        signal,
      );
    },

    'search.statistics': ({ id, query: { columns = STATISTIC_COLUMNS.usual }, signal }) =>
      searches.ask('statistics', [searched(id)], { columns }, signal),

    'search.saved': () => ({ searches: saved.list() }),
    'search.save': ({ body }) => saved.save(body),
    'search.change': ({ id, body }) => saved.change(id, body),
    'search.forget': ({ id }) => saved.remove(id),

    'search.question': ({ id, query: { item, dataset = null } }) => questionCurve(hub.store(id).db, hub.store(id).row(), item, dataset),

    'search.phrases': ({ body, signal }) => searches.ask('phrases', [searched(body.run)], body, signal),

    'search.families': ({ body, signal }) => searches.ask('families', [searched(body.run)], body, signal),

    'search.notes': ({ id }) => ({ notes: notes(hub.store(id).db) }),

    'search.note': ({ id, body }) => {
      const note = writeNote(hub.store(id).db, id, body);
      hub.changed(id);
      return { note };
    },
  };
}

function textAt(hub: Hub, place: { run: string; step: number; group: number; index: number }): string {
  const { run, step, group, index } = place;
  const sql = 'SELECT text FROM completion WHERE step = ? AND "group" = ? AND "index" = ?';
  const row = hub.store(run).db.prepare(sql).get(step, group, index);
  if (!row) throw errors.noCompletion(place);
  return row.text as string;
}
