/** "Try it" and the prompt: who answers, how it samples, and what came back. One model for both, so that the prompt shown is the prompt asked. */
import { formatQuestion } from '@medr1/kernel-bridge/answers';
import { inSentence } from '../format.ts';
import type { Checkpoint, Connector, DataItem, Generation, GenerateRequest, RunSummary, ServerInfo } from '../connector.ts';
import { Latest } from '../load.ts';
import { Observable } from '../observable.ts';
import type { Edit, Look, Tries, Try, TrySettings, Variant } from '../store/tries.ts';

export const VARIANTS = { think: 'think', 'no-think': 'no-think', 'think-after': 'think-after' } as const satisfies Record<Variant, string>;

/** Who answers. */
export interface Policy {
  key: string;
  /** What it is listed under. */
  group: string;
  label: string;
  /** Over its answers, which name their step themselves: while a run trains, its newest policy has made further steps by then. */
  heading: string;
  request: Pick<GenerateRequest, 'run' | 'step' | 'model'>;
  /** That it was made for; null when not known. */
  variant: Variant | null;
}

const WHOLE: Look = { blank: false, crop: null };

export interface AskState extends TrySettings {
  policies: Policy[];
  /** Key of the chosen policy; the first while it is null. */
  chosen: string | null;
  /** Keys of policies that are asked too, to stand beside the chosen one. */
  beside: string[];
  /** A model directory typed in. */
  directory: string;
  variants: Variant[];
  /** Null: the question as it stands. */
  edit: Edit | null;
  look: Look;
  /** The answers get the rewards of the run that is selected first. */
  scored: boolean;
  /** Of this question, the newest first. */
  tries: readonly Try[];
  /** Whether the prompt is looked at; then it follows the question and the policy. */
  promptOpen: boolean;
  promptVariant: Variant;
}

/** Bounds that the backend keeps (protocol/generate.ts). */
export const BOUNDS = {
  num: [1, 16, 1],
  temperature: [0, 10, 0.1],
  max_new_tokens: [1, 2048, 1],
  seed: [0, 2 ** 32 - 1, 1],
} as const satisfies Record<string, readonly [least: number, most: number, step: number]>;
const DIRECTORY = 'directory';
/** Policies that are asked at once. */
export const MOST_POLICIES = 4;

export class AskModel {
  readonly state = new Observable<AskState>({
    policies: [],
    chosen: null,
    beside: [],
    directory: '',
    variants: ['think', 'no-think'],
    num: 1,
    temperature: 0,
    max_new_tokens: 256,
    seed: null,
    edit: null,
    look: WHOLE,
    scored: true,
    tries: [],
    promptOpen: false,
    promptVariant: 'think',
  });
  /** As the chosen policy gets it. */
  readonly prompt = new Latest<Generation>();
  readonly #connector: Connector;
  readonly #checkpoints = new Map<string, { state: string; list: Checkpoint[] }>();
  #offered: Offered = { runs: [], selected: [], server: null };
  #question: { dataset: string; item: string } | null = null;
  /** Of the try that was begun last. */
  #asked: readonly { answer: Latest<Generation> }[] = [];
  readonly #tries: Pick<Tries, 'of' | 'put'>;

  constructor(connector: Connector, tries: Pick<Tries, 'of' | 'put'>) {
    this.#connector = connector;
    this.#tries = tries;
  }

  /** Another question: what still runs is stopped; its tries are there again when it is looked at again. */
  ask(dataset: string, item: string): void {
    if (this.#question?.dataset === dataset && this.#question.item === item) return this.#show();
    this.cancel();
    this.#question = { dataset, item };
    this.#asked = [];
    this.#change({ edit: null, look: WHOLE });
    this.#show();
    this.#lookAtPrompt();
  }

  /** The tries of the question. */
  #show(): void {
    const { dataset, item } = this.#question!;
    const tries = this.#tries.of(dataset, item);
    if (tries !== this.state.value.tries) this.#change({ tries });
  }

