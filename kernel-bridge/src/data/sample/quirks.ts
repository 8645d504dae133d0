import type { QaRecord } from './records.ts';

/**
 * The oddities of the real files, worked into a few records so that what reads the sample has met them.
 * `harmless` ones a reader smooths over; the `unusable` it keeps, marks with the reason and counts.
 */
export interface Quirk {
  what: string;
  usable: boolean;
  /** How many records, one in so many, or one single record. */
  every: number | 'once';
  change(record: QaRecord): QaRecord;
}

const titled = (text: string) => text[0].toUpperCase() + text.slice(1).toLowerCase();

export const QUIRKS: readonly Quirk[] = [
  { what: 'answer ends in a full stop', usable: true, every: 90, change: (r) => ({ ...r, gt_answer: `${r.gt_answer}.` }) },
  { what: 'an option ends in a full stop', usable: true, every: 110, change: (r) => ({ ...r, option_B: `${r.option_B}.` }) },
  { what: "answer's case differs from the option's", usable: true, every: 130, change: (r) => ({ ...r, gt_answer: titled(r.gt_answer) }) },
  { what: 'modality unknown', usable: true, every: 'once', change: (r) => ({ ...r, modality_type: 'unknown' }) },
  {
    what: 'image missing',
    usable: false,
    every: 'once',
    change: (r) => ({ ...r, image_path: r.image_path.replace(/\.png$/, ' (lost).png') }),
  },
  {
    what: 'two options equal',
    usable: false,
    every: 'once',
    change: (r) => ({ ...r, [r.option_A === r.gt_answer ? 'option_B' : 'option_A']: `${titled(r.gt_answer)}.` }),
  },
  { what: 'answer is none of the options', usable: false, every: 'once', change: (r) => ({ ...r, gt_answer: 'artefact' }) },
];

/**
 * Applies each quirk to its share of the records, never two to one record; those that come once go to a training record.
 * Returns the records and how often each quirk stands in them.
 */
export function addQuirks(records: QaRecord[], inTest: (i: number) => boolean): { records: QaRecord[]; counts: Record<string, number> } {
  const out = [...records];
  const counts: Record<string, number> = {};
  const taken = new Set<number>();
  QUIRKS.forEach((quirk, k) => {
    counts[quirk.what] = 0;
    const step = quirk.every === 'once' ? records.length : quirk.every;
    for (let i = (17 * (k + 1)) % step; i < records.length; i += step) {
      while (i < records.length && (taken.has(i) || (quirk.every === 'once' && inTest(i)))) i++;
      if (i >= records.length) break;
      taken.add(i);
      out[i] = quirk.change(records[i]);
      counts[quirk.what]++;
    }
  });
  return { records: out, counts };
}
