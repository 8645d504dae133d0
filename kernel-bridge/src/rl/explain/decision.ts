/**
 * When it decided: the probability of each option after each sentence of the reasoning, as if the model had been made to answer there. All cuts go
 * through the model together, on one pass over the completion (models/engine/branches.ts).
 */
import { reasoningOf, opensThink, type Reasoning } from '../../answers/index.ts';
import { nextTokens, type Branch, type EncodedPrompt, type Model, type NextToken, type Processor } from '../../models/index.ts';
import type { Decision, ExplainAsk } from '../../protocol/index.ts';
import { tensor, torch } from '../../torch/index.ts';
import { errors } from '../errors.ts';
import type { Said } from './said.ts';

/** Sentences at which a reasoning is cut; of a longer one evenly spread ones. */
const MOST_CUTS = 64;

type Found = Pick<Decision, 'options' | 'cuts' | 'decided' | 'asked_by' | 'own_words'>;

/** Throws EXPLAIN_OPTIONS for a question without options. */
export function decision({ model, processor, prompt, ids, texts }: Said, options: ExplainAsk['options']): Found {
  if (options.length === 0) throw errors.explainOptions();
  const reasoning = reasoningOf(texts, { thinkOpen: opensThink(prompt.text) });
  const { sentences, from, to, bridge, token } = reasoning;
  const kept = spread(sentences, MOST_CUTS);
  const cutAt = [from, ...kept.map((sentence) => sentence.to)];
  const asked = bridgeOf(processor, ids, texts, reasoning);
  const branches = cutAt.map((at, n) =>
    // the last cut is the completion itself up to its letter
    n === cutAt.length - 1 && token !== null ? { after: token, ids: [] } : branchAt(processor, texts, at, asked),
  );
  const probabilities = optionProbabilities(model, processor, prompt, ids, branches, options.map(({ letter }) => formOf(reasoning, letter))); // prettier-ignore
  const tokensTo = (at: number): number => tokensWithin(texts, at);
  const all = Math.max(1, tokensTo(to) - tokensTo(from));
  const cuts = probabilities.map((one, n) => ({
    ...(n === 0 ? { from, to: from } : { from: kept[n - 1].from, to: kept[n - 1].to }),
    kept: n === 0 ? 0 : n === cutAt.length - 1 ? 1 : Math.min(1, (tokensTo(cutAt[n]) - tokensTo(from)) / all),
    probabilities: one,
    other: Math.max(0, 1 - one.reduce((sum, p) => sum + p, 0)),
  }));
  return { options, cuts, decided: decidedAt(cuts.map((cut) => cut.probabilities)), asked_by: bridge, own_words: token !== null };
}

/** The letter's token as the completion writes its own. */
export const formOf = ({ letter: own }: Pick<Reasoning, 'letter'>, letter: string): string => own.replace(own.trim(), letter);

/** What leads from reasoning to letter. */
export interface Bridge {
  text: string;
  ids: readonly number[];
}

/** The completion's own tokens, where they begin at the end of the reasoning. */
export function bridgeOf(processor: Processor, ids: readonly number[], texts: readonly string[], { to, bridge, token }: Reasoning): Bridge {
  const own = token !== null && endsAt(texts, to) ? ids.slice(tokensWithin(texts, to), token) : null;
  return { text: bridge, ids: own ?? processor.encode(bridge) };
}

/** The bridge after the character `at`. A token over the edge is written anew. */
export function branchAt(processor: Processor, texts: readonly string[], at: number, bridge: Bridge): Branch {
  const after = tokensWithin(texts, at);
  if (endsAt(texts, at)) return { after, ids: bridge.ids };
  const rest = texts.join('').slice(texts.slice(0, after).join('').length, at);
  return { after, ids: processor.encode(rest + bridge.text) };
}

/** Whether a token ends at the character `at`, or the text begins there. */
const endsAt = (texts: readonly string[], at: number): boolean => texts.slice(0, tokensWithin(texts, at)).join('').length === at;

/** How many tokens end at or before the character `at`. */
function tokensWithin(texts: readonly string[], at: number): number {
  let end = 0;
  const beyond = texts.findIndex((text) => (end += text.length) > at);
  return beyond < 0 ? texts.length : beyond;
}

/** Probability of each of these texts as what follows each branch: [branch][text]. A text of several tokens has the product of theirs. */
export function optionProbabilities(
  model: Model,
  processor: Processor,
  prompt: EncodedPrompt,
  ids: readonly number[],
  branches: readonly Branch[],
  texts: readonly string[],
): number[][] {
  const forms = texts.map((text) => processor.encode(text));
  // a text of several tokens needs a branch of its own, which ends before its last token
  const all: Branch[] = [...branches];
  const places = new Map<string, NextToken & { wanted: { token: number; branch: number; form: number }[] }>();
  branches.forEach((branch, n) =>
    forms.forEach((form, f) => {
      const longer = form.length > 1 ? all.push({ after: branch.after, ids: [...branch.ids, ...form.slice(0, -1)] }) - 1 : n;
      form.forEach((token, i) => {
        const tokens = branch.ids.length + i;
        const key = `${longer} ${tokens}`;
        const place = places.get(key) ?? { branch: longer, tokens, wanted: [] };
        places.set(key, place);
        place.wanted.push({ token, branch: n, form: f });
      });
    }),
  );
  const logps = branches.map(() => forms.map(() => 0));
  const list = [...places.values()];
  nextTokens(model, prompt, ids, all, list, (rows, from) => {
    const [m, V] = rows.shape;
    const part = list.slice(from, from + m).flatMap(({ wanted }, row) => wanted.map((one) => ({ ...one, at: row * V + one.token })));
    const at = tensor(
      part.map((one) => one.at),
      { dtype: 'int64', device: model.device },
    );
    const values = torch.index_select(torch.reshape(rows, [m * V]), 0, at).toFloat32();
    part.forEach(({ branch, form }, i) => (logps[branch][form] += values[i]));
  });
  return logps.map((row) => row.map(Math.exp));
}

/** The first cut from which on the likeliest option is that of the last one. */
export function decidedAt(cuts: readonly (readonly number[])[]): number {
  const best = cuts.map((cut) => cut.indexOf(Math.max(...cut)));
  return best.findLastIndex((one) => one !== best.at(-1)) + 1;
}

/** At most `most` of the values, the last among them. */
function spread<T>(values: readonly T[], most: number): T[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, i) => values[Math.ceil(((i + 1) * values.length) / most) - 1]);
}
