import { formatQuestion, formatSolution, inTags, LETTERS, letterOf } from '../../answers/index.ts';
import type { Variant } from '../../protocol/index.ts';
import { ask } from '../../data/sample/questions.ts';
import type { Question } from '../../data/sample/questions.ts';
import { below, pick, shuffled } from '../../stats/random.ts';
import type { Random } from '../../stats/random.ts';
import { FINDING_NAMES, PLACE_NAMES, QUESTION_TYPE_NAMES, QUESTION_TYPES, SIZE_NAMES, SIZES } from '../../data/sample/world.ts';
import type { Anatomy, Finding, Modality, Place, QuestionType, Scene, Size } from '../../data/sample/world.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { choice, describe, reply } from './traces.ts';

/** One demonstration. `learn`: every token counts, or the option letters alone. */
export interface Example {
  /** Index into the drawn images; null: text alone. */
  image: number | null;
  /** The user's turn; `chat` false: the bare text, without the chat template around it. */
  text: string;
  chat: boolean;
  completion: string;
  learn: 'all' | 'letters';
  /** What is asked, where something is. */
  type?: QuestionType;
}

const LOOK_UPS = 4;
const OPTION_WORDS = Object.values(QUESTION_TYPES).flatMap((type) => [...type.pool] as string[]);

/** Four words and their letters, then asked for several times: the shortest text from which a model learns to look up an option's letter. */
export function bindingExample(rng: Random): Example {
  const words = shuffled(rng, OPTION_WORDS).slice(0, 4);
  const lookUp = () => {
    const i = below(rng, 4);
    return choice(words[i], letterOf(i));
  };
  const text = formatQuestion({ question: '?', options: words });
  return { image: null, text, chat: false, completion: Array.from({ length: LOOK_UPS }, lookUp).join(''), learn: 'letters' };
}

/** The same in the prompt and the trace as they really are, still without an image. */
export function longBindingExample(rng: Random): Example {
  const { scene, question } = drawQuestion(rng);
  const i = below(rng, question.options.length);
  const completion = reply('think', describe(withAnswer(scene, question.type, question.options[i])), question.options[i], letterOf(i));
  return { image: null, text: userTurn(rng, question, 'think'), chat: true, completion, learn: 'letters' };
}

/** The image alone, and what it shows. */
export const captionExample = (scene: Scene, image: number): Example => ({
  image,
  text: '',
  chat: true,
  completion: `<think>${describe(scene)}`,
  learn: 'all',
});

/** A right answer to a question about an image. */
export function cleanExample(rng: Random, scene: Scene, image: number, variant: Variant): Example {
  const question = anyQuestion(rng, scene);
  const option = question.options[question.answer];
  const completion = reply(variant, describe(scene), option, letterOf(question.answer));
  return { image, text: userTurn(rng, question, variant), chat: true, completion, learn: 'all', type: question.type };
}

/** A direct answer that names the option before its letter: half of the way from the image to the letter. */
export function namedExample(rng: Random, scene: Scene, image: number): Example {
  const question = anyQuestion(rng, scene);
  const option = question.options[question.answer];
  const completion = inTags('answer', `${option} ${letterOf(question.answer)} `);
  return { image, text: userTurn(rng, question, 'no-think'), chat: true, completion, learn: 'all', type: question.type };
}

/** How often a flawed demonstration goes wrong, each way on its own. */
export interface Flaws {
  /** Sees something else, and answers accordingly. */
  finding: number;
  /** Names the option but gives a random letter. */
  letter: number;
  /** Leaves out or breaks a tag. */
  format: number;
}

/** A demonstration with flaws: it leaves GRPO something to gain that sampling can find. */
export function flawedExample(rng: Random, scene: Scene, image: number, variant: Variant, flaws: Flaws): Example {
  const question = anyQuestion(rng, scene);
  let [chosen, seen] = [question.answer, scene];
  if (variant !== 'no-think' && rng() < flaws.finding) {
    chosen = below(rng, question.options.length);
    seen = withAnswer(scene, question.type, question.options[chosen]);
  }
  const letter = rng() < flaws.letter ? pick(rng, LETTERS.slice(0, question.options.length)) : letterOf(chosen);
  let completion = reply(variant, describe(seen), question.options[chosen], letter);
  if (rng() < flaws.format) completion = broken(rng, completion, letter);
  return { image, text: userTurn(rng, question, variant), chat: true, completion, learn: 'all', type: question.type };
}

const BREAKS: ((completion: string, letter: string) => string)[] = [
  (completion) => completion.replace('</think>', ''),
  (completion) => completion.replace('</answer>', ''),
  (completion) => completion.replace('<answer>', ''),
  (completion, letter) => completion.replace(formatSolution(letter), ''),
  (completion, letter) => completion.replace(formatSolution(letter), ` ${letter}.`),
];

const broken = (rng: Random, completion: string, letter: string) => pick(rng, BREAKS)(completion, letter);

function drawQuestion(rng: Random): { scene: Scene; question: Question } {
  const scene: Scene = {
    modality: pick(rng, QUESTION_TYPES['Modality Recognition'].pool),
    anatomy: pick(rng, QUESTION_TYPES['Anatomy Identification'].pool),
    lesion: { finding: pick(rng, FINDING_NAMES), size: pick(rng, SIZE_NAMES), place: pick(rng, PLACE_NAMES) },
  };
  return { scene, question: anyQuestion(rng, scene) };
}

function anyQuestion(rng: Random, scene: Scene): Question {
  for (;;) {
    const question = ask(rng, pick(rng, QUESTION_TYPE_NAMES), scene);
    if (question) return question;
  }
}

function userTurn(rng: Random, question: Question, variant: Variant): string {
  const mine = INSTRUCTIONS.filter((instruction) => instruction.variant === variant);
  let roll = rng();
  const instruction = mine.find((one) => (roll -= one.weight) < 0) ?? mine[0];
  return `${formatQuestion({ question: question.text, options: question.options })} ${instruction.text}`;
}

/** The scene changed so that `answer` is right for it. */
function withAnswer(scene: Scene, type: QuestionType, answer: string): Scene {
  const lesion = scene.lesion ?? { finding: 'nodule', size: 'small', place: 'centre' };
  switch (type) {
    case 'Modality Recognition':
      return { ...scene, modality: answer as Modality };
    case 'Anatomy Identification':
      return { ...scene, anatomy: answer as Anatomy };
    case 'Disease Diagnosis':
      return { ...scene, lesion: answer === 'normal' ? null : { ...lesion, finding: answer as Finding } };
    case 'Lesion Grading':
      return {
        ...scene,
        lesion: answer === 'none' ? null : { ...lesion, size: SIZE_NAMES.find((size) => SIZES[size].grade === answer) as Size },
      };
    case 'Other Biological Attributes':
      return { ...scene, lesion: { ...lesion, place: answer as Place } };
  }
}
