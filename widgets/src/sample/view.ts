/** The Question view: one question with its image, what runs answered, and what a model answers now. All text here is untrusted: text nodes only. */
import { choicesOf, lettered } from '@medr1/kernel-bridge/answers';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { problemText } from '@medr1/kernel-bridge/protocol/problems';
import { breakable } from '../breakable.ts';
import { copyText } from '../clipboard.ts';
import type { Crop, DataItem, DataSample, ItemAnswers } from '../connector.ts';
import { command, define, PageElement } from '../element.ts';
import { inSentence, integer } from '../format.ts';
import { progressOf } from '../store/data/datasets.ts';
import { Doing } from '../load.ts';
import { readable } from '../marked.ts';
import { tagsIn } from '../tags.ts';
import { icon } from '../icons.ts';
import { empty, failed, loading } from '../view-states.ts';
import { completionStyles, completionText, isAnswerAlone, glyph, readingLabel, verdictChip } from '../rollouts/completion.ts';
import { base, tokens } from '../theme.ts';
import { keepUncovered } from '../uncovered.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { AskModel } from './ask.ts';
import './image.ts';
import { byRun, SampleModel, tally, type RunAnswers, type SampleState } from './model.ts';
import { PictureModel } from './picture.ts';
import { style } from './style.ts';
import './prompt.ts';
import './try.ts';

const THUMB = 192;
/** Answers of a run that are listed before the rest is asked for. */
const FEW = 4;

export class SampleView extends PageElement {
  static override properties = {
    workbench: { attribute: false },
    openAnswers: { state: true },
    allOf: { state: true },
    copied: { state: true },
    noting: { state: true },
  };
  declare workbench: IWorkbench;
  /** Answers folded out or in by hand, by run, source and step. */
  declare openAnswers: ReadonlyMap<string, boolean>;
  /** Runs all of whose answers are listed. */
  declare allOf: ReadonlySet<string>;
  declare copied: boolean;
  /** Tags and note are being written. */
  declare noting: boolean;
  readonly #keeping = new Doing();

  #item: string | null = null;
  #model: SampleModel | null = null;
  #picture: PictureModel | null = null;
  #ask: AskModel | null = null;

