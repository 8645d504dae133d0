/** "modality:CT" in the box for words, where no completion has these words: filters stand below the box, and one of them was probably meant. */
import { SEARCH_TERM } from '@medr1/kernel-bridge/protocol/facets';
import { nearest } from '@medr1/kernel-bridge/protocol/nearest';
import type { SearchQuery } from '../connector.ts';
import { FINISHES, FLAGS, LETTERS, VERDICTS, type Choices, type SearchForm } from './model.ts';

export interface SearchHint {
  text: string;
  /** What was probably meant, in words, and what it makes of the form. */
  label: string;
  instead: Partial<SearchForm>;
}

interface Field {
  /** As the form names the filter. */
  label: string;
  names: readonly string[];
  /** null: no such value. */
  filter: (value: string) => Partial<SearchForm> | null;
}

const said = (key: keyof SearchForm) => (value: string) => ({ [key]: value });
const chosen = (key: keyof SearchForm, choices: Choices) => (value: string) => {
  const found = choices.find((choice) => choice.some((one) => one.toLowerCase() === value.toLowerCase()));
  return found ? { [key]: found[0] } : null;
};
/** "0.5", ">0.5", "<=2", "10-20". */
const between = (least: keyof SearchForm, most: keyof SearchForm) => (value: string) => {
  const [, sign, number, end] = /^([<>]?)=?(-?\d+(?:\.\d+)?)(?:-(-?\d+(?:\.\d+)?))?$/.exec(value) ?? [];
  if (number === undefined) return null;
  return { ...(sign !== '<' && { [least]: number }), ...(sign !== '>' && { [most]: end ?? number }) };
};

const FIELDS: readonly Field[] = [
  { label: 'Steps', names: ['step', 'steps'], filter: between('from', 'to') },
  { label: 'Answer', names: ['answer', 'verdict', 'judged'], filter: chosen('verdict', VERDICTS) },
  { label: 'Letter', names: ['letter', 'answer'], filter: chosen('letter', LETTERS) },
  { label: 'Flag', names: ['flag', 'flags'], filter: chosen('flag', Object.entries(FLAGS)) },
  { label: 'Finish', names: ['finish', 'finish_reason'], filter: chosen('finish', FINISHES) },
  { label: 'Reward', names: ['reward'], filter: between('least_reward', 'most_reward') },
  { label: 'Advantage', names: ['advantage'], filter: between('least_advantage', 'most_advantage') },
  { label: 'Tokens', names: ['tokens', 'length'], filter: between('least_tokens', 'most_tokens') },
  { label: 'Words of the question', names: ['question'], filter: said('question') },
  { label: 'Modality', names: ['modality'], filter: said('modality') },
  { label: 'Type', names: ['type', 'question_type'], filter: said('question_type') },
  { label: 'Tag', names: ['tag', 'tags'], filter: said('tag') },
  { label: 'Question id', names: ['id', 'item', 'item_id'], filter: said('item') },
];
export const FILTER_LABELS: readonly string[] = FIELDS.map(({ label }) => label);

/** Of a search for words that found nothing. */
export function hintsOf({ text = '', mode }: Pick<SearchQuery, 'text' | 'mode'>): SearchHint[] {
  if (mode === 'regexp') return [];
  return [...text.matchAll(SEARCH_TERM)].flatMap(({ 0: term, 1: minus, 2: field, 3: quoted, 4: bare, index }) => {
    const value = quoted ?? bare ?? '';
    if (field === undefined || minus !== '' || value === '') return [];
    const without = (now: string): string =>
      `${text.slice(0, index)}${now}${text.slice(index + term.length)}`.replaceAll(/\s+/g, ' ').trim();
    const words = `${term} was looked for as words that follow each other.`;
    const meant = fieldsOf(field.toLowerCase());
    for (const { label, filter } of meant) {
      const change = filter(value);
      if (change) return [{ text: words, label: `the filter ${label}: ${value}`, instead: { ...change, text: without('') } }];
    }
    const known =
      meant.length > 0
        ? `The filter ${meant.map(({ label }) => label).join(' or ')} has no ${value}.`
        : `There is no filter ${field}. The filters are ${FILTER_LABELS.join(', ')}.`;
    const apart = `${field} ${value}`;
    return [{ text: `${words} ${known}`, label: `${apart}, in any order`, instead: { text: without(apart) } }];
  });
}

function fieldsOf(name: string): readonly Field[] {
  const exact = FIELDS.filter(({ names }) => names.includes(name));
  if (exact.length > 0) return exact;
  const near = nearest(
    name,
    FIELDS.flatMap(({ names }) => names),
  );
  return FIELDS.filter(({ names }) => near !== undefined && names.includes(near));
}
