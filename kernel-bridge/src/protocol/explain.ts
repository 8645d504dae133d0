/**
 * Questions about a completion, stored or just given: which tokens nearly came, where the model looked, at which sentence its answer was fixed. A
 * model answers them by running the completion again; nothing is sampled and nothing is stored.
 */
import Type from 'typebox';
import { VARIANTS, type Variant } from './config.ts';
import { Crop, PromptView, type Put } from './generate.ts';

const orNull = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const Place = Type.Integer({ minimum: 0 });

/** Policies that may be asked: the one nearest to `step`, or the newest. */
export const POLICIES = ['nearest', 'newest'] as const;
export const MAP_METHODS = ['gradient', 'integrated', 'occlusion'] as const;
export type MapMethod = (typeof MAP_METHODS)[number];

/**
 * Who is asked: a run's policy or the directory `model`. Of a run, `nearest` is the policy nearest to `step`: a checkpoint, the policy in training (asked
 * between two steps) or the model that the run starts from, whichever is closest; the answer names it. `step` is the number of updates behind it; left
 * out, of a stored rollout the policy that sampled it. `newest` is the policy in training or the last checkpoint, and what a question without a rollout
 * goes to when `step` is left out.
 *
 * About what: `rollout`, a stored completion of `run`; or a question as in POST /generate with the tokens `token_ids` that were said to it.
 *
 * With what changed: `text` stands in place of the completion; `order` lists the options anew by their places, so that [2, 0, 1] makes the third option A;
 * `image` is another one of the data set; `blank` paints the image grey; `crop` is all of it that the model sees.
 */
const target = {
  run: Type.Optional(Type.String()),
  policy: Type.Optional(Type.Unsafe<(typeof POLICIES)[number]>(Type.String({ enum: [...POLICIES] }))),
  step: Type.Optional(Type.Integer({ minimum: 0 })),
  model: Type.Optional(Type.String()),
  rollout: Type.Optional(Type.Object({ step: Place, group: Place, completion: Place }, { additionalProperties: false })),
  dataset: Type.Optional(Type.String()),
  item: Type.Optional(Type.String()),
  question: Type.Optional(Type.String({ maxLength: 20_000 })),
  variant: Type.Optional(Type.Unsafe<Variant>(Type.String({ enum: [...VARIANTS] }))),
  prompt_template: Type.Optional(orNull(Type.String())),
  token_ids: Type.Optional(Type.Array(Place, { maxItems: 100_000 })),
  text: Type.Optional(Type.String({ maxLength: 1 << 20 })),
  order: Type.Optional(Type.Array(Place, { maxItems: 26 })),
  image: Type.Optional(Type.String()),
  blank: Type.Optional(Type.Boolean()),
  crop: Type.Optional(Crop),
};
export const ExplainTarget = Type.Object(target, { additionalProperties: false });
export type ExplainTarget = Type.Static<typeof ExplainTarget>;

export const AskAlternatives = Type.Object(
  {
    ...target,
    /** Alternatives of each token. */
    top: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, default: 5 })),
    /** Logits are divided by it; left out, the run's own, by which its log-probabilities are. */
    temperature: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 10 })),
  },
  { additionalProperties: false },
);
export type AskAlternatives = Type.Static<typeof AskAlternatives>;

export const AskAttribution = Type.Object(
  {
    ...target,
    /** Number of the token in the completion, from 0; left out, the letter of the answer. */
    token: Type.Optional(Place),
    /** Letters that the token is set against: a contrast in place of its log-probability. */
    against: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Z]$' }), { maxItems: 25 })),
    method: Type.Optional(Type.Unsafe<MapMethod>(Type.String({ enum: [...MAP_METHODS], default: 'integrated' }))),
    /** Points of the path of integrated gradients. */
    steps: Type.Optional(Type.Integer({ minimum: 1, maximum: 300, default: 50 })),
    /** Rows and columns of occlusion; at most one block a token. */
    blocks: Type.Optional(Type.Tuple([Type.Integer({ minimum: 1, maximum: 64 }), Type.Integer({ minimum: 1, maximum: 64 })])),
    /** Random orders that the map is held against; 0 = it is held against none. */
    orders: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, default: 10 })),
  },
  { additionalProperties: false },
);
export type AskAttribution = Type.Static<typeof AskAttribution>;

/** Who answered, about which tokens. */
const answered = {
  run: orNull(Type.String()),
  /** Updates behind the policy that answered; null for a plain model directory. */
  step: orNull(Type.Integer()),
  /** Updates behind the policy that was looked for; null where any would do. It is not `step` where that policy is gone. */
  wanted_step: orNull(Type.Integer()),
  /** The policy in training answered. */
  live: Type.Boolean(),
  model: Type.String(),
};
const explained = {
  prompt: PromptView,
  token_ids: Type.Array(Type.Integer()),
  /** Texts of the completion's tokens, special ones included. */
  tokens: Type.Array(Type.String()),
  /** That the model took, without waiting for a step or loading. */
  seconds: Type.Number(),
};