  constructor() {
    super();
    keepUncovered(this, { part: '.toolbar', scroller: '.page' });
    this.openAnswers = new Map();
    this.allOf = new Set();
    this.copied = false;
    this.noting = false;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { selection, runs, data, tries } = this.workbench;
    return [selection, runs.state, data.state, data.datasets.state, tries, this.#model!.state, this.#ask!.state, this.#keeping];
  }

  protected override acquire(): void {
    const { connector } = this.workbench;
    this.#model ??= new SampleModel(connector);
    this.#picture ??= new PictureModel(connector);
    this.#ask ??= new AskModel(connector, this.workbench.tries);
  }

  protected override release(): void {
    this.#ask?.cancel();
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    const { dataset, item, runs } = this.workbench.selection.value;
    this.#model!.show(dataset, item, this.workbench.data.queryOn(dataset));
    if (item !== this.#item) this.noting = false; // what was written of another question is not of this one
    this.#item = item;
    const list = this.workbench.runs.state.value;
    this.#ask!.offer(list.runs, runs, list.server);
    if (this.#ask!.state.value.tries.some(({ answers }) => answers.some(({ answer }) => answer.status === 'ready')))
      queueMicrotask(() => this.workbench.tour.reached('question')); // after this drawing, which it would change
    const { sample, dataset: shown } = this.#model!.state.value;
    if (!sample || shown === null) return;
    if (sample.item.image === '') this.#picture!.hide();
    else this.#picture!.show(shown, sample.item.image);
    this.#ask!.ask(shown, sample.item.id);
  }

  protected override render(): TemplateResult {
    const state = this.#model!.state.value;
    if (state.status === 'idle') {
      const { selection, data } = this.workbench;
      const dir = selection.run !== null && selection.value.item !== null ? this.workbench.unindexedOf(selection.run) : null;
      const { jobs, refusal } = data.datasets.state.value;
      const job = jobs.find((one) => one.state === 'running');
      if (job) return loading(`the data set ${inSentence(job.name)}: ${job.phase} ${progressOf(job)}`);
      if (dir !== null)
        return html`${empty(
          'The data of this run is not indexed yet',
          `A question was chosen, of ${dir}. Once the data set is indexed, it opens here with its image, its answers and "Try it".`,
          html`<button class="primary" data-testid="index-runs-data" @click=${() => void data.add(dir)}>Index it</button>`,
        )}
        ${refusal ? failed(refusal) : nothing}`;
      return empty(
        'No question chosen',
        'Choose one in the Data view: a double click or Enter opens it here.',
        html`<button class="primary" @click=${() => command(this, 'open-data')}>Open Data</button>`,
      );
    }
    if (state.status === 'error') return html`${this.#toolbar(state)} ${failed(state.error!, () => this.#model!.reload())}`;
    if (!state.sample) return loading('question');
    const { sample } = state;
    return html`<div class="page" tabindex="0" aria-label="Question; left and right walk the filter" @keydown=${this.#onKey}>
      ${this.#toolbar(state)}
      <div class=${`columns${state.stale ? ' stale' : ''}`} data-testid="sample" data-item=${sample.item.id}>
        <div class="column picture">
          <medr1-image
            .model=${this.#picture!}
            .modality=${sample.item.modality}
            .label=${`Image of the question: ${sample.item.question}`}
            .crop=${this.#ask!.state.value.look.crop}
            @medr1-crop=${(event: CustomEvent<Crop | null>) => this.#ask!.look({ crop: event.detail })}
          ></medr1-image>
          <p class="path small secondary" title="path inside the data set">${sample.item.image || 'no image'}</p>
        </div>
        <div class="column words">
          ${this.#question(sample.item)} ${this.#answers(state)}
          <section>
            <h3>Try it</h3>
            <medr1-try
              .model=${this.#ask!}
              .item=${sample.item}
              .connector=${this.workbench.connector}
              .alternatives=${this.workbench.alternatives}
              .image=${this.#imageUrl}
            ></medr1-try>
          </section>
          <details data-testid="prompt" @toggle=${(event: Event) => this.#ask!.openPrompt((event.target as HTMLDetailsElement).open)}>
            <summary>Prompt, as the model gets it</summary>
            <medr1-prompt
              .workbench=${this.workbench}
              .model=${this.#ask!}
              .image=${sample.item.image === '' ? null : this.#imageOf(state)}
            ></medr1-prompt>
          </details>
          ${this.#record(sample)}
        </div>
        <div class="column beside">${this.#siblings(sample)} ${this.#near(sample)}</div>
      </div>
    </div>`;
  }

  /** Address of an image of the data set shown. */
  #imageUrl = (path: string): string | null => {
    const { dataset } = this.#model!.state.value;
    return dataset === null ? null : this.workbench.connector.data.imageUrl(dataset, path);
  };

  #imageOf({ dataset, sample }: SampleState): { dataset: string; path: string } {
    const { image } = sample!.item;
    if (this.#seen?.dataset !== dataset || this.#seen?.path !== image) this.#seen = { dataset: dataset!, path: image };
    return this.#seen!;
  }
  #seen: { dataset: string; path: string } | null = null;

  #toolbar({ place, dataset, item }: SampleState): TemplateResult {
    const whole =
      place &&
      (place.index === null
        ? place.total === 0
          ? 'the filter lets no question through'
          : `not among the ${integer(place.total)} of the filter`
        : `${integer(place.index + 1)} of ${integer(place.total)}`);
    return html`<div class="toolbar" role="toolbar" aria-label="Question">
      <span class="steps">
        ${this.#step(-1)}
        <span class="number" title=${whole ?? ''} data-testid="place">${whole ?? ' '}</span>
        ${this.#step(1)}
      </span>
      <b class="ellipsis id" title=${item ?? ''}>${item}</b>
      <span class="secondary ellipsis">${dataset}</span>
      <button class="quiet link back" @click=${() => command(this, 'open-data')}>Data</button>
    </div>`;
  }

  #step(way: 1 | -1): TemplateResult {
    const label = way === 1 ? 'Next question' : 'Previous question';
    return html`<button
      class="quiet"
      aria-label=${label}
      title=${`${label} (${way === 1 ? '→ or j' : '← or k'})`}
      ?disabled=${this.#model!.neighbour(way) === null}
      data-testid=${way === 1 ? 'next' : 'previous'}
      @click=${() => this.#go(way)}
    >
      ${icon(way === 1 ? 'right' : 'left')}
    </button>`;
  }

