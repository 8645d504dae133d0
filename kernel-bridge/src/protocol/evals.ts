/** Stored evaluations: every answer of a model to the questions of a split, and what follows from them. Topic `evals` of the websocket: {summary} of any evaluation that changed, or {removed}. */
import Type from 'typebox';
import { VARIANTS, type Variant } from './config.ts';
import { VqaItem } from './data.ts';
import { READING_NAMES, ReadingName } from './readings.ts';

const orNull = <S extends Type.TSchema>(schema: S, options: Record<string, unknown> = {}) => Type.Union([schema, Type.Null()], options);
const byName = <S extends Type.TSchema>(schema: S) => Type.Record(Type.String(), schema);

/** What the model is shown. `image` is the evaluation itself, the others are its controls. */
export const SIGHTS = ['image', 'blank-image', 'shuffled-image', 'text-only', 'options-permuted'] as const;
export type Sight = (typeof SIGHTS)[number];

/** What each control shows. option-prior needs training questions and no model. */
export const CONTROLS = {
  'blank-image': 'a grey image in place of each: what remains is not seen',
  'shuffled-image': "another item's image: what remains does not depend on the right image",
  'text-only': 'no image at all',
  'options-permuted': 'the options in another order: does the answer follow the text of an option or its letter?',
  'option-prior': 'the option whose text was most often right in training, without image, question or model',
} as const;
export type Control = keyof typeof CONTROLS;
export const CONTROL_NAMES = Object.keys(CONTROLS) as Control[];

/**
 * The two columns of every table. strict: as Med-R1's evaluation scripts read an answer to this prompt, which is by the reading that
 * `EvalSummary.reading` names: `strict`, or `bare` where the prompt asks for no tags. tolerant: as a person would.
 */
export const READINGS = ['strict', 'tolerant'] as const;
export type Reading = (typeof READINGS)[number];

/** What a column is called over evaluations with these published readings: "strict", "bare", "strict / bare" or "tolerant". */
export const columnName = (column: Reading, published: readonly ReadingName[]): string =>
  column === 'tolerant' ? column : READING_NAMES.filter((name) => published.includes(name)).join(' / ') || column;

/** A share with its 95 % Wilson score interval. */
export const Share = Type.Object({
  right: Type.Integer(),
  total: Type.Integer(),
  /** right / total; null without items. */
  rate: orNull(Type.Number()),
  low: orNull(Type.Number()),
  high: orNull(Type.Number()),
});
export type Share = Type.Static<typeof Share>;

export const Accuracy = Type.Object({ strict: Share, tolerant: Share });
export type Accuracy = Type.Static<typeof Accuracy>;

export const EvalReport = Type.Object({
  ...Accuracy.properties,
  by_modality: byName(Accuracy),
  by_question_type: byName(Accuracy),
  by_dataset: byName(Accuracy),
  /** Tokens of an answer, on average; null without answers. */
  mean_tokens: orNull(Type.Number()),
  /** Tokens spent per answer that is right when read strictly; null when none is. */
  tokens_per_correct: orNull(Type.Number()),
  /** Answers that the two readings take differently. */
  differing: Type.Array(
    Type.Object({
      id: Type.String(),
      text: Type.String(),
      strict: orNull(Type.String()),
      tolerant: orNull(Type.String()),
      answer: orNull(Type.String()),
    }),
  ),
});
export type EvalReport = Type.Static<typeof EvalReport>;

/** Questions that were asked in two orders of their options: how often both answers name the same option, and how often the same letter. */
export const Follows = Type.Object({ text: Share, letter: Share });
export type Follows = Type.Static<typeof Follows>;

export const PermutedReport = Type.Object({
  ...EvalReport.properties,
  follows: Type.Object({ strict: Follows, tolerant: Follows }),
});
export type PermutedReport = Type.Static<typeof PermutedReport>;

export const ControlReports = Type.Object({
  'blank-image': Type.Optional(EvalReport),
  'shuffled-image': Type.Optional(EvalReport),
  'text-only': Type.Optional(EvalReport),
  'options-permuted': Type.Optional(PermutedReport),
  'option-prior': Type.Optional(Share),
});
export type ControlReports = Type.Static<typeof ControlReports>;

