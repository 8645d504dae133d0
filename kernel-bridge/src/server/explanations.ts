/** POST /explain/...: finds the completion that a question is about and the policy that is to answer (asking.ts has it answered). */
import { choicesOf, letterOf, optionsIn } from '../answers/index.ts';
import { openPicture } from '../data/image/picture.ts';
import type { Variant } from '../protocol/config.ts';
import type { VqaItem } from '../protocol/data.ts';
import type {
  Alternatives,
  AskAlternatives,
  AskAttribution,
  Attribution,
  Decision,
  ExplainAsk,
  ExplainTarget,
  Explanations as Answers,
} from '../protocol/explain.ts';
import type { Put } from '../protocol/generate.ts';
import { trainedBy, type Group } from '../protocol/run.ts';
import { errors } from '../runs/errors.ts';
import { readGroups } from '../runs/groups.ts';
import { requireOwn } from '../runs/imported.ts';
import type { RunRow } from '../runs/row.ts';
import type { Answered } from './asking.ts';
import type { QuestionSources } from './generations.ts';
import type { GroupOf, Handlers } from './mount.ts';
import { checkCrop, questionAsked, wronglyNamed } from './question.ts';

/** Blocks of occlusion, where none are named. */
const BLOCKS: [number, number] = [7, 7];
/** The user's turn as it stands. */
const AS_IT_STANDS = '{question}';

export function explainHandlers(sources: QuestionSources): Handlers<GroupOf<'explain'>> {
  const explanations = new Explanations(sources);
  return {
    'explain.alternatives': ({ body, signal }) => explanations.alternatives(body, signal),
    'explain.attribution': ({ body, signal }) => explanations.attribution(body, signal),
    'explain.decision': ({ body, signal }) => explanations.decision(body, signal),
  };
}

/** Throws what `Asking` throws, EXPLAIN_COMPLETION, EXPLAIN_TOKEN, EXPLAIN_OPTIONS, and what is wrong with the request. */
export class Explanations {
  readonly #sources: QuestionSources;

  constructor(sources: QuestionSources) {
    this.#sources = sources;
  }

  alternatives({ top = 5, temperature, ...target }: AskAlternatives, signal: AbortSignal): Promise<Alternatives> {
    const own = target.run === undefined ? 1 : this.#sources.store(target.run).row().config.temperature;
    return this.#explain(target, { kind: 'alternatives', top, temperature: temperature ?? own }, signal);
  }

  attribution(request: AskAttribution, signal: AbortSignal): Promise<Attribution> {
    const { token = null, against = [], method = 'integrated', steps = 50, blocks = BLOCKS, orders = 10, ...target } = request;
    return this.#explain(target, { kind: 'attribution', token, against, method, steps, blocks, orders }, signal);
  }

  decision(target: ExplainTarget, signal: AbortSignal): Promise<Decision> {
    return this.#explain(target, { kind: 'decision' }, signal);
  }

