import type { Random } from '../../stats/random.ts';
import { below } from '../../stats/random.ts';
import type { Variant } from '../../protocol/index.ts';
import { bindingExample, captionExample, cleanExample, flawedExample, longBindingExample, namedExample } from './examples.ts';
import type { Example, Flaws } from './examples.ts';
import type { Part } from './learner.ts';
import type { ImagePool } from './image-pool.ts';

export interface Phase {
  name: string;
  /** At most; a phase with `until` ends when the part's letters are right that often over the last 50 steps. */
  steps: number;
  until?: { part: string; letters: number };
  lr: (step: number) => number;
  /** Starts with a new optimiser and draws of its own, so that it can be repeated from the checkpoint before it. */
  fresh?: boolean;
  /** Of which layers of the model so far the decoder is made before the phase, from the bottom up; needs `fresh`. */
  layers?: readonly number[];
  /** One step's demonstrations. */
  draw: (rng: Random, pool: ImagePool) => Part[];
  /** Variants measured on held-out images afterwards. */
  measure: Variant[];
}

/** A demonstration about an image of the pool. */
type Make = (scene: ImagePool['scenes'][number], image: number) => Example;

const clean =
  (rng: Random, variant: Variant): Make =>
  (scene, image) =>
    cleanExample(rng, scene, image, variant);
const flawed =
  (rng: Random, variant: Variant, flaws: Flaws): Make =>
  (scene, image) =>
    flawedExample(rng, scene, image, variant, flaws);

const many = (count: number, make: () => Example): Example[] => Array.from({ length: count }, make);
const binding = (rng: Random, count: number): Part => ({ name: 'binding', examples: many(count, () => bindingExample(rng)) });
const longBinding = (rng: Random, count: number): Part => ({ name: 'long binding', examples: many(count, () => longBindingExample(rng)) });

/** `count` demonstrations about images of the pool. */
function seen(name: string, rng: Random, pool: ImagePool, count: number, make: Make): Part {
  return {
    name,
    examples: many(count, () => {
      const image = below(rng, pool.images.length);
      return make(pool.scenes[image], image);
    }),
  };
}

/** Images of one step, for several demonstrations each. */
const drawImages = (rng: Random, pool: ImagePool, count: number): number[] =>
  Array.from({ length: count }, () => below(rng, pool.images.length));

/** `each` demonstrations about each of these images. */
function about(name: string, pool: ImagePool, images: readonly number[], each: number, make: Make): Part {
  return { name, examples: images.flatMap((image) => many(each, () => make(pool.scenes[image], image))) };
}

const warmUp = (lr: number, steps: number) => (step: number) => lr * Math.min(1, (step + 1) / steps);
const decay = (lr: number, warm: number, total: number) => (step: number) =>
  lr * Math.min(1, (step + 1) / warm) * (1 - (0.92 * step) / total);

/** The rates of these phases fall as if they went on to here; the next takes over from them. */
const JOINT_HORIZON = 2000;
const DIRECT_HORIZON = 600;
const ANNEAL_STEPS = 400;
const SETTLE_STEPS = 400;

/** Of thinking answers. */
const FLAWS: Flaws = { finding: 0.45, letter: 0.2, format: 0.25 };

/**
 * The order matters. Naming what an image shows is learnt at once; finding the letter of the option just named is not, and
 * does not form once captions are there. So it is learnt first, from text alone, and kept up beside the images.
 */
export const PHASES: readonly Phase[] = [
  {
    name: 'bind',
    steps: 2000,
    until: { part: 'binding', letters: 0.93 },
    lr: warmUp(1e-3, 20),
    draw: (rng) => [binding(rng, 80)],
    measure: [],
  },
  {
    name: 'bind-long',
    steps: 300,
    until: { part: 'long binding', letters: 0.8 },
    lr: warmUp(1e-3, 1),
    draw: (rng) => [binding(rng, 40), longBinding(rng, 32)],
    measure: [],
  },
  {
    name: 'joint',
    fresh: true,
    steps: 1200,
    lr: decay(1.2e-3, 10, JOINT_HORIZON),
    draw: (rng, pool) => [
      binding(rng, 10),
      longBinding(rng, 8),
      seen('caption', rng, pool, 12, captionExample),
      seen('think', rng, pool, 26, clean(rng, 'think')),
      seen('direct', rng, pool, 34, clean(rng, 'no-think')),
      seen('after', rng, pool, 4, clean(rng, 'think-after')),
    ],
    measure: ['think', 'no-think', 'think-after'],
  },
  {
    name: 'anneal',
    fresh: true,
    steps: ANNEAL_STEPS,
    lr: decay(7e-4, 10, ANNEAL_STEPS),
    draw: (rng, pool) => [
      binding(rng, 8),
      longBinding(rng, 8),
      seen('caption', rng, pool, 8, captionExample),
      seen('think', rng, pool, 44, clean(rng, 'think')),
      seen('direct', rng, pool, 8, clean(rng, 'no-think')),
    ],
    measure: ['think', 'no-think'],
  },
  // The next phases were found on weights that had gone through this one; without it they have not been tried.
  {
    name: 'flawed',
    fresh: true,
    steps: 120,
    lr: warmUp(5e-4, 5),
    draw: (rng, pool) => [
      seen('think', rng, pool, 24, flawed(rng, 'think', FLAWS)),
      seen('direct', rng, pool, 24, flawed(rng, 'no-think', { finding: 0, letter: 0.35, format: 0.25 })),
    ],
    measure: ['think', 'no-think'],
  },
  {
    name: 'name',
    fresh: true,
    steps: 100,
    lr: warmUp(1e-3, 10),
    draw: (rng, pool) => {
      const images = drawImages(rng, pool, 20);
      return [
        binding(rng, 8),
        longBinding(rng, 6),
        about('think', pool, images, 1, clean(rng, 'think')),
        about('named', pool, images, 3, (scene, image) => namedExample(rng, scene, image)),
      ];
    },
    measure: [],
  },
  {
    name: 'direct',
    fresh: true,
    layers: [0, 1, 2, 3, 2, 3],
    steps: 400,
    lr: decay(1e-3, 10, DIRECT_HORIZON),
    draw: (rng, pool) => {
      const images = drawImages(rng, pool, 20);
      return [
        binding(rng, 8),
        longBinding(rng, 6),
        about('think', pool, images, 1, clean(rng, 'think')),
        about('direct', pool, images, 4, clean(rng, 'no-think')),
        about('named', pool, images, 2, (scene, image) => namedExample(rng, scene, image)),
      ];
    },
    measure: ['think', 'no-think'],
  },
  {
    name: 'settle',
    fresh: true,
    steps: SETTLE_STEPS,
    lr: decay(7e-4, 10, SETTLE_STEPS),
    draw: (rng, pool) => {
      const images = drawImages(rng, pool, 24);
      return [
        binding(rng, 4),
        longBinding(rng, 4),
        about('think', pool, images, 1, clean(rng, 'think')),
        about('direct', pool, images, 3, clean(rng, 'no-think')),
      ];
    },
    measure: ['think', 'no-think'],
  },
  {
    name: 'flawed-both',
    fresh: true,
    steps: 120,
    lr: warmUp(4e-4, 5),
    draw: (rng, pool) => {
      const images = drawImages(rng, pool, 16);
      return [
        seen('think', rng, pool, 24, flawed(rng, 'think', FLAWS)),
        about('direct', pool, images, 3, flawed(rng, 'no-think', { finding: 0, letter: 0.56, format: 0.12 })),
      ];
    },
    measure: ['think', 'no-think'],
  },
];
