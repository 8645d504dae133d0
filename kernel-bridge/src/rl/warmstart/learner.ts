import { LETTERS } from '../../answers/index.ts';
import { MOST_OPTIONS } from '../../data/sample/questions.ts';
import { groupLogps } from '../../models/index.ts';
import type { EncodedImage, EncodedPrompt, Processor, Model } from '../../models/index.ts';
import { AdamW, backward, clipGradNorm, noGrad, scope, tensor, torch } from '../../torch/index.ts';
import { chatPrompt } from './chat.ts';
import type { Example } from './examples.ts';
import { CONTENT_WORDS } from './traces.ts';

/** Weight of option letters and of the words that differ between demonstrations: the rest is the same in all and learnt at once. */
const CONTENT_WEIGHT = 3;

/** A share of a step's examples under the name it is reported by. */
export interface Part {
  name: string;
  examples: Example[];
}

/** Per part: the share of letters, and of other tokens, that are the model's most probable choice. */
export type Scores = Record<string, { letters: number; others: number }>;

/** Supervised steps on demonstrations; as in the trainers, prompt and completion go through the packed forward. */
export class Learner {
  readonly model: Model;
  readonly #processor: Processor;
  readonly #images: EncodedImage[];
  readonly #optimizer: AdamW;
  readonly #letters: ReadonlySet<number>;
  readonly #content: ReadonlySet<number>;

  /** `images`: what the examples' image numbers stand for. */
  constructor(model: Model, processor: Processor, images: EncodedImage[]) {
    this.model = model;
    this.#processor = processor;
    this.#images = images;
    model.setTrainable(() => true);
    this.#optimizer = new AdamW([...model.params.values()], { betas: [0.9, 0.98], weight_decay: 0.01 });
    const ids = (words: readonly string[]) => words.map((word) => processor.encode(word)[0]);
    this.#letters = new Set(ids(LETTERS.slice(0, MOST_OPTIONS).map((letter) => ` ${letter}`)));
    this.#content = new Set(ids(CONTENT_WORDS.flatMap((word) => [word, ` ${word}`])));
  }

  /** One AdamW step on the mean over examples of each one's weighted mean negative log-probability. */
  step(parts: readonly Part[], lr: number): Scores {
    const examples = parts.flatMap((part) => part.examples);
    const completions = examples.map((example) => this.#completion(example));
    return scope(() => {
      const prompts = examples.map((example) => this.#prompt(example));
      const { logps, correct } = groupLogps(
        this.model,
        prompts,
        completions.map((ids) => [ids]),
        { entropy: false, correct: true },
      );
      const weights = examples.map((example, n) => this.#weights(example, completions[n], logps.shape[1]));
      const loss = torch.neg(torch.sum(torch.mul(logps, tensor(weights.flat(), { dtype: 'float32', shape: logps.shape })))); // []
      this.#optimizer.zeroGrad();
      backward(torch.div(loss, examples.length));
      clipGradNorm([...this.model.params.values()], 1);
      this.#optimizer.setLr(lr);
      this.#optimizer.step();
      return this.#scores(
        parts,
        completions,
        weights,
        noGrad(() => correct!.toFloat32()),
        logps.shape[1],
      );
    });
  }

  #prompt(example: Example): EncodedPrompt {
    if (!example.chat) return { inputIds: this.#processor.encode(example.text), images: [], text: example.text };
    return chatPrompt(this.#processor, example.text, example.image === null ? null : this.#images[example.image]);
  }

  /** A reply to a question ends the turn; captions and look-ups are cut out of longer texts and don't. */
  #completion({ completion, text, learn }: Example): number[] {
    return this.#processor.encode(learn === 'all' && text !== '' ? `${completion}<|im_end|>` : completion);
  }

  /** Adds up to 1 per example. */
  #weights({ learn }: Example, ids: number[], T: number): number[] {
    const raw = Array.from({ length: T }, (_, t): number => {
      if (t >= ids.length) return 0;
      if (learn === 'letters') return this.#letters.has(ids[t]) ? 1 : 0;
      return this.#letters.has(ids[t]) || this.#content.has(ids[t]) ? CONTENT_WEIGHT : 1;
    });
    const sum = raw.reduce((a, b) => a + b, 0);
    return raw.map((w) => w / sum);
  }

  #scores(parts: readonly Part[], completions: number[][], weights: number[][], correct: Float32Array, T: number): Scores {
    let n = 0;
    return Object.fromEntries(
      parts.map(({ name, examples }) => {
        const hits = { letters: [0, 0], others: [0, 0] };
        for (const end = n + examples.length; n < end; n++)
          completions[n].forEach((id, t) => {
            if (weights[n][t] === 0) return;
            const kind = hits[this.#letters.has(id) ? 'letters' : 'others'];
            kind[0] += correct[n * T + t];
            kind[1]++;
          });
        return [name, { letters: hits.letters[0] / hits.letters[1], others: hits.others[0] / hits.others[1] }];
      }),
    );
  }
}
