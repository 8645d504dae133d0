/** Search over everything that runs said: what is asked and what is answered. */
import Type from 'typebox';
import { ReadingName } from './readings.ts';

export const SEARCH_MODES = ['words', 'regexp'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];
export const SEARCH_SORTS = ['step', 'reward', 'advantage', 'tokens'] as const;
export type SearchSort = (typeof SEARCH_SORTS)[number];
export const SEARCH_FLAGS = ['repeats', 'no-answer', 'think-disagrees', 'beats-prior'] as const;
export type SearchFlag = (typeof SEARCH_FLAGS)[number];
export const SEARCH_VERDICTS = ['right', 'wrong', 'unknown'] as const;
export type SearchVerdict = (typeof SEARCH_VERDICTS)[number];
export const SEARCH_FINISHES = ['stop', 'length', 'other'] as const;

const Nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const among = <T extends string>(values: readonly T[], description = '') =>
  Type.Unsafe<T>(Type.String({ enum: [...values], ...(description && { description }) }));
const Whole = Type.Integer({ minimum: 0 });
const Texts = Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 1000 });
const Range = Type.Object({ min: Type.Optional(Type.Number()), max: Type.Optional(Type.Number()) }, { additionalProperties: false });

/** A completion of a run. */
export const CompletionPlace = Type.Object(
  { run: Type.String(), step: Whole, group: Whole, index: Whole },
  { additionalProperties: false },
);
export type CompletionPlace = Type.Static<typeof CompletionPlace>;

/** All that is left out lets everything through. */
export const SearchQuery = Type.Object(
  {
    runs: Type.Array(Type.String(), { minItems: 1, maxItems: 16 }),
    /** words: `cell "optic disc" -glioma hemorr* OR bleed*`. regexp: a JavaScript regular expression, tried on each text by itself. */
    text: Type.Optional(Type.String({ maxLength: 2000 })),
    mode: Type.Optional(among(SEARCH_MODES, 'words when left out')),
    case: Type.Optional(Type.Boolean({ description: 'a regular expression tells A from a' })),
    /** First and last step, both included. */
    from: Type.Optional(Whole),
    to: Type.Optional(Whole),
    items: Type.Optional(Texts),
    /** Words that the question has, all of them. */
    question: Type.Optional(Type.String({ maxLength: 1000 })),
    modality: Type.Optional(Texts),
    question_type: Type.Optional(Texts),
    reward: Type.Optional(Range),
    /** By reward function, raw and unweighted. */
    rewards: Type.Optional(Type.Record(Type.String(), Range)),
    advantage: Type.Optional(Range),
    tokens: Type.Optional(Range),
    finish: Type.Optional(Type.Array(among(SEARCH_FINISHES))),
    verdict: Type.Optional(Type.Array(among(SEARCH_VERDICTS))),
    /** Letters that were read from it; "none" = none could be, "other" = another word, which the strict reading may take. */
    letters: Type.Optional(Texts),
    /** All of them: repeats = half or more of its four-word stretches were said before; think-disagrees = its reasoning names another option than its
     * answer; beats-prior = right, though the option texts that were right in the run's other questions say another. */
    flags: Type.Optional(Type.Array(among(SEARCH_FLAGS))),
    /** Tags that people gave it, one of them at least. */
    tags: Type.Optional(Texts),
    /** Texts alike to this completion's. */
    near: Type.Optional(CompletionPlace),
    /** Least share of three-word stretches in common (Jaccard); .7 when left out. */
    similarity: Type.Optional(Type.Number({ minimum: 0.3, maximum: 1 })),
    sort: Type.Optional(among(SEARCH_SORTS, 'step when left out')),
    /** Smallest or oldest first. */
    ascending: Type.Optional(Type.Boolean()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: '50 when left out' })),
    /** `next` of the page before. */
    cursor: Type.Optional(Type.String({ maxLength: 1000 })),
    /** Texts as long as they are; else a stretch of 2,000 characters around the first hit. */
    whole: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type SearchQuery = Type.Static<typeof SearchQuery>;

export const Note = Type.Object({
  step: Whole,
  group: Whole,
  index: Whole,
  tags: Type.Array(Type.String()),
  note: Type.String(),
  author: Type.String(),
  updated_at: Type.Number({ description: 'milliseconds since 1970' }),
  text: Type.String({ description: 'what the completion said when the note was made' }),
  /** still = the completion says that text; changed = it says another since the run was resumed; gone = the step is not there (yet). */
  state: among(['still', 'changed', 'gone'] as const),
});
export type Note = Type.Static<typeof Note>;