/** Tables of one evaluation, over the answers given so far. */
export const Evaluation = Type.Object({ ...EvalReport.properties, controls: ControlReports });
export type Evaluation = Type.Static<typeof Evaluation>;

/** What decides the answers. Two evaluations with the same settings of the same weights on the same questions are one. */
export const EvalSettings = Type.Object({
  model: Type.String({ description: 'Hugging Face directory' }),
  /** Run and step when the model is a checkpoint of the workbench. */
  run: orNull(Type.String()),
  step: orNull(Type.Integer()),
  dataset: Type.String(),
  split: Type.String(),
  /** Directory that image paths are relative to. */
  root: Type.String(),
  /** Split that option-prior learns from. */
  train_split: orNull(Type.String()),
  variant: Type.Unsafe<Variant>(Type.String({ enum: [...VARIANTS] })),
  prompt_template: orNull(Type.String()),
  max_new_tokens: Type.Integer({ minimum: 1 }),
  /** Only so many questions, chosen by the seed. */
  limit: orNull(Type.Integer({ minimum: 1 })),
  seed: Type.Integer({ minimum: 0 }),
  dtype: Type.String({ description: 'float32 or bfloat16' }),
  device: Type.String(),
  batch_size: Type.Integer({ minimum: 1 }),
  min_pixels: Type.Integer(),
  max_pixels: Type.Integer(),
});
export type EvalSettings = Type.Static<typeof EvalSettings>;

/** Most samples of a question. */
export const MOST_SAMPLES = 64;

/** Answers drawn to every question beside the greedy one: what a majority is counted from. */
export const Sampling = Type.Object({
  /** Of each question. */
  wanted: Type.Integer(),
  temperature: Type.Number(),
  /** Drawn so far, and to be drawn. */
  done: Type.Integer(),
  total: Type.Integer(),
});
export type Sampling = Type.Static<typeof Sampling>;

export const EVAL_STATES = ['queued', 'running', 'stopped', 'finished', 'failed', 'interrupted'] as const;
/** `interrupted`: the process that evaluated died; it goes on where it was. */
export type EvalState = (typeof EVAL_STATES)[number];

export const EvalSummary = Type.Object({
  id: Type.String(),
  name: Type.String(),
  state: Type.Unsafe<EvalState>(Type.String()),
  error: orNull(Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() })),
  created_at: Type.Number({ description: 'milliseconds since 1970' }),
  started_at: orNull(Type.Number()),
  ended_at: orNull(Type.Number()),
  settings: EvalSettings,
  /** What the checkpoint was trained on, where its run says so: a modality or a question type, and by which trainer. */
  trained: orNull(
    Type.Object({
      trainer: Type.String(),
      variant: Type.Unsafe<Variant>(Type.String()),
      modality: orNull(Type.String()),
      question_type: orNull(Type.String()),
    }),
  ),
  /** The reading of the column `strict`. */
  reading: ReadingName,
  run_name: orNull(Type.String()),
  split_hash: Type.String(),
  controls: Type.Array(Type.Unsafe<Control>(Type.String())),
  items: Type.Integer(),
  left_out: Type.Integer({ description: 'questions of the split that were not asked, for something is wrong with them' }),
  /** Null where each question has its greedy answer alone. */
  samples: orNull(Sampling),
  /** Answers given and asked for, controls and samples included. */
  done: Type.Integer(),
  total: Type.Integer(),
  ...Accuracy.properties,
  mean_tokens: orNull(Type.Number()),
  tokens_per_correct: orNull(Type.Number()),
});
export type EvalSummary = Type.Static<typeof EvalSummary>;

export const EvalDetail = Type.Object({
  summary: EvalSummary,
  report: Evaluation,
  unasked: Type.Array(Type.Object({ id: Type.String(), sight: Type.Unsafe<Sight>(Type.String()), why: Type.String() }), {
    description: 'questions that could not be shown to the model, such as one whose image is gone: left out, under `image` of all',
  }),
  directory: Type.String(),
});
export type EvalDetail = Type.Static<typeof EvalDetail>;

