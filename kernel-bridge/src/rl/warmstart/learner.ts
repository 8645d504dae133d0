import { LETTERS } from '../../answers/index.ts';
import { MOST_OPTIONS } from '../../data/sample/questions.ts';
import { groupLogps } from '../../models/index.ts';
import type { EncodedImage, EncodedPrompt, Processor, Model } from '../../models/index.ts';
import { AdamW, backward, clipGradNorm, noGrad, scope, tensor, torch } from '../../torch/index.ts';
import { chatPrompt, endOfPrompt, imagePrompt } from './chat.ts';
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

  /**
   * One AdamW step on the mean over examples of each one's weighted mean negative log-probability.
   * Examples about one image are completions of one prompt, the image: the vision tower sees it once.
   */
  step(parts: readonly Part[], lr: number): Scores {
    const groups = grouped(parts).map((rows) => this.#encode(rows));
    const rows = groups.flatMap((group) => group.rows);
    return scope(() => {
      const { logps, correct } = groupLogps(
        this.model,
        groups.map(({ prompt }) => prompt),
        groups.map((group) => group.rows.map(({ ids }) => ids)),
        { entropy: false, correct: true },
      );
      const [, T] = logps.shape;
      const weights = rows.flatMap((row) => Array.from({ length: T }, (_, t) => row.weights[t] ?? 0));
      const loss = torch.neg(torch.sum(torch.mul(logps, tensor(weights, { dtype: 'float32', shape: logps.shape })))); // []
      this.#optimizer.zeroGrad();
      backward(torch.div(loss, rows.length));
      clipGradNorm([...this.model.params.values()], 1);
      this.#optimizer.setLr(lr);
      this.#optimizer.step();
      return this.#scores(
        parts,
        rows,
        noGrad(() => correct!.toFloat32()),
        T,
      );
    });
  }

  #encode(members: readonly Member[]): { prompt: EncodedPrompt; rows: Row[] } {
    const shared = members.length > 1;
    const rows = members.map(({ part, example }) => {
      const question = shared ? this.#processor.encode(endOfPrompt(example.text)) : [];
      const completion = this.#completion(example);
      return {
        part,
        ids: [...question, ...completion],
        weights: [...question.map(() => 0), ...this.#weights(example, completion)],
      };
    });
    const [{ example }] = members;
    return { prompt: shared ? imagePrompt(this.#processor, this.#images[example.image!]) : this.#prompt(example), rows };
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
  #weights({ learn }: Example, ids: number[]): number[] {
    const raw = ids.map((id): number => {
      if (learn === 'letters') return this.#letters.has(id) ? 1 : 0;
      return this.#letters.has(id) || this.#content.has(id) ? CONTENT_WEIGHT : 1;
    });
    const sum = raw.reduce((a, b) => a + b, 0);
    return raw.map((w) => w / sum);
  }

  #scores(parts: readonly Part[], rows: readonly Row[], correct: Float32Array, T: number): Scores {
    return Object.fromEntries(
      parts.map((part) => {
        const hits = { letters: [0, 0], others: [0, 0] };
        rows.forEach((row, n) => {
          if (row.part !== part) return;
          row.ids.forEach((id, t) => {
            if (row.weights[t] === 0) return;
            const kind = hits[this.#letters.has(id) ? 'letters' : 'others'];
            kind[0] += correct[n * T + t];
            kind[1]++;
          });
        });
        return [part.name, { letters: hits.letters[0] / hits.letters[1], others: hits.others[0] / hits.others[1] }];
      }),
    );
  }
}

interface Member {
  part: Part;
  example: Example;
}

/** One example as it goes through the model: `ids` after its prompt, each with its weight in the loss. */
interface Row {
  part: Part;
  ids: number[];
  weights: number[];
}

/** Examples about one image together, the others each alone, in the order in which they first come. */
function grouped(parts: readonly Part[]): Member[][] {
  const groups: Member[][] = [];
  const ofImage = new Map<number, Member[]>();
  for (const part of parts)
    for (const example of part.examples) {
      const known = example.image === null ? undefined : ofImage.get(example.image);
      if (known) {
        known.push({ part, example });
        continue;
      }
      const group = [{ part, example }];
      groups.push(group);
      if (example.image !== null) ofImage.set(example.image, group);
    }
  return groups;
}
