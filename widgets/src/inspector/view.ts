/** The Inspector: details of what is selected, always in the same order. All text here is untrusted: text nodes only. */
import { choicesOf } from '@medr1/kernel-bridge/answers';
import { trainedBy } from '@medr1/kernel-bridge/protocol/run';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { breakable } from '../breakable.ts';
import type { Completion, DataSample, Group, ItemAnswers } from '../connector.ts';
import { command, define, PageElement, type HostCommand } from '../element.ts';
import { itemPicture } from '../item-picture.ts';
import { direction, integer, number, signed, told } from '../format.ts';
import { progressOf } from '../store/data/datasets.ts';
import { readable } from '../marked.ts';
import { empty, failed, loading } from '../view-states.ts';
import { completionStyles, completionText, glyph, judged, verdictTitle } from '../rollouts/completion.ts';
import { laterUpdates, missing, type Colouring, type TokenQuantity } from '../store/rollouts/colouring.ts';
import { colouringSwitch } from '../rollouts/legend.ts';
import { goldText, hasTokens, samplerName, tokenCount } from '../store/rollouts/model.ts';
import { saidOf } from '../rollouts/question.ts';
import '../explain/view.ts';
import type { Subject } from '../explain/model.ts';
import { rolloutOf } from '../store/rollouts/alternatives.ts';
import '../rollouts/tokens.ts';
import { byRun, tally } from '../sample/model.ts';
import { HeldRuns } from '../store/held-runs.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { InspectorModel, meanOf, rewardParts, weightsAt, type Subject as InspectedSubject } from './model.ts';
import { style } from './style.ts';

const PIXELS = 384;
/** Runs whose newest answer is shown. */
const RUNS = 4;
/** Metrics shown of a step, where it has them, after its rewards. */
const OF_A_STEP = ['kl', 'entropy', 'loss', 'grad_norm', 'completions/mean_length', 'completions/clipped_ratio'];

export class InspectorPanel extends PageElement {
  static override properties = { workbench: { attribute: false }, broken: { state: true } };
  declare workbench: IWorkbench;
  /** Address of an image that did not load. */
  declare broken: string | null;

  #model: InspectorModel | null = null;
  readonly #held = new HeldRuns(this);

  constructor() {
    super();
    this.broken = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { selection, runs, data, tokenTexts, alternatives, rollouts } = this.workbench;
    return [
      alternatives.changed,
      selection,
      runs.state,
      data.state,
      data.datasets.state,
      tokenTexts.changed,
      rollouts.state,
      this.#model!.state,
      this.#model!.sample.state,
    ];
  }

  protected override acquire(): void {
    this.#model ??= new InspectorModel(this.workbench.connector);
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    const { selection, data, runs } = this.workbench;
    this.#held.hold(runs, selection.run === null ? [] : [selection.run]);
    const { config = null, lastStep = 0 } = this.#held.first ?? {};
    const updates = laterUpdates(selection.value.step ?? lastStep, config, lastStep);
    this.#model!.follow(selection.value, data.queryOn(selection.value.dataset), updates);
  }

  protected override render(): TemplateResult {
    const { subject, group } = this.#model!.state.value;
    if (subject === 'nothing')
      return empty('Nothing selected', 'Click a question in Data, a completion in Rollouts or a point on the curves.');
    return html`<div
      class="page"
      tabindex="0"
      data-testid="inspected"
      data-subject=${subject}
      aria-label=${KEYS[subject]}
      @keydown=${this.#onKey}
    >
      <p class="title small" data-testid="inspected-title">${this.#title(subject)}</p>
      ${
        subject === 'step'
          ? this.#step()
          : subject === 'question'
            ? this.#question()
            : group.status === 'idle' || group.status === 'loading'
              ? loading('rollout')
              : group.status === 'error'
                ? failed(group.error, () => this.#model!.retry())
                : this.#rollout(group.value)
      }
    </div>`;
  }