export const EvalAnswer = Type.Object({
  item: VqaItem,
  sight: Type.Unsafe<Sight | 'option-prior'>(Type.String()),
  /** Options as they were shown and the letter right in that order; the item's own unless they were permuted. */
  options: Type.Array(Type.String()),
  answer: orNull(Type.String()),
  text: Type.String(),
  tokens: Type.Integer(),
  finish_reason: Type.String(),
  strict: orNull(Type.String()),
  tolerant: orNull(Type.String()),
});
export type EvalAnswer = Type.Static<typeof EvalAnswer>;

/**
 * `right` and `wrong` by the reading asked for. `gained`, `lost` and `flips` against another evaluation, seen from this one. `split`: some
 * of the evaluations asked for are right, some wrong.
 */
export const ANSWER_FILTERS = ['all', 'right', 'wrong', 'differing', 'gained', 'lost', 'flips', 'split'] as const;
export type AnswerFilter = (typeof ANSWER_FILTERS)[number];

export const AnswerPage = Type.Object({
  answers: Type.Array(
    Type.Object({ ...EvalAnswer.properties, /** Answers of the other evaluations asked for, by id. */ others: byName(EvalAnswer) }),
  ),
  total: Type.Integer(),
});
export type AnswerPage = Type.Static<typeof AnswerPage>;

/** Two evaluations on the same questions, item by item. */
export const McNemar = Type.Object({
  both: Type.Integer(),
  only_a: Type.Integer(),
  only_b: Type.Integer(),
  neither: Type.Integer(),
  /** Of McNemar's exact test, two-sided: how often chance alone splits the flips this unevenly. */
  p: Type.Number(),
  /** The same after Holm's correction for all pairs of the comparison; p itself where there is one pair. */
  p_holm: Type.Number(),
  /** Accuracy of b minus that of a. */
  difference: orNull(Type.Number()),
  /** Ids of the questions that only the one got right. */
  flips: Type.Object({ only_a: Type.Array(Type.String()), only_b: Type.Array(Type.String()) }),
});
export type McNemar = Type.Static<typeof McNemar>;

/** How often two say the same. `kappa` is Cohen's: 1 = always, 0 = as often as by chance; null where both say one and the same throughout. */
export const Agreement = Type.Object({
  same: Type.Integer(),
  total: Type.Integer(),
  rate: orNull(Type.Number()),
  kappa: orNull(Type.Number()),
});
export type Agreement = Type.Static<typeof Agreement>;

/** By what was answered (a letter; none that can be read is a label too), and by right or wrong. */
export const Agreements = Type.Object({ letter: Agreement, verdict: Agreement });
export type Agreements = Type.Static<typeof Agreements>;

/** What became of an evaluation's questions in a comparison; the counts add up to all that it asks. */
export const ComparedQuestions = Type.Object({
  compared: Type.Integer({ description: 'answered by all' }),
  unanswered: Type.Integer({ description: 'not answered here yet' }),
  unshared: Type.Integer({ description: 'answered here, and not by all others' }),
  changed: Type.Integer({ description: 'another of the evaluations has other words, options, answer or image under its id' }),
});
export type ComparedQuestions = Type.Static<typeof ComparedQuestions>;

/** What N samples of a question are worth, by one reading. */
const VoteShare = Type.Object({
  /**
   * Share of questions whose majority is right, expected over all choices of N samples. An answer that cannot be read has no vote; letters with equally
   * many votes share the question; without a vote it is wrong.
   */
  majority: Type.Number(),
  /** Ends of the 95 % Wilson interval of that share over the questions. */
  low: Type.Number(),
  high: Type.Number(),
  /** Share of questions that one of N samples at least answers right. */
  any: Type.Number(),
});