  #explain<K extends keyof Answers>(
    target: ExplainTarget,
    explain: Extract<ExplainAsk['explain'], { kind: K }>,
    signal: AbortSignal,
  ): Promise<Answers[K] & Pick<Decision, 'run' | 'step' | 'wanted_step' | 'live' | 'model'>> {
    const { asking, store } = this.#sources;
    return asking.inTime(signal, async (inTime) => {
      checkTogether(target, `POST /explain/${explain.kind}`);
      if (target.run !== undefined) requireOwn(store(target.run), 'be asked');
      const run = target.run === undefined ? null : store(target.run).row();
      const ask: ExplainAsk = { ...(await this.#completion(target, run)), explain };
      const wanted = run === null || target.policy === 'newest' ? null : (target.step ?? (target.rollout ? target.rollout.step - 1 : null));
      const answered: Answered<ExplainAsk> = !run
        ? await asking.model(target.model!, ask, inTime)
        : wanted === null
          ? await asking.newest(run.id, ask, inTime)
          : await asking.nearest(run.id, wanted, ask, inTime);
      const { answer, ...who } = answered;
      return { run: run?.id ?? null, wanted_step: wanted, ...who, ...(answer as Answers[K]) };
    });
  }

  /** The completion and its prompt, with what the request changes. */
  async #completion(target: ExplainTarget, run: RunRow | null): Promise<Omit<ExplainAsk, 'explain'>> {
    const { text = null, blank = false, order, image, crop = null } = target;
    const { put, token_ids } = target.rollout ? this.#stored(target, run!) : await this.#asked(target, run);
    const shown = order === undefined ? put.item : reordered(put.item, order);
    const item = { ...shown, image: image ?? shown.image };
    if (item.image !== '') checkCrop(target.crop, await openPicture(put.root, item.image)); // refused here rather than after the wait for a step
    const choices = choicesOf(item.options);
    const options =
      choices.length > 0
        ? choices.map(({ letter, text: option, index }) => ({ letter, text: option, index: order?.[index] ?? index }))
        : optionsIn(item.question).map((option, index) => ({ letter: letterOf(index), text: option, index }));
    // The words that the policy got, where nothing of them is changed: they may be those of another prompt than the run's own by now.
    const stored = target.rollout && order === undefined && target.variant === undefined && target.prompt_template === undefined;
    const wording = stored ? { template: AS_IT_STANDS, item: { ...item, question: put.words!, options: [] } } : { item };
    const { words: _, ...rest } = put;
    return { ...rest, ...wording, crop, blank, options, token_ids: text === null ? token_ids : null, text };
  }

  #stored({ rollout, variant, prompt_template }: ExplainTarget, run: RunRow): Completion {
    const { step, group: place, completion } = rollout!;
    const store = this.#sources.store(run.id);
    const group = readGroups(store.db, { from: step, to: step, limit: 1, offset: place })[0] as Group | undefined;
    const one = group?.completions.find(({ index }) => index === completion);
    if (!group || group.group !== place || !one) throw errors.noCompletion(run.id, step, place, completion);
    const sampledWith = trainedBy(store.summary().inherited, step)?.variant as Variant | null | undefined;
    const { item_id: id, dataset, image, question, options, answer, modality, question_type, prompt } = group;
    const item = { id, dataset, image: image ?? '', question, options, answer, modality, question_type, problem: null };
    const asked = variant ?? sampledWith ?? run.config.variant;
    return { put: { ...putOf(run, asked, prompt_template), root: run.root, item, words: prompt }, token_ids: one.token_ids };
  }

  async #asked(target: ExplainTarget, run: RunRow | null): Promise<Completion> {
    const { image: _, ...named } = target; // another image may stand beside an item
    const { root, item } = await questionAsked(named, run, this.#sources);
    const variant = target.variant ?? run?.config.variant ?? 'think';
    return { put: { ...putOf(run, variant, target.prompt_template), root, item, words: null }, token_ids: target.token_ids ?? null };
  }
}

interface Completion {
  /** `words`: the user's turn as it was put; null where that is not stored. */
  put: Put & { words: string | null };
  token_ids: number[] | null;
}

const putOf = (run: RunRow | null, variant: Variant, template: string | null | undefined) => ({
  variant,
  template: template ?? (run?.config.variant === variant ? run.config.prompt_template : null),
  evaluation: run === null,
  min_pixels: run?.config.min_pixels ?? null,
  max_pixels: run?.config.max_pixels ?? null,
});

/** `order` says which option comes first, second, ...; it names each that is a choice once. */
function reordered(item: VqaItem, order: readonly number[]): VqaItem {
  const places = choicesOf(item.options).map(({ index }) => index);
  if (order.toSorted((a, b) => a - b).join() !== places.join()) throw errors.explainOrder(order, places);
  const answer = order.findIndex((index) => letterOf(index) === item.answer);
  return { ...item, options: order.map((index) => item.options[index]), answer: answer < 0 ? null : letterOf(answer) };
}

function checkTogether(target: ExplainTarget, where: string): void {
  const { rollout, run, step, policy, token_ids, text, item, question, dataset } = target;
  const said = token_ids !== undefined || text !== undefined;
  const wrong = rollout
    ? [
        (run === undefined || target.model !== undefined) && 'a rollout is one of a run',
        (item ?? question ?? dataset ?? token_ids) !== undefined && "a rollout's question and tokens are its own",
      ].find((problem) => problem !== false)
    : (wronglyNamed({ ...target, step: undefined }, { isAsked: true }) ??
      (said ? undefined : 'it names no completion: a rollout, token_ids or text'));
  const both =
    step !== undefined && (run === undefined || policy === 'newest') ? 'a step is that of the nearest policy of a run' : undefined;
  const problem = wrong ?? both;
  if (problem !== undefined) throw errors.badRequest(where, problem);
}