  #title(subject: Exclude<InspectedSubject, 'nothing'>): TemplateResult {
    const { step, group, item } = this.workbench.selection.value;
    if (subject === 'question') return html`<b>Question</b> <span class="secondary">${item}</span>`;
    const sampler = this.#sampler(step);
    const of = html`<span class="secondary" data-testid="of"
      >of ${this.#held.first?.name ?? ''}${sampler === null ? '' : `, sampled by ${sampler}`}</span
    >`;
    return subject === 'step'
      ? html`<b>Step ${integer(step)}</b> ${of}`
      : html`<b>Step ${integer(step)}, group ${integer(group)}</b> ${of}`;
  }

  /** Who sampled a step that a fork began with; null for steps of its own. */
  #sampler(step: number | null): string | null {
    const by = step === null ? null : trainedBy(this.#held.first?.detail?.summary.inherited ?? [], step);
    return by && samplerName(by);
  }

  /* A completion with its group */

  #rollout(group: Group): TemplateResult {
    const { completion } = this.workbench.selection.value;
    const series = this.#held.first;
    const one = group.completions[completion ?? 0] ?? group.completions[0];
    const run = this.workbench.selection.run!;
    const sample = this.#sampleOf(group.item_id);
    return html`
      ${this.#image(group.image ? this.workbench.connector.imageUrl(run, group.image, PIXELS) : null, group.question)}
      ${asked(group.question, group.options, group.answer)} ${section('Answer', html`<p data-testid="gold">${goldText(group)}</p>`)}
      ${section(
        'Prediction',
        html`${this.#choice(group, one)} ${this.#said(group, one)}
          <medr1-explain
            .connector=${this.workbench.connector}
            .subject=${this.#subject(run, group, one)}
            .token=${this.workbench.selection.value.token}
          ></medr1-explain>`,
      )}
      ${section('Rewards', this.#rewards(group, one, weightsAt(series?.revisions ?? [], group.step)))}
      ${section(
        'Metadata',
        facts([
          ['run', series?.name ?? run],
          ['sampled by', this.#sampler(group.step) ?? ''],
          ['step', integer(group.step)],
          ['group', integer(group.group)],
          ['completion', `${one.index + 1} of ${group.completions.length}`],
          ['reading', group.reading],
          [
            'length',
            `${tokenCount(one) > 0 ? `${integer(tokenCount(one))} tokens` : `${integer(one.text.length)} characters`}${one.finish_reason === 'length' ? ', ⚠ cut off' : ''}`,
          ],
          ['mean log p', number(meanOf(one.logprobs))],
          ['mean entropy', one.entropy ? `${number(meanOf(one.entropy))} nats` : ''],
          ['mean KL', one.kl ? `${number(meanOf(one.kl))} nats` : ''],
          ['modality', group.modality],
          ['type', group.question_type],
          ['data set', group.dataset],
          ['split', sample?.item.splits.join(', ') ?? ''],
          ['question id', group.item_id],
          ['image', group.image ?? ''],
        ]),
      )}
      ${section('Links', html`${this.#links(['open-rollouts', 'open-curves', 'open-sample', 'open-data'])} ${this.#unindexed(run)}`)}
    `;
  }

  /** The same object for the same completion. */
  #subject(run: string, group: Group, one: Completion): Subject {
    const target = rolloutOf(run, group, one.index);
    if (JSON.stringify(this.#asked?.target) !== JSON.stringify(target))
      this.#asked = {
        target,
        text: one.text,
        options: choicesOf(group.options),
        image: group.image ? this.workbench.connector.imageUrl(run, group.image, 2 * PIXELS) : null,
      };
    return this.#asked!;
  }
  #asked: Subject | null = null;

  /** One chip a completion: its letter, right or wrong, and its advantage. */
  #choice(group: Group, one: Completion): TemplateResult {
    return html`<div class="choice" role="group" aria-label="Completions of the group">
      ${group.completions.map(
        (each) =>
          html`<button
            class=${`quiet chip ${judged(each.correct)}`}
            aria-pressed=${each === one}
            title=${`completion ${each.index + 1}: ${verdictTitle(each.correct, group.reading)}; reward ${number(each.reward)}, advantage ${signed(each.advantage)}`}
            data-testid="choose-completion"
            @click=${() => this.workbench.selection.move({ completion: each.index })}
          >
            ${glyph(each.correct)} ${each.prediction ?? '–'}
          </button>`,
      )}
    </div>`;
  }

  #said(group: Group, one: Completion): TemplateResult {
    const { selection, tokenTexts, rollouts } = this.workbench;
    const { token } = selection.value;
    // a chosen token is shown among its tokens
    const { colouring: asked } = rollouts.state.value;
    const colouring: Colouring = asked === 'off' && token !== null ? 'logprob' : asked;
    const { config = null, lastStep = 0 } = this.#held.first ?? {};
    const why = (quantity: TokenQuantity): string | null => missing(quantity, [group], config, lastStep);
    const texts = colouring !== 'off' && hasTokens(group) ? tokenTexts.of(selection.run!, group.step, group.group) : null;
    const of = texts?.status === 'ready' ? texts.value[one.index] : undefined;
    const words = completionText(saidOf(one, group));
    const choose = (chosen: Colouring): void => {
      if (chosen === 'off') selection.move({ token: null });
      rollouts.set({ colouring: chosen });
    };
    return html`
      ${
        of && colouring !== 'off'
          ? html`<medr1-tokens
              .texts=${of}
              .facts=${one}
              .colouring=${colouring}
              .absent=${why(colouring)}
              .said=${saidOf(one, group)}
              .token=${token}
              .alternatives=${this.workbench.alternatives.of(rolloutOf(selection.run!, group, one.index))}
              @medr1-ponder=${() => void this.workbench.alternatives.ask(rolloutOf(selection.run!, group, one.index))}
              @medr1-token=${(event: CustomEvent<number>) => selection.move({ completion: one.index, token: event.detail })}
            ></medr1-tokens>`
          : html`<div class="text" data-testid="said">${words}</div>`
      }
      <label class="small tokens">tokens ${colouringSwitch(colouring, why, choose)}</label>
      ${texts?.status === 'error' ? html`<p class="small" role="alert"><span class="warning">⚠</span> ${told(texts.error)}</p>` : nothing}
    `;
  }

  #rewards(group: Group, one: Completion, weights: Record<string, number>): TemplateResult {
    return html`<table class="rewards" data-testid="rewards">
      <thead>
        <tr>
          <th>function</th>
          <th class="number">raw</th>
          <th class="number">weight</th>
          <th class="number" title="raw × weight, what it adds to the reward">adds</th>
        </tr>
      </thead>
      <tbody>
        ${rewardParts(one, weights).map(
          ({ name, raw, weight, part }) =>
            html`<tr>
              <td class="name" title=${name}>${name}</td>
              <td class="number">${number(raw)}</td>
              <td class="number">${number(weight)}</td>
              <td class="number">${number(part)}</td>
            </tr>`,
        )}
      </tbody>
      <tfoot>
        <tr>
          <th colspan="3">reward</th>
          <td class="number">${number(one.reward)}</td>
        </tr>
        <tr>
          <th colspan="3" title="How far its reward is above the mean of its group, in the unit that scale_rewards gives">advantage</th>
          <td class=${`number ${direction(one.advantage)}`}>${signed(one.advantage)}</td>
        </tr>
        <tr class="secondary">
          <td colspan="4" title="mean ± standard deviation of the reward in the group">
            group: ${number(group.reward_mean)} ± ${number(group.reward_std)}
          </td>
        </tr>
      </tfoot>
    </table>`;
  }

  /* A question of a data set */

  #question(): TemplateResult {
    const { status, sample, error, answers, dataset, place } = this.#model!.sample.state.value;
    if (status === 'error') return failed(error!, () => this.#model!.sample.reload());
    if (!sample) return loading('question');
    const { item } = sample;
    const { data } = this.workbench.connector;
    return html`
      ${this.#image(itemPicture(data, dataset!, item, PIXELS), item.question)} ${asked(item.question, item.options, item.answer)}
      ${section('Answer', html`<p data-testid="gold">${goldText(item)}</p>`)}
      ${section(
        'Prediction',
        answers.status === 'loading' || answers.status === 'idle'
          ? html`<p class="secondary" role="status">Loading answers …</p>`
          : answers.status === 'error'
            ? failed(answers.error, () => void this.#model!.sample.loadAnswers())
            : answers.value.length === 0
              ? html`<p class="secondary">No run has asked this question yet.</p>`
              : html`<ul>
                  ${repeat(
                    byRun(answers.value, this.workbench.selection.value.runs).slice(0, RUNS),
                    ({ run, answers: [newest] }) => `${run} ${newest.step}`,
                    ({ name, answers: [newest] }) => this.#answered(name, newest),
                  )}
                </ul>`,
      )}
      ${section(
        'Rewards',
        html`<p class="secondary">Each completion of a step has rewards. Choose a completion in Rollouts, or a step above.</p>`,
      )}
      ${section(
        'Metadata',
        facts([
          ['modality', item.modality],
          ['type', item.question_type],
          ['data set', item.dataset],
          ['split', item.splits.join(', ')],
          ['size', item.width === null ? '' : `${integer(item.width)} × ${integer(item.height)} pixels`],
          ['problem', item.problem ?? ''],
          ['on this image', `${integer(sample.same_image.length + 1)} questions`],
          ['near-duplicates', integer(sample.near.length)],
          ['place', place && place.index !== null ? `${integer(place.index + 1)} of ${integer(place.total)} of the filter` : ''],
          ['question id', item.id],
          ['image', item.image],
        ]),
      )}
      ${section('Links', this.#links(['open-sample', 'open-data', 'open-evaluation']))}
    `;
  }

  #answered(name: string, newest: ItemAnswers): TemplateResult {
    const { selection } = this.workbench;
    const { right, judged: all } = tally(newest);
    const verdict = all === 0 ? null : right === all ? true : right === 0 ? false : null;
    return html`<li data-testid="answered">
      <span class="ellipsis">${name}</span>
      ${newest.sampled_by ? html`<span class="small secondary" data-testid="sampled-by">from ${newest.sampled_by.name}, ${newest.variant}</span>` : nothing}
      <span class=${`chip ${judged(verdict)}`}
        >${all === 0 ? '? not judged' : `${verdict === null ? '◐' : glyph(verdict)} ${right} of ${all} right`}</span
      >
      ${
        newest.group === null
          ? html`<span class="small secondary">evaluation, step ${integer(newest.step)}</span>`
          : html`<button
              class="quiet small"
              title="Show this group"
              data-testid="open-step"
              @click=${() => selection.move({ runs: [newest.run], step: newest.step, group: newest.group, item: selection.value.item })}
            >
              step ${integer(newest.step)} →
            </button>`
      }
    </li>`;
  }

  /* A step of a run */

  #step(): TemplateResult {
    const series = this.#held.first;
    const { step } = this.workbench.selection.value;
    if (!series || series.status === 'loading') return loading('run');
    if (series.status === 'error') return failed(series.error!, () => void series.load());
    const at = series.steps.indexOf(step!);
    const value = (name: string): number | null => series.metrics.get(name)?.[at] ?? null;
    const rewards = [...series.metrics.keys()].filter((name) => /^rewards\/[^/]+\/mean$/.test(name));
    const events = series.marks.filter((mark) => mark.step === step);
    return html`
      ${section(
        'Rewards',
        at < 0
          ? html`<p class="secondary">Step ${integer(step)} is not among the points that were read of this run.</p>`
          : facts([
              ['reward', `${number(value('reward'))} ± ${number(value('reward_std'))}`],
              ...rewards.map((name): [string, string] => [name.split('/')[1], number(value(name))]),
            ]),
      )}
      ${section(
        'Metadata',
        facts([
          ['run', series.name],
          ['step', integer(step)],
          ...(at < 0 ? [] : OF_A_STEP.map((name): [string, string] => [name, value(name) === null ? '' : number(value(name))])),
          ...events.map((mark): [string, string] => [mark.kind, [mark.title, mark.detail].filter(Boolean).join(': ')]),
        ]),
      )}
      ${section('Links', this.#links(['open-rollouts', 'open-curves']))}
    `;
  }

  /* Parts */

  #image(url: string | null, question: string): TemplateResult {
    const missing = url === null || url === this.broken;
    return section(
      'Image',
      missing
        ? html`<p class="none small secondary">${url === null ? 'no image' : 'the image did not load'}</p>`
        : html`<button
            class="quiet picture"
            title="Open the question"
            aria-label="Open the question"
            @click=${() => command(this, 'open-sample')}
          >
            <img src=${url} alt=${`Image of the question: ${question}`} decoding="async" @error=${() => (this.broken = url)} />
          </button>`,
    );
  }

  #links(views: (keyof typeof VIEWS)[]): TemplateResult {
    return html`<p class="links">
      ${views.map((id) => html`<button data-testid=${`inspector-${id}`} @click=${() => command(this, id)}>${VIEWS[id]}</button>`)}
      <button
        title="The address of a page that opens with this selection, for the clipboard"
        data-testid="copy-link"
        @click=${() => command(this, 'copy-link')}
      >
        Copy link
      </button>
    </p>`;
  }

  /** The question of a rollout opens in Question and Data once its data set is indexed. */
  #unindexed(run: string): TemplateResult | typeof nothing {
    const { data } = this.workbench;
    const { jobs, refusal } = data.datasets.state.value;
    const dir = this.workbench.unindexedOf(run);
    if (dir === null) return nothing;
    const job = jobs.find(({ state }) => state === 'running');
    if (job) return html`<p class="unindexed small secondary" role="status">The data set is being indexed: ${progressOf(job)}</p>`;
    return html`<p class="unindexed small" data-testid="unindexed">
        The data of this run is not indexed yet: its questions open in Question and Data once it is.
        <button data-testid="index-runs-data" title=${dir} @click=${() => void data.add(dir)}>Index it</button>
      </p>
      ${refusal ? failed(refusal) : nothing}`;
  }

  #sampleOf(item: string): DataSample | null {
    const { sample } = this.#model!.sample.state.value;
    return sample?.item.id === item ? sample : null;
  }

  /** Left and right walk the completions, the questions of the filter, or the steps. */
  #onKey = (event: KeyboardEvent): void => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key] as 1 | -1 | undefined;
    if (!way || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    const { selection } = this.workbench;
    const { subject, group } = this.#model!.state.value;
    const { completion, step } = selection.value;
    if (subject === 'rollout' && group?.status === 'ready')
      selection.move({ completion: within((completion ?? 0) + way, 0, group.value.completions.length - 1) });
    else if (subject === 'question') {
      const item = this.#model!.sample.neighbour(way);
      if (item !== null) selection.move({ item });
    } else if (subject === 'step') selection.move({ step: within(step! + way, 1, this.#held.first?.lastStep ?? 1) });
  };

  static override styles = [tokens, base, completionStyles, style];
}

const KEYS = {
  rollout: 'Rollout; left and right walk the completions of the group',
  question: 'Question; left and right walk the filter of the Data view',
  step: 'Step; left and right walk the steps',
  nothing: '',
} as const;

const VIEWS = {
  'open-rollouts': 'Rollouts',
  'open-curves': 'Curves',
  'open-sample': 'Question',
  'open-data': 'Data',
  'open-evaluation': 'Evaluation',
} as const satisfies Partial<Record<HostCommand['id'], string>>;

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

const section = (title: string, body: unknown): TemplateResult =>
  html`<section data-part=${title.toLowerCase()}>
    <h3>${title}</h3>
    ${body}
  </section>`;

const asked = (question: string, options: readonly string[], answer: string | null): TemplateResult =>
  section(
    'Question',
    html`<h2 data-testid="question">${readable(question)}</h2>
      <ol class="options">
        ${choicesOf(options).map(
          ({ letter, text }) =>
            html`<li class=${letter === answer ? 'right' : ''}>
              <span class="secondary">${letter}</span> <span>${readable(text)}</span>
            </li>`,
        )}
      </ol>`,
  );

/** Name and value; what is empty is left out. */
const facts = (pairs: readonly (readonly [string, string])[]): TemplateResult =>
  html`<dl>
    ${pairs.map(([name, value]) =>
      value === ''
        ? nothing
        : html`<dt>${breakable(name)}</dt>
            <dd>${value}</dd>`,
    )}
  </dl>`;

define('medr1-inspector', InspectorPanel);
