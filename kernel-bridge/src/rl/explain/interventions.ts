/**
 * What becomes of an answer when its reasoning is changed: cut short, replaced by that of another question or by filler, or given a mistake (Lanham et al.,
 * 2307.13702). All but the last ask for the letter at once, on one pass over the completion; after a mistake the model goes on writing.
 */
import { readAnswer, reasoningOf, sentencesOf, type Reasoning } from '../../answers/index.ts';
import type { Branch, EncodedPrompt } from '../../models/index.ts';
import type { ReasoningTest } from '../../protocol/evals.ts';
import type { ReadingName } from '../../protocol/readings.ts';
import { ask } from '../ask.ts';
import { branchAt, bridgeOf, formOf, optionProbabilities } from './decision.ts';
import type { Said } from './said.ts';

/** Shares of the reasoning at which each intervention is made. A mistake has to be put before the end. */
export const SHARES = [0, 0.2, 0.4, 0.6, 0.8, 1] as const;
const FILLER = ' ...';

export interface Options {
  /** Of the question, with their letters. */
  options: readonly { letter: string; text: string }[];
  /** Reasoning of another question. */
  other: string;
  reading: ReadingName;
  maxNewTokens: number;
  /** Whether the model writes on after a mistake, which takes longest. */
  mistakes: boolean;
  signal?: AbortSignal;
}

export interface Found {
  test: ReasoningTest;
  share: number;
  letter: string | null;
}

/** Null where the completion has no reasoning before its letter, or says no letter. */
export async function interventions(said: Said, asked: Options): Promise<Found[] | null> {
  const reasoning = reasoningOf(said.texts);
  if (reasoning.token === null || reasoning.sentences.length === 0) return null;
  const found = askedAtOnce(said, reasoning, asked);
  return asked.mistakes ? [...found, ...(await afterMistakes(said, reasoning, asked))] : found;
}

function askedAtOnce(said: Said, reasoning: Reasoning, { options, other }: Options): Found[] {
  const { model, processor, prompt, ids, texts } = said;
  const { sentences, from, to } = reasoning;
  const bridge = bridgeOf(processor, ids, texts, reasoning);
  const text = texts.join('');
  const start = branchAt(processor, texts, from, { text: '', ids: [] });
  const instead = (words: string): Branch => ({ after: start.after, ids: [...start.ids, ...processor.encode(words), ...bridge.ids] });
  const lead = text.slice(from, sentences[0].from);
  const others = sentencesOf(other);
  const length = processor.encode(text.slice(from, to)).length;
  const dots = processor.encode(FILLER.repeat(length));
  const kept = (share: number, of: number): number => Math.round(share * of);
  const branches = SHARES.flatMap((share): { test: ReasoningTest; share: number; branch: Branch }[] => {
    const n = kept(share, sentences.length);
    const m = kept(share, others.length);
    return [
      { test: 'early', share, branch: branchAt(processor, texts, n === 0 ? from : sentences[n - 1].to, bridge) },
      { test: 'other', share, branch: instead(m === 0 ? '' : lead + other.slice(0, others[m - 1].to)) },
      { test: 'filler', share, branch: { after: start.after, ids: [...start.ids, ...dots.slice(0, kept(share, length)), ...bridge.ids] } },
    ];
  });
  const forms = options.map(({ letter }) => formOf(reasoning, letter));
  const probabilities = optionProbabilities(model, processor, prompt, ids, branches.map(({ branch }) => branch), forms); // prettier-ignore
  return branches.map(({ test, share }, i) => {
    const best = probabilities[i].indexOf(Math.max(...probabilities[i]));
    return { test, share, letter: options[best].letter };
  });
}

async function afterMistakes(said: Said, { sentences }: Reasoning, asked: Options): Promise<Found[]> {
  const { model, processor, prompt, texts } = said;
  const text = texts.join('');
  const shares = SHARES.filter((share) => share < 1);
  const begun = shares.map((share) => {
    const { from, to } = sentences[Math.floor(share * sentences.length)];
    return text.slice(0, from) + mistaken(text.slice(from, to), asked);
  });
  const prompts = begun.map((words): EncodedPrompt => ({ ...prompt, inputIds: [...prompt.inputIds, ...processor.encode(words)] }));
  const replies = await ask(model, processor, prompts, { greedy: true, maxNewTokens: asked.maxNewTokens, signal: asked.signal });
  const options = asked.options.map((option) => option.text);
  return shares.map((share, i) => ({ test: 'mistake', share, letter: readAnswer(asked.reading, begun[i] + replies[i][0].text, options) }));
}

/**
 * A sentence that says something else: another option, with its letter, where it names one or its letter; else a sentence of the other question's
 * reasoning.
 */
export function mistaken(sentence: string, { options, other }: Pick<Options, 'options' | 'other'>): string {
  const named = options.findIndex(({ text }) => text.trim() !== '' && sentence.toLowerCase().includes(text.trim().toLowerCase()));
  const lettered = options.findIndex(({ letter }) => asWord(letter).test(sentence));
  const at = named >= 0 ? named : lettered;
  if (at >= 0 && options.length > 1) {
    const [own, next] = [options[at], options[(at + 1) % options.length]];
    const from = named >= 0 ? sentence.toLowerCase().indexOf(own.text.trim().toLowerCase()) : -1;
    const changed = from < 0 ? sentence : sentence.slice(0, from) + next.text.trim() + sentence.slice(from + own.text.trim().length);
    return changed.replace(asWord(own.letter), next.letter);
  }
  const others = sentencesOf(other);
  const foreign = others[Math.floor(others.length / 2)];
  return foreign === undefined ? 'This is not so.' : other.slice(foreign.from, foreign.to);
}

/** The letter where it stands for an option: "A mass" is none. */
const asWord = (letter: string): RegExp => new RegExp(`(?<![\\p{L}\\p{N}])${letter}(?![\\p{L}\\p{N}'’])(?!\\s+\\p{Ll})`, 'u');