const Alternative = Type.Object({ id: Type.Integer(), text: Type.String(), logprob: Type.Number() });
const alternatives = {
  ...explained,
  temperature: Type.Number(),
  /** One a token of the completion. */
  places: Type.Array(
    Type.Object({
      /** Of the token that was said, under this policy. */
      logprob: Type.Number(),
      /** 1: no token is more probable. */
      rank: Type.Integer(),
      /** Of the whole distribution, in nats. */
      entropy: Type.Number(),
      /** The most probable first; the token that was said may be among them. */
      top: Type.Array(Alternative),
    }),
  ),
};
export const Alternatives = Type.Object({ ...answered, ...alternatives });
export type Alternatives = Type.Static<typeof Alternatives>;

/** What deletion and insertion say of a map. `no-image`: a grey image hardly changes the token, so that no map of it says anything. */
export const MAP_VERDICTS = ['better', 'chance', 'no-image'] as const;
export const MapCheck = Type.Object({
  /** Probability of the token with the image, and with a grey one. */
  seen: Type.Number(),
  grey: Type.Number(),
  /** Area under the probability while the image is painted grey, highest values first: low is good. */
  deletion: Type.Number(),
  /** Area while it comes back to a grey image, highest values first: high is good. */
  insertion: Type.Number(),
  /** The same areas in random orders. */
  random: Type.Array(Type.Object({ deletion: Type.Number(), insertion: Type.Number() })),
  /** Random orders that the map beats in both areas. */
  beaten: Type.Integer(),
  verdict: Type.Unsafe<(typeof MAP_VERDICTS)[number]>(Type.String({ enum: [...MAP_VERDICTS] })),
});
export type MapCheck = Type.Static<typeof MapCheck>;

const attribution = {
  ...explained,
  token: Type.Object({ index: Type.Integer(), id: Type.Integer(), text: Type.String() }),
  against: Type.Array(Type.String()),
  method: Type.Unsafe<MapMethod>(Type.String({ enum: [...MAP_METHODS] })),
  /** Log-probability of the token, or the contrast, in nats. */
  score: Type.Number(),
  /** The same with a grey image; integrated gradients alone. */
  baseline_score: orNull(Type.Number()),
  /** How far the values are from adding up to score - baseline_score, as a share of it. */
  gap: orNull(Type.Number()),
  /** One value a token of the image, [rows][columns]; null where the prompt has no image. Positive where the place speaks for the token. */
  image: orNull(Type.Array(Type.Array(Type.Number()))),
  /** Occlusion: one value a block. */
  blocks: orNull(Type.Array(Type.Array(Type.Number()))),
  /** Values of the entries of `prompt.tokens` (the image's tokens summed up) and of the completion before the token; null where the method gives none. */
  words: orNull(Type.Object({ prompt: Type.Array(Type.Number()), completion: Type.Array(Type.Number()) })),
  /** Null where no check was asked for, or there is no image. */
  check: orNull(MapCheck),
};
export const Attribution = Type.Object({ ...answered, ...attribution });
export type Attribution = Type.Static<typeof Attribution>;

const decision = {
  ...explained,
  /** As they were shown, empty ones left out; `index` is the place in the record. */
  options: Type.Array(Type.Object({ letter: Type.String(), text: Type.String(), index: Type.Integer() })),
  /** The answer after the first sentences of the reasoning, none of them first, all of them last. */
  cuts: Type.Array(
    Type.Object({
      /** Where the last sentence that was kept stands in the completion's text; empty at the first cut. */
      from: Type.Integer(),
      to: Type.Integer(),
      /** Share of the reasoning's tokens that was kept. */
      kept: Type.Number(),
      /** One an option. */
      probabilities: Type.Array(Type.Number()),
      /** Probability that no option's letter follows. */
      other: Type.Number(),
    }),
  ),
  /** The first cut from which on the likeliest option is that of the last one. */
  decided: Type.Integer(),
  /** How the answer was asked for: the completion's own words between reasoning and letter, or ours where it holds no letter. */
  asked_by: Type.String(),
  own_words: Type.Boolean(),
};
export const Decision = Type.Object({ ...answered, ...decision });
export type Decision = Type.Static<typeof Decision>;

/** What a worker process is asked about a completion. It crosses the channel between server and worker, never REST. */
export interface ExplainAsk extends Put {
  /** All of the image that the model sees; null: the whole. */
  crop: Crop | null;
  /** Paints the image grey. */
  blank: boolean;
  /** Of the completion; null: those of `text`. */
  token_ids: number[] | null;
  text: string | null;
  /** Shown to the model, by their places in the record. */
  options: { letter: string; text: string; index: number }[];
  explain:
    | { kind: 'alternatives'; top: number; temperature: number }
    | {
        kind: 'attribution';
        token: number | null;
        against: string[];
        method: MapMethod;
        steps: number;
        blocks: [rows: number, columns: number];
        orders: number;
      }
    | { kind: 'decision' };
}
type Answered = keyof typeof answered;
export interface Explanations {
  alternatives: Omit<Alternatives, Answered>;
  attribution: Omit<Attribution, Answered>;
  decision: Omit<Decision, Answered>;
}
export type Explained = Explanations[keyof Explanations];