  #keep(tries: readonly Try[]): void {
    const { dataset, item } = this.#question!;
    this.#tries.put(dataset, item, tries);
    this.#show();
  }

  /** Puts the question into words of one's own, beginning with its own; null = as it stands. */
  edit(edit: Edit | null): void {
    const { edit: before, look } = this.state.value;
    const otherImage = before !== null && before.image !== edit?.image;
    this.#change({ edit, look: otherImage ? { ...look, crop: null } : look }); // a stretch of one image is none of another
    this.#lookAtPrompt();
  }

  /** Shows the model another part of the image, or grey in its place. */
  look(change: Partial<Look>): void {
    this.#change({ look: { ...this.state.value.look, ...change } });
    this.#lookAtPrompt();
  }

  /** A policy is asked too, or no longer. */
  toggleBeside(key: string): void {
    const { beside } = this.state.value;
    this.#change({ beside: beside.includes(key) ? beside.filter((one) => one !== key) : [...beside, key].slice(1 - MOST_POLICIES) });
  }

  /** Takes a try out of the list. */
  forget(id: number): void {
    this.#keep(this.state.value.tries.filter((one) => one.id !== id));
  }

  /** Who may answer: the runs with their checkpoints, selected ones first, and the sample's models. */
  offer(runs: readonly RunSummary[], selected: readonly string[], server: ServerInfo | null): void {
    this.#offered = { runs, selected, server };
    for (const run of this.#selectedRuns) if (this.#checkpoints.get(run.id)?.state !== run.state) void this.#readCheckpoints(run);
    this.#list();
  }

  /** Looks for checkpoints that were written since. */
  async refresh(): Promise<void> {
    await Promise.all(this.#selectedRuns.map((run) => this.#readCheckpoints(run)));
  }

  choose(key: string): void {
    this.#change({ chosen: key });
    this.#chosen();
  }

  setDirectory(directory: string): void {
    this.#change({ chosen: DIRECTORY, directory: directory.trim() });
    this.#lookAtPrompt();
  }

  set(change: Partial<Pick<AskState, 'variants' | 'num' | 'temperature' | 'max_new_tokens' | 'seed' | 'scored'>>): void {
    this.#change(change);
  }

  /** Takes a number within its bounds; false when it is none. */
  setNumber(key: keyof typeof BOUNDS, text: string): boolean {
    const value = Number(text);
    const [least, most, step] = BOUNDS[key];
    if (key === 'seed' && text.trim() === '') this.#change({ seed: null });
    else if (text.trim() === '' || !(value >= least && value <= most) || (step === 1 && !Number.isInteger(value))) return false;
    else this.#change({ [key]: value });
    return true;
  }

  /** The chosen policy; the first while none is chosen, or when it is gone. */
  get policy(): Policy | null {
    const { policies, chosen, directory } = this.state.value;
    if (chosen === DIRECTORY)
      return directory === ''
        ? null
        : { key: DIRECTORY, group: 'Model', label: directory, heading: directory, request: { model: directory }, variant: null };
    return policies.find(({ key }) => key === chosen) ?? policies[0] ?? null;
  }

  /** Whose rewards the answers may get; null while no run is selected. */
  get scorer(): RunSummary | null {
    return this.#selectedRuns.find(({ id }) => id === this.#offered.selected[0]) ?? null;
  }

  get isDirectory(): boolean {
    return this.state.value.chosen === DIRECTORY;
  }

  /** The chosen policy and those beside it. */
  get asked(): Policy[] {
    const { policy } = this;
    const { policies, beside } = this.state.value;
    return policy ? [policy, ...policies.filter(({ key }) => key !== policy.key && beside.includes(key))] : [];
  }

  get isRunning(): boolean {
    return this.#asked.some(({ answer }) => answer.isPending);
  }

  /** Asks each chosen policy each chosen variant. Answers of before stay below. */
  async run(): Promise<void> {
    const { variants, num, temperature, max_new_tokens, seed, edit, look, scored } = this.state.value;
    const { asked, scorer } = this;
    const question = this.#words;
    if (asked.length === 0 || !question || variants.length === 0) return;
    this.cancel();
    const id = 1 + Math.max(0, ...this.state.value.tries.map((one) => one.id));
    const rewards = scored && scorer !== null && { rewards: scorer.id };
    const settings = { num, temperature, max_new_tokens, ...(seed !== null && { seed }), ...rewards };
    const all = asked.flatMap((policy) =>
      variants.map((variant) => {
        const { run, model } = policy.request;
        const who = { ...(run !== undefined && { run }), ...(model !== undefined && { model }) };
        return { policy, variant, asked: { ...who, ...question, variant }, answer: new Latest<Generation>() };
      }),
    );
    this.#asked = all;
    const made = (): Try => {
      const answers = all.flatMap(({ policy: { key, heading }, variant, asked, answer: { value } }) =>
        value.status === 'idle' ? [] : [{ policy: { key, heading }, variant, asked, answer: value }],
      );
      return {
        id,
        settings: { num, temperature, max_new_tokens, seed },
        edit,
        look,
        answers,
        running: all.some(({ answer }) => answer.isPending),
      };
    };
    const tell = (): void => {
      if (this.#asked !== all) return;
      const others = this.state.value.tries.filter((one) => one.id !== id);
      const now = made();
      this.#keep(now.answers.length > 0 ? [now, ...others] : others);
    };
    for (const { answer } of all) answer.subscribe(tell);
    await Promise.all(
      all.map(({ policy, variant, answer }) =>
        answer.ask((signal) => this.#connector.generate({ ...policy.request, ...question, variant, ...settings }, signal)),
      ),
    );
  }

  /** Stops what runs; what has been answered stays. */
  cancel(): void {
    for (const { answer } of this.#asked) answer.stop();
  }

  /** The question as a request names it. */
  get #words(): Pick<GenerateRequest, 'dataset' | 'item' | 'question' | 'image' | 'blank' | 'crop'> | null {
    const { edit, look } = this.state.value;
    if (!this.#question) return null;
    const { dataset } = this.#question;
    const shown = { ...(look.blank && { blank: true }), ...(look.crop && { crop: look.crop }) };
    if (!edit) return { ...this.#question, ...shown };
    return { dataset, question: edit.question, ...(edit.image !== '' && { image: edit.image, ...shown }) };
  }

  openPrompt(open: boolean): void {
    if (open === this.state.value.promptOpen) return;
    this.#change({ promptOpen: open });
    this.#lookAtPrompt();
  }

  showPrompt(variant: Variant): void {
    this.#change({ promptVariant: variant });
    this.#lookAtPrompt();
  }

  dispose(): void {
    this.cancel();
    this.prompt.stop();
  }

  /** Those whose checkpoints are offered. */
  get #selectedRuns(): RunSummary[] {
    const { runs, selected } = this.#offered;
    return runs.filter(({ id }) => selected.includes(id));
  }

  #list(): void {
    const { runs, selected, server } = this.#offered;
    const policies = policiesOf(runs, selected, new Map([...this.#checkpoints].map(([id, { list }]) => [id, list])), server);
    if (JSON.stringify(policies) === JSON.stringify(this.state.value.policies)) return;
    const before = this.policy?.key;
    this.#change({ policies });
    if (this.policy?.key !== before) this.#chosen();
  }

  #chosen(): void {
    const variant = this.policy?.variant;
    if (variant) this.#change({ promptVariant: variant });
    this.#lookAtPrompt();
  }

  #lookAtPrompt(): void {
    const { promptOpen, promptVariant: variant } = this.state.value;
    const { policy } = this;
    const question = this.#words;
    if (!promptOpen || !policy || !question) return;
    const request: GenerateRequest = { ...policy.request, ...question, variant, num: 0 };
    void this.prompt.askOnce(JSON.stringify(request), (signal) => this.#connector.generate(request, signal));
  }

  async #readCheckpoints(run: RunSummary): Promise<void> {
    this.#checkpoints.set(run.id, { state: run.state, list: this.#checkpoints.get(run.id)?.list ?? [] });
    const detail = await this.#connector.run(run.id).catch(() => null); // without them its newest policy can still be asked
    if (!detail) return;
    this.#checkpoints.set(run.id, { state: run.state, list: detail.checkpoints });
    this.#list();
  }

  #change(change: Partial<AskState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }
}

/** A question as it is put to a model, to be put in other words. */
export const editOf = (item: Pick<DataItem, 'question' | 'options' | 'image'>): Edit => ({
  question: formatQuestion(item),
  image: item.image,
});

interface Offered {
  runs: readonly RunSummary[];
  selected: readonly string[];
  server: ServerInfo | null;
}

/** Newest policies of all runs, the selected ones first and with their checkpoints, then the models of the made sample. */
export function policiesOf(
  runs: readonly RunSummary[],
  selected: readonly string[],
  checkpoints: ReadonlyMap<string, readonly Checkpoint[]>,
  server: ServerInfo | null,
): Policy[] {
  const chosen = selected.flatMap((id) => runs.find((run) => run.id === id) ?? []);
  const others = runs.filter((run) => !selected.includes(run.id));
  const ofRuns = [
    ...chosen.flatMap((run) => [newestOf(run, 'Selected runs'), ...checkpointsOf(run, checkpoints.get(run.id) ?? [])]),
    ...others.map((run) => newestOf(run, 'Other runs')),
  ];
  const models = Object.entries(server?.sample?.models ?? {}).map(([variant, model]): Policy => {
    const label = variantOf(variant) === null ? 'model of the sample' : `model of the sample, ${variant}`;
    return { key: `model:${model}`, group: 'Made sample', label, heading: label, request: { model }, variant: variantOf(variant) };
  });
  return [...ofRuns, ...models];
}

const variantOf = (name: string): Variant | null => (name in VARIANTS ? (name as Variant) : null);

function newestOf(run: RunSummary, group: string): Policy {
  const heading = `${inSentence(run.name)}, newest policy`;
  const label = run.step > 0 ? `${heading} (step ${run.step})` : `${inSentence(run.name)}, the model it starts from`;
  return { key: `run:${run.id}`, group, label, heading, request: { run: run.id }, variant: variantOf(run.variant) };
}

function checkpointsOf(run: RunSummary, list: readonly Checkpoint[]): Policy[] {
  return list
    .toSorted((a, b) => b.step - a.step)
    .map(({ step }) => {
      const label = `${inSentence(run.name)}, checkpoint of step ${step}`;
      const request = { run: run.id, step };
      return { key: `run:${run.id}@${step}`, group: 'Selected runs', label, heading: label, request, variant: variantOf(run.variant) };
    });
}
