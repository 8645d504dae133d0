/** A whole indexed data set, as training, audits and splits read it. */
import { Dataset } from './dataset.ts';
import type { VqaItem } from '../../protocol/data.ts';
import type { WholeDataset } from '../types.ts';

export function readIndexed(name: string, home?: string): WholeDataset {
  const set = new Dataset(name, home);
  try {
    const rows = set.db
      .prepare(
        `SELECT t.id, t.dataset, i.path AS image, t.question, t.options, t.answer, t.modality, t.question_type,
                coalesce(t.problem, i.problem) AS problem, ifnull(t.study, i.study) AS study
         FROM items t JOIN images i ON i.n = t.image ORDER BY t.n`,
      )
      .all() as (Omit<VqaItem, 'options'> & { options: string; study: string | null })[];
    const studies = new Map<string, string>();
    const items = rows.map(({ study, ...row }): VqaItem => {
      if (study !== null) studies.set(row.id, study);
      return { ...row, options: JSON.parse(row.options) as string[] };
    });
    const splits = new Map<string, string[]>();
    const members = set.db.prepare('SELECT m.split, t.id FROM members m JOIN items t ON t.n = m.item ORDER BY m.split, m.place').all();
    for (const { split, id } of members as { split: string; id: string }[]) {
      const ids = splits.get(split);
      if (ids) ids.push(id);
      else splits.set(split, [id]);
    }
    const images = set.db
      .prepare('SELECT path, sha256, dhash, windowed, problem FROM images WHERE sha256 IS NOT NULL OR problem IS NOT NULL')
      .all();
    const prints = new Map((images as unknown as ({ path: string } & Print)[]).map(({ path, ...print }) => [path, print]));
    return { name, root: set.root, items, splits, studies, prints };
  } finally {
    set.close();
  }
}

type Print = WholeDataset['prints'] extends Map<string, infer P> ? P : never;