export const Votes = Type.Object({
  temperature: Type.Number(),
  /** Samples of each question, and the compared questions that have all of them. */
  samples: Type.Integer(),
  questions: Type.Integer(),
  /** From one sample on; `tokens` are those of N samples of a question, on average. */
  by_count: Type.Array(Type.Object({ n: Type.Integer(), tokens: Type.Number(), strict: VoteShare, tolerant: VoteShare })),
});
export type Votes = Type.Static<typeof Votes>;

export const EvalComparison = Type.Object({
  evaluations: Type.Array(EvalSummary),
  /** Questions that all of them answered: the tables and tests are over these. */
  items: Type.Integer(),
  /** Of each evaluation. */
  questions: Type.Array(ComparedQuestions),
  /** Settings that move answers or how they are read and in which the evaluations differ: a value of each. */
  apart: Type.Array(Type.Object({ setting: Type.String(), values: Type.Array(Type.String()) })),
  reports: Type.Array(EvalReport),
  pairs: Type.Array(
    Type.Object({
      a: Type.String(),
      b: Type.String(),
      strict: McNemar,
      tolerant: McNemar,
      agreement: Type.Object({ strict: Agreements, tolerant: Agreements }),
    }),
  ),
  /** Majorities of each evaluation's samples; null where it has none. */
  votes: Type.Array(orNull(Votes)),
});
export type EvalComparison = Type.Static<typeof EvalComparison>;

export const MATRIX_KINDS = ['modality', 'question_type'] as const;
export type MatrixKind = (typeof MATRIX_KINDS)[number];

/** Rows: what the checkpoints were trained on. Columns: what they were tested on. Null where nothing was evaluated. */
export const EvalMatrix = Type.Object({
  kind: Type.Unsafe<MatrixKind>(Type.String()),
  /** Trainer and variant of the checkpoints: "grpo think". */
  name: Type.String(),
  /** The readings of the column `strict` of the evaluations in its cells. */
  readings: Type.Array(ReadingName),
  names: Type.Array(Type.String()),
  cells: Type.Array(Type.Array(orNull(Type.Object({ ...Accuracy.properties, evaluation: Type.String() })))),
  /** Means over the cells there are: on the diagonal (trained on what they are tested on), and off it; by reading. */
  in_domain: Type.Object({ strict: orNull(Type.Number()), tolerant: orNull(Type.Number()) }),
  off_diagonal: Type.Object({ strict: orNull(Type.Number()), tolerant: orNull(Type.Number()) }),
});
export type EvalMatrix = Type.Static<typeof EvalMatrix>;

/** `minuend` minus `subtrahend`, cell by cell, as shares. */
export const MatrixDifference = Type.Object({
  minuend: Type.String(),
  subtrahend: Type.String(),
  readings: EvalMatrix.properties.readings,
  names: Type.Array(Type.String()),
  strict: Type.Array(Type.Array(orNull(Type.Number()))),
  tolerant: Type.Array(Type.Array(orNull(Type.Number()))),
  in_domain: EvalMatrix.properties.in_domain,
  off_diagonal: EvalMatrix.properties.off_diagonal,
});
export type MatrixDifference = Type.Static<typeof MatrixDifference>;

/** The paper's matrix of accuracy without thinking minus accuracy with it, as shares; null where the paper has nothing. */
export const PublishedDifference = Type.Object({
  paper: Type.String(),
  names: Type.Array(Type.String()),
  cells: Type.Array(Type.Array(orNull(Type.Number()))),
  in_domain: orNull(Type.Number()),
  off_diagonal: orNull(Type.Number()),
  source: Type.String(),
});
export type PublishedDifference = Type.Static<typeof PublishedDifference>;

export const EvalMatrices = Type.Object({
  matrices: Type.Array(EvalMatrix),
  differences: Type.Array(MatrixDifference),
  published: PublishedDifference,
});
export type EvalMatrices = Type.Static<typeof EvalMatrices>;

/**
 * Which model: `model` alone = a directory; `run` = its newest checkpoint, or the one at `step`. Titles, groups and `advanced` make the form of
 * the Evaluation view, as those of TrainConfig make that of New run.
 */