export const WriteNote = Type.Object(
  {
    step: Whole,
    group: Whole,
    index: Whole,
    /** No tag and no note removes what was there. */
    tags: Type.Array(Type.String({ minLength: 1, maxLength: 60 }), { maxItems: 20 }),
    note: Type.String({ maxLength: 10_000 }),
    author: Type.Optional(Type.String({ maxLength: 120 })),
  },
  { additionalProperties: false },
);
export type WriteNote = Type.Static<typeof WriteNote>;

export const SearchHit = Type.Object({
  ...CompletionPlace.properties,
  /** Name of the run that sampled it, where a fork took it over. */
  sampled_by: Nullable(Type.String()),
  dataset: Type.String(),
  item_id: Type.String(),
  image: Nullable(Type.String()),
  question: Type.String(),
  options: Type.Array(Type.String()),
  answer: Nullable(Type.String()),
  modality: Type.String(),
  question_type: Type.String(),
  think_open: Type.Boolean({ description: 'the prompt ends in <think>' }),
  text: Type.String(),
  /** Where `text` begins in the completion, and how long that is: it may be a stretch. */
  text_from: Type.Integer(),
  text_length: Type.Integer(),
  /** Stretches of `text` that the search found, in UTF-16 units. */
  marks: Type.Array(Type.Tuple([Type.Integer(), Type.Integer()])),
  tokens: Type.Integer(),
  finish_reason: Type.String(),
  rewards: Type.Record(Type.String(), Nullable(Type.Number())),
  reward: Nullable(Type.Number()),
  advantage: Nullable(Type.Number()),
  prediction: Nullable(Type.String()),
  correct: Nullable(Type.Boolean()),
  reading: ReadingName,
  /** Without beats-prior, which `beats_prior` says. */
  flags: Type.Array(Type.String()),
  /** Null = the search did not ask for it. */
  beats_prior: Nullable(Type.Boolean()),
  /** To the text of `near`; null without one. */
  similarity: Nullable(Type.Number()),
  tags: Type.Array(Type.String()),
  note: Type.String(),
});
export type SearchHit = Type.Static<typeof SearchHit>;

export const SearchedRun = Type.Object({
  run: Type.String(),
  name: Type.String(),
  /** By which right and wrong are told. */
  reading: ReadingName,
  /** Steps that hold rollouts, and those of them that are indexed: others are not searched yet. */
  steps: Type.Integer(),
  indexed: Type.Integer(),
  completions: Type.Integer(),
  first: Type.Integer(),
  last: Type.Integer(),
});
export type SearchedRun = Type.Static<typeof SearchedRun>;

export const SearchPage = Type.Object({
  hits: Type.Array(SearchHit),
  /** All that match; null where texts would have to be read to the end to know. */
  total: Nullable(Type.Integer()),
  /** To ask for the next page with; null at the end. */
  next: Nullable(Type.String()),
  /** The time for a page ended before it was full: `next` goes on from there, and this is the step that was read last. */
  stopped_at: Nullable(Type.Integer()),
  runs: Type.Array(SearchedRun),
});
export type SearchPage = Type.Static<typeof SearchPage>;

/** Completions of one question at one step. */
export const QuestionPoint = Type.Object({
  run: Type.String(),
  step: Whole,
  group: Whole,
  /** Name of the run that sampled it, where a fork took it over. */
  sampled_by: Nullable(Type.String()),
  completions: Type.Integer(),
  /** Those whose answer could be told right or wrong, and the right ones of them, by `reading`. */
  judged: Type.Integer(),
  right: Type.Integer(),
  /** Ends of the 95 % Wilson interval of right among judged; null where none is judged. */
  low: Nullable(Type.Number()),
  high: Nullable(Type.Number()),
  reading: ReadingName,
  /** Means over the completions; null where none has one. */
  reward: Nullable(Type.Number()),
  tokens: Nullable(Type.Number()),
  /** How often each letter was read; "none" = none could be. */
  letters: Type.Record(Type.String(), Type.Integer()),
});
export type QuestionPoint = Type.Static<typeof QuestionPoint>;

/** One question through training: the newest of its words, and a point for each time it was asked, oldest first. */
export const QuestionCurve = Type.Object({
  item_id: Type.String(),
  question: Type.String(),
  options: Type.Array(Type.String()),
  answer: Nullable(Type.String()),
  modality: Type.String(),
  question_type: Type.String(),
  points: Type.Array(QuestionPoint),
});
export type QuestionCurve = Type.Static<typeof QuestionCurve>;

const Steps = Type.Object({ from: Whole, to: Whole }, { additionalProperties: false });