  #question(item: DataItem): TemplateResult {
    return html`<section class="question" data-testid="question">
      <h2>${readable(item.question)}</h2>
      <ol class="options">
        ${choicesOf(item.options).map(({ letter, text }) => {
          const right = letter === item.answer;
          return html`<li class=${right ? 'right' : ''} data-testid=${right ? 'right-option' : 'option'}>
            <span class="letter">${letter}</span> <span>${readable(text)}</span>
            ${right ? html`<span class="gold small">✓ right</span>` : nothing}
          </li>`;
        })}
      </ol>
      ${item.problem ? problem(item.problem) : nothing}
      <p class="facts small">
        <span class="chip" title="modality">${item.modality}</span>
        <span class="chip" title="question type">${item.question_type}</span>
        <span class="chip" title="data set of origin">${item.dataset}</span>
        ${splits(item.splits)}
        ${(item.tags ?? []).map((tag) => html`<span class="chip tag" title="tag" data-testid="question-tag">${tag}</span>`)}
        <button
          class="quiet link"
          aria-expanded=${this.noting}
          title="Tags and a note on this question; tags are facets of the Data view"
          data-testid="note-question"
          @click=${() => (this.noting = !this.noting)}
        >
          ${item.note || item.tags?.length ? 'edit note' : 'tag or note'}
        </button>
      </p>
      ${item.note && !this.noting ? html`<p class="note small" data-testid="question-note">${item.note}</p>` : nothing}
      ${this.noting ? this.#noteForm(item) : nothing}
    </section>`;
  }

  #noteForm({ tags = [], note = '' }: DataItem): TemplateResult {
    const refused = this.#keeping.error;
    return html`<form class="noting" data-testid="note-form" @submit=${(event: Event) => void this.#note(event)}>
      <input name="tags" aria-label="Tags, apart by commas" placeholder="tags, apart by commas" .value=${tags.join(', ')} />
      <textarea name="note" rows="2" maxlength="10000" aria-label="Note" placeholder="note" .value=${note}></textarea>
      <span>
        <button class="primary" ?disabled=${this.#keeping.isBusy()} data-testid="keep-note">Keep</button>
        <button type="button" @click=${() => (this.noting = false)}>Cancel</button>
      </span>
      ${refused ? failed(refused) : nothing}
    </form>`;
  }

  async #note(event: Event): Promise<void> {
    event.preventDefault();
    const { elements } = event.target as HTMLFormElement;
    const value = (name: string): string => (elements.namedItem(name) as HTMLInputElement).value;
    const kept = await this.#keeping.do(() => this.#model!.note({ tags: tagsIn(value('tags')), note: value('note') }));
    if (!kept) return;
    this.noting = false;
    void this.workbench.data.reload();
  }

  #siblings({ item, same_image }: DataSample): TemplateResult {
    return html`<section>
      <h3>Questions on this image <span class="count">${integer(same_image.length + 1)}</span></h3>
      <ul class="siblings">
        ${[item, ...same_image].map(
          (one) =>
            html`<li>
              <button
                class="quiet"
                aria-current=${one.id === item.id}
                data-testid="sibling"
                @click=${() => this.workbench.selection.move({ item: one.id })}
              >
                <span>${readable(one.question)}</span>
                <span class="small secondary">${one.question_type} · ${answerOf(one)}</span>
              </button>
            </li>`,
        )}
      </ul>
    </section>`;
  }

  #near({ item, near }: DataSample): TemplateResult {
    const { data } = this.workbench.connector;
    const { dataset } = this.#model!.state.value;
    const unknown = item.sha256 === null;
    return html`<section>
      <h3>Near-duplicates <span class="count">${unknown ? '?' : integer(near.length)}</span></h3>
      ${
        unknown
          ? html`<p class="small secondary">The image was not decoded, so images that look like it are unknown.</p>`
          : near.length === 0
            ? html`<p class="small secondary">No other image looks like this one.</p>`
            : nothing
      }
      <ul class="near">
        ${(unknown ? [] : near).map(
          ({ path, sha256, distance, items, splits: within }) =>
            html`<li>
              <button
                class="quiet"
                title=${path}
                ?disabled=${items.length === 0}
                data-testid="near"
                @click=${() => this.workbench.selection.move({ item: items[0] })}
              >
                ${sha256 ? html`<img src=${data.thumbUrl(dataset!, sha256, THUMB)} alt="" loading="lazy" />` : html`<span class="none small">no thumbnail</span>`}
                <span class="small number" title="how many of the 128 bits of the perceptual hashes differ"
                  >${distance === 0 ? 'same' : distance === 1 ? '1 bit' : `${distance} bits`}</span
                >
                ${within.map((split) => html`<span class="small secondary split">${breakable(split)}</span>`)}
              </button>
            </li>`,
        )}
      </ul>
    </section>`;
  }

  /* What runs answered */

  #answers({ answers }: SampleState): TemplateResult {
    return html`<section data-testid="answers">
      <h3>
        Answers of runs
        ${answers.status === 'ready' ? html`<button class="quiet small" title="Read them again" aria-label="Read the answers again" @click=${() => void this.#model!.loadAnswers()}>↻</button>` : nothing}
      </h3>
      ${
        answers.status === 'loading' || answers.status === 'idle'
          ? html`<p class="small secondary" role="status">Loading answers …</p>`
          : answers.status === 'error'
            ? failed(answers.error, () => void this.#model!.loadAnswers())
            : answers.value.length === 0
              ? html`<p class="small secondary">No run has asked this question yet.</p>`
              : repeat(
                  byRun(answers.value, this.workbench.selection.value.runs),
                  ({ run }) => run,
                  (run) => this.#run(run),
                )
      }
    </section>`;
  }

  #run({ run, name, variant, answers }: RunAnswers): TemplateResult {
    const all = this.allOf.has(run);
    const listed = all ? answers : answers.slice(0, FEW);
    return html`<div class="run" data-testid="run-answers">
      <h4><span class="ellipsis">${name}</span> ${variant ? html`<span class="chip small">${variant}</span>` : nothing}</h4>
      ${repeat(listed, keyOf, (one, index) => this.#asked(one, index === 0))}
      ${
        listed.length < answers.length
          ? html`<button class="quiet small" @click=${() => (this.allOf = new Set([...this.allOf, run]))}>
              ${integer(answers.length - listed.length)} earlier ones
            </button>`
          : nothing
      }
    </div>`;
  }

  #asked(asked: ItemAnswers, newest: boolean): TemplateResult {
    const key = keyOf(asked);
    const open = this.openAnswers.get(key) ?? newest;
    const { right, judged } = tally(asked);
    const tone = judged === 0 ? '' : right === judged ? 'right' : right === 0 ? 'wrong' : '';
    return html`<div class="asked">
      <details
        ?open=${open}
        data-testid="asked"
        @toggle=${(event: Event) => {
          const now = (event.target as HTMLDetailsElement).open;
          if (now !== (this.openAnswers.get(key) ?? newest)) this.openAnswers = new Map(this.openAnswers).set(key, now);
        }}
      >
        <summary>
          <span class="number">step ${integer(asked.step)}</span>
          <span class="secondary">${asked.source === 'evaluation' ? 'evaluation' : 'training'}</span>
          ${
            asked.sampled_by === null
              ? nothing
              : html`<span class="secondary" data-testid="sampled-by" title="Sampled before this run was forked"
                  >from ${inSentence(asked.sampled_by.name)} <span class="chip small">${asked.variant}</span></span
                >`
          }
          <span class="number"
            ><span class=${tone ? `chip ${tone}` : 'chip'}
              >${tone ? `${glyph(tone === 'right')} ` : judged === 0 ? '? ' : '◐ '}${judged === 0 ? 'not judged' : `${right} of ${judged} right`}</span
            ></span
          >
          ${readingLabel(asked.reading)}
        </summary>
        <ol class="completions">
          ${asked.completions.map((one) => {
            const said = { ...one, reading: asked.reading, thinkOpen: asked.think_open };
            return html`<li>
              ${isAnswerAlone(said) ? nothing : verdictChip(one, asked.reading)}
              <div class="text">${completionText(said)}</div>
            </li>`;
          })}
        </ol>
      </details>
      ${asked.group === null ? nothing : this.#toRollouts(asked)}
    </div>`;
  }

  /** Beside the summary, not in it: a control within a control is not read out. */
  #toRollouts({ run, step, group }: ItemAnswers): TemplateResult {
    const show = (): void => {
      const { selection } = this.workbench;
      selection.move({ runs: [run], step, group, item: selection.value.item });
      command(this, 'open-rollouts');
    };
    return html`<button class="quiet link small" title="Show this group in the Rollouts view" @click=${show}>rollouts →</button>`;
  }

  #record({ raw, file, row }: DataSample): TemplateResult {
    const text = JSON.stringify(raw, null, 2);
    const copy = async (): Promise<void> => {
      if (!(await copyText(text))) return;
      this.copied = true;
      setTimeout(() => (this.copied = false), 1500);
    };
    return html`<details data-testid="record">
      <summary>Record, as it stands in its file</summary>
      <p class="small secondary record-place">
        <span>${file}, record ${integer(row + 1)}</span>
        <button class="quiet small" @click=${() => void copy()}>${this.copied ? 'copied' : 'copy'}</button>
      </p>
      <pre tabindex="0">${text}</pre>
    </details>`;
  }

  #go(way: 1 | -1): void {
    this.#model!.walk(way, (item) => this.workbench.selection.move({ item }));
  }

  /** Left and right, or k and j, walk the filter; not while something is typed or chosen. */
  #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const [target] = event.composedPath() as HTMLElement[];
    if (/^(input|select|textarea)$/i.test(target.tagName)) return;
    const way = ({ ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 } as const)[event.key as 'j'];
    if (!way) return;
    event.preventDefault();
    this.#go(way);
  };

  static override styles = [tokens, base, completionStyles, style];
}

const keyOf = ({ run, source, step, group }: ItemAnswers): string => `${run} ${source} ${step} ${group}`;

const splits = (names: readonly string[]): TemplateResult[] => names.map((name) => html`<span class="chip" title="split">${name}</span>`);

function problem(code: string): TemplateResult {
  return html`<p class="problem" data-testid="problem">
    <span class="warning" aria-hidden="true">⚠</span> Not used: ${problemText(code)}
    <span class="small secondary">${code}</span>
  </p>`;
}

function answerOf({ answer, options }: DataItem): string {
  if (answer === null) return 'no answer';
  return lettered(answer, options);
}

define('medr1-sample', SampleView);