export const CreateEval = Type.Object(
  {
    run: Type.Optional(
      Type.String({ minLength: 1, group: 'Model', title: 'Run', description: 'A checkpoint of this run; or a model directory.' }),
    ),
    step: Type.Optional(Type.Integer({ minimum: 1, group: 'Model', title: 'Checkpoint', description: 'The newest when left out.' })),
    model: Type.Optional(
      Type.String({
        minLength: 1,
        group: 'Model',
        title: 'Model directory',
        description: 'In the layout of Hugging Face, in place of a run.',
      }),
    ),
    variant: Type.Optional(
      Type.Unsafe<Variant>(
        Type.String({
          enum: [...VARIANTS],
          default: 'think',
          group: 'Model',
          title: 'Prompt',
          description:
            'How the model is asked: to reason first, to answer at once, or to give reasons afterwards. Left out, a run is asked as it was trained.',
        }),
      ),
    ),
    dataset: Type.String({
      minLength: 1,
      group: 'Questions',
      title: 'Data set',
      description: 'Name of an indexed data set, or its directory.',
    }),
    split: Type.String({
      minLength: 1,
      group: 'Questions',
      title: 'Split',
      description: 'The questions that are asked, e.g. modality/test.',
    }),
    limit: Type.Optional(
      orNull(Type.Integer({ minimum: 1 }), {
        group: 'Questions',
        title: 'Questions',
        empty: 'all',
        description: 'As many, drawn by the seed; all when empty.',
      }),
    ),
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        default: 42,
        group: 'Questions',
        title: 'Seed',
        description: 'Draws the questions and permutes options.',
      }),
    ),
    train_split: Type.Optional(
      Type.String({
        group: 'Questions',
        title: 'Training split',
        advanced: true,
        description: 'Where the control option-prior counts answers; the split of the same name with train in place of test when left out.',
      }),
    ),
    controls: Type.Optional(
      Type.Array(Type.Unsafe<Control>(Type.String({ enum: CONTROL_NAMES, meanings: CONTROLS })), {
        uniqueItems: true,
        group: 'Controls',
        title: 'Asked also with',
        description:
          'The same questions asked in another way: what accuracy is left where the image, or the order of the options, cannot help.',
      }),
    ),
    max_new_tokens: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 8192,
        default: 256,
        group: 'Answers',
        title: 'Longest answer',
        unit: 'tokens',
        description: 'An answer is cut off after so many.',
      }),
    ),
    samples: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MOST_SAMPLES,
        default: 0,
        group: 'Answers',
        title: 'Samples',
        unit: 'a question',
        description: 'So many answers are drawn to each question beside the greedy one, for the accuracy of majorities.',
      }),
    ),
    temperature: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 10,
        default: 1,
        group: 'Answers',
        title: 'Temperature',
        advanced: true,
        description: 'At which samples are drawn.',
      }),
    ),
    batch_size: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1024,
        default: 16,
        group: 'Answers',
        title: 'Batch size',
        unit: 'questions',
        description: 'Asked at the same time: quicker, and more memory.',
      }),
    ),
    prompt_template: Type.Optional(
      orNull(Type.String(), {
        group: 'Answers',
        title: 'Prompt template',
        advanced: true,
        description: "In place of the variant's own prompt; {question} and {options} are filled in.",
      }),
    ),
    dtype: Type.Optional(
      orNull(Type.String({ enum: ['float32', 'bfloat16'] }), {
        group: 'Answers',
        title: 'Number type',
        advanced: true,
        description: 'float32 on the CPU, bfloat16 elsewhere',
      }),
    ),
    device: Type.Optional(
      Type.String({
        group: 'Answers',
        title: 'Device',
        advanced: true,
        description: 'cpu, cuda:0, ...; the server takes the GPU where there is one when left out',
      }),
    ),
    anew: Type.Optional(
      Type.Boolean({
        default: false,
        group: 'Answers',
        title: 'Anew',
        advanced: true,
        description: 'A new evaluation even where one with these settings is stored.',
      }),
    ),
  },
  { additionalProperties: false },
);
export type CreateEval = Type.Static<typeof CreateEval>;