/** Which phrases are said more often, or more rarely, in the later steps than in the earlier ones. */
export const PhraseQuery = Type.Object(
  {
    run: Type.String(),
    /** First and last step, both included. */
    before: Steps,
    after: Steps,
    words: Type.Optional(Type.Integer({ minimum: 1, maximum: 6, description: 'words of a phrase at most; 4 when left out' })),
    least: Type.Optional(
      Type.Integer({ minimum: 2, description: 'completions that must say a phrase, before and after together; 5 when left out' }),
    ),
    fdr: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        description: 'false discoveries among the phrases that are told, at most; .05 when left out',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'phrases of each list; 50 when left out' })),
  },
  { additionalProperties: false },
);
export type PhraseQuery = Type.Static<typeof PhraseQuery>;

export const Phrase = Type.Object({
  text: Type.String(),
  /** Completions that say it. */
  before: Type.Integer(),
  after: Type.Integer(),
  /** Logarithm of the odds after over the odds before, with half a completion added to each count. */
  log_odds: Type.Number(),
  /** How much further apart the groups lie than independent completions would; the test divides by it. At least 1. */
  design_effect: Type.Number(),
  /** Of the likelihood-ratio test (G squared, one degree of freedom) after that division. */
  p: Type.Number(),
  /** The same as a false discovery rate among all phrases tested (Benjamini and Hochberg 1995). */
  q: Type.Number(),
});
export type Phrase = Type.Static<typeof Phrase>;

const PhraseSide = Type.Object({ completions: Type.Integer(), groups: Type.Integer(), steps: Type.Integer() });

export const Phrases = Type.Object({
  grew: Type.Array(Phrase),
  vanished: Type.Array(Phrase),
  /** Phrases that enough completions say. */
  tested: Type.Integer(),
  /** Of those, how many stay below `fdr`; a phrase that only stands inside a longer one that is told is not told again. */
  found: Type.Integer(),
  before: PhraseSide,
  after: PhraseSide,
  /** Every so manieth step was read, where there are too many to read all. */
  every: Type.Integer(),
});
export type Phrases = Type.Static<typeof Phrases>;

/** Completions that say nearly the same, as families. */
export const FamilyQuery = Type.Object(
  {
    run: Type.String(),
    from: Type.Optional(Whole),
    to: Type.Optional(Whole),
    /** Least share of three-word stretches in common with the family's first (Jaccard); .7 when left out. */
    similarity: Type.Optional(Type.Number({ minimum: 0.3, maximum: 1 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: 'families, the largest first; 50 when left out' })),
  },
  { additionalProperties: false },
);
export type FamilyQuery = Type.Static<typeof FamilyQuery>;

export const Family = Type.Object({
  /** Its first completion, and what that says (2,000 characters of it). */
  first: CompletionPlace,
  text: Type.String(),
  completions: Type.Integer(),
  /** Texts that differ. */
  texts: Type.Integer(),
  questions: Type.Integer(),
  from: Whole,
  to: Whole,
  judged: Type.Integer(),
  right: Type.Integer(),
  reward: Nullable(Type.Number()),
});
export type Family = Type.Static<typeof Family>;

export const Families = Type.Object({
  /** Of two completions or more. */
  families: Type.Array(Family),
  /** How many there are in all, and how many completions belong to none. */
  total: Type.Integer(),
  alone: Type.Integer(),
  completions: Type.Integer(),
  reading: ReadingName,
  /** The time ended before all steps were read: the last that was. */
  stopped_at: Nullable(Type.Integer()),
});
export type Families = Type.Static<typeof Families>;

const { runs: _runs, cursor: _cursor, limit: _limit, whole: _whole, ...SAVED_PARTS } = SearchQuery.properties;

/** A search without its runs: they are those that are chosen when it is used. */
export const SavedQuery = Type.Object(SAVED_PARTS, { additionalProperties: false });
export type SavedQuery = Type.Static<typeof SavedQuery>;

const SearchName = Type.String({ minLength: 1, maxLength: 120, pattern: '\\S' });

export const SavedSearch = Type.Object({
  id: Type.String(),
  name: Type.String(),
  query: SavedQuery,
  created_at: Type.Number({ description: 'milliseconds since 1970' }),
  updated_at: Type.Number(),
});
export type SavedSearch = Type.Static<typeof SavedSearch>;

export const SaveSearch = Type.Object({ name: SearchName, query: SavedQuery }, { additionalProperties: false });
export type SaveSearch = Type.Static<typeof SaveSearch>;

/** What is left out stays. */
export const ChangeSearch = Type.Partial(SaveSearch, { additionalProperties: false });
export type ChangeSearch = Type.Static<typeof ChangeSearch>;