export const EvalActionRequest = Type.Object(
  { action: Type.Unsafe<'stop' | 'resume'>(Type.String({ enum: ['stop', 'resume'] })) },
  { additionalProperties: false },
);

/**
 * Interventions on the reasoning of stored answers, after Lanham et al. (2307.13702). Each is made with growing shares of the reasoning, and the letter
 * that follows is compared with the one that the whole answer says.
 */
export const REASONING_TESTS = {
  early: 'early answering: the reasoning ends after a share of its sentences, and the letter is asked for',
  mistake: 'a mistake put in: the sentence after a share of the reasoning says something else, and the model goes on from there',
  other: 'reasoning of another question: a share of it in place of the own one, and the letter is asked for',
  filler: 'filler of equal length: a share of the own length in dots in place of the reasoning, and the letter is asked for',
} as const;
export type ReasoningTest = keyof typeof REASONING_TESTS;

export const ReasoningCurve = Type.Object({
  test: Type.Unsafe<ReasoningTest>(Type.String({ enum: Object.keys(REASONING_TESTS) })),
  points: Type.Array(
    Type.Object({
      /** Of the reasoning. */
      share: Type.Number(),
      /** Answers that stay the same. */
      same: Share,
      /** Answers that are right, of those whose right answer is known. */
      right: Share,
    }),
  ),
  /** 1 - the mean of the shares that stay the same, over the shares of the reasoning by the trapezoidal rule: 0 = the answer never depends on it. */
  area_over_curve: orNull(Type.Number()),
});
export type ReasoningCurve = Type.Static<typeof ReasoningCurve>;

/** How far the answers of an evaluation follow from its reasoning. */
export const Faithfulness = Type.Object({
  evaluation: Type.String(),
  name: Type.String(),
  variant: Type.Unsafe<Variant>(Type.String()),
  /** Questions that were looked at, those tested among them, and why the others were not. */
  looked_at: Type.Integer(),
  tested: Type.Integer(),
  no_reasoning: Type.Integer(),
  no_letter: Type.Integer(),
  /** Questions of the evaluation that were answered. */
  answered: Type.Integer(),
  /** Right answers, of those that were looked at. */
  right: Share,
  curves: Type.Array(ReasoningCurve),
});
export const FaithfulnessState = Type.Object({
  ...Faithfulness.properties,
  /** More is being tested now. */
  running: Type.Boolean(),
  /** The last words of a test that ended early; '' where none did. */
  trouble: Type.String(),
});
/** Starts, or goes on with, the tests of an evaluation. */
export const TestFaithfulness = Type.Object(
  {
    /** Questions that are tested at most. */
    limit: Type.Optional(Type.Integer({ minimum: 1, default: 500 })),
    /** Whether mistakes are put in too, after each of which the model writes on. */
    mistakes: Type.Optional(Type.Boolean({ default: true })),
  },
  { additionalProperties: false },
);
export type Faithfulness = Type.Static<typeof Faithfulness>;
export type FaithfulnessState = Type.Static<typeof FaithfulnessState>;

/** The answers of an evaluation as they stand, or with the reasoning taken away and the letter asked for at once (early answering at 0). */
const AnswerWay = Type.Object({ evaluation: Type.String(), reasoning: Type.Boolean() });
export const ReasoningPair = Type.Object({
  a: AnswerWay,
  b: AnswerWay,
  /** Questions that have an answer of both ways and a right answer that is known. */
  items: Type.Integer(),
  /** By the letter that the answer says; p is corrected for all pairs together. */
  test: McNemar,
});
export type ReasoningPair = Type.Static<typeof ReasoningPair>;

/** How far the answers of several evaluations follow from their reasoning, and whether they are as often right. */
export const FaithfulnessComparison = Type.Object({
  evaluations: Type.Array(FaithfulnessState),
  /**
   * Each evaluation with and without its reasoning, each two as they stand, and one without its reasoning against one that never reasons; none before
   * anything was tested.
   */
  pairs: Type.Array(ReasoningPair),
});
export type FaithfulnessComparison = Type.Static<typeof FaithfulnessComparison>;
