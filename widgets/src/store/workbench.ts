/** What each view gets: the backend, the runs, the data shown, and the selection all views share. */
import type { Connector, RunDetail, TrainConfig } from '../connector.ts';
import { DataModel } from './data/model.ts';
import { EvaluationChoice } from './evaluation-choice.ts';
import { Observable } from '../observable.ts';
import { GroupQuestion } from './group-question.ts';
import { NewRunDraft } from './new-run-draft.ts';
import { RewardDrafts } from './reward-drafts.ts';
import type { RewardTrial } from './reward-trial.ts';
import { RolloutsModel } from './rollouts/model.ts';
import { AlternativesStore } from './rollouts/alternatives.ts';
import { TokenTexts } from './rollouts/token-texts.ts';
import { SelectionModel } from '../selection.ts';
import { Tour } from './tour.ts';
import { RunColours } from './run-colours.ts';
import { RunList } from './run-list.ts';
import { Tries } from './tries.ts';
import { ViewSync } from './view-sync.ts';

/** What others see of a class: another implementation has to offer this much and none of its private parts. */
type Public<T> = Pick<T, keyof T>;

/** Keys of a configuration for the New run form. */
export interface RunDraft {
  config: Record<string, unknown>;
  /** What the whole form is to be filled in from (a run, a file); left out where the keys go over what is typed. */
  like?: string;
  /** Sources of reward files that `config` names. */
  files?: Record<string, string>;
  /** The form is that of a fork of this run from the checkpoint of `step`; `config` is what to change. */
  fork?: { parent: RunDetail; step: number };
}

export interface IWorkbench {
  readonly connector: Connector;
  readonly selection: Public<SelectionModel>;
  readonly runs: Public<RunList>;
  readonly colours: Public<RunColours>;
  readonly rewardDrafts: Public<RewardDrafts>;
  /** The edit that was previewed last, while it stands as it was previewed. */
  readonly rewardTrial: Observable<RewardTrial | null>;
  /** Settings that were proposed for a run, as typed, until the form of its settings has taken them over. */
  readonly settingDrafts: Observable<Readonly<Record<string, Record<string, string>>>>;
  /** What the Data view shows: one filter for every view and for notebooks. */
  readonly data: Public<DataModel>;
  readonly tokenTexts: Public<TokenTexts>;
  readonly alternatives: Public<AlternativesStore>;
  /** The rollouts shown, and how: the Inspector colours tokens as Rollouts does. */
  readonly rollouts: Public<RolloutsModel>;
  /** What the Evaluation view shows. */
  readonly evaluation: Public<EvaluationChoice>;
  /** What the New run form takes over when it is next seen. */
  readonly draft: Observable<RunDraft | null>;
  /** What is typed into that form. */
  readonly newRunDraft: Public<NewRunDraft>;
  /** What was asked of models about questions. */
  readonly tries: Public<Tries>;
  readonly tour: Public<Tour>;
  /** Folder or name of a run's data set when that is not indexed. Null when it is indexed, and until we know. */
  unindexedOf(run: string): string | null;
  /** Counts what was removed and put back: the trash is looked at anew. */
  readonly removals: Observable<number>;
  /** Something was moved to the trash. */
  removed(): void;
  /** Puts an entry of the trash back. Rejects with the reason where it cannot. */
  restore(id: string): Promise<void>;
  /** Name of a run's data set when that is indexed. Null when it is not indexed, and until we know. */
  datasetOf(run: { readonly config: TrainConfig | null }): string | null;
}

export class Workbench implements IWorkbench {
  readonly connector: Connector;
  readonly selection = new SelectionModel();
  readonly runs: RunList;
  readonly colours = new RunColours();
  readonly data: DataModel;
  readonly tokenTexts: TokenTexts;
  readonly alternatives: AlternativesStore;
  readonly rollouts: RolloutsModel;
  readonly rewardDrafts = new RewardDrafts();
  readonly rewardTrial = new Observable<RewardTrial | null>(null);
  readonly settingDrafts = new Observable<Readonly<Record<string, Record<string, string>>>>({});
  readonly removals = new Observable(0);
  readonly evaluation = new EvaluationChoice();
  readonly draft = new Observable<RunDraft | null>(null);
  readonly newRunDraft = new NewRunDraft();
  readonly tries = new Tries();
  readonly tour = new Tour();

  /** Runs whose data set was looked for in a list that had not it. */
  readonly #lookedFor = new Set<string>();
  readonly #sync: ViewSync;
  readonly #question: GroupQuestion;

  constructor(connector: Connector) {
    this.connector = connector;
    this.runs = new RunList(connector);
    this.data = new DataModel(connector, this.selection);
    this.tokenTexts = new TokenTexts(connector);
    this.alternatives = new AlternativesStore(connector.explain);
    this.rollouts = new RolloutsModel(connector);
    this.#question = new GroupQuestion(connector, this.selection, this.data.datasets);
    this.#sync = new ViewSync(connector, this.selection, this.data);
    this.runs.state.subscribe(() => this.#tidySelection());
    this.data.datasets.state.subscribe(() => this.#nameDataset());
    for (const part of [this.runs.state, this.selection, this.rewardDrafts, this.tour.state]) part.subscribe(() => this.#guide());
    this.selection.subscribe(() => this.colours.see(this.selection.value.runs));
    this.runs.state.subscribe(() => this.colours.choose(this.runs.state.value.runs));
  }

  /** Reads the runs and follows them. Never throws: trouble shows in `runs.state`. */
  start(): Promise<void> {
    this.#sync.start();
    return this.runs.start();
  }

  datasetOf({ config }: { readonly config: TrainConfig | null }): string | null {
    const { datasets } = this.data;
    if (datasets.state.value.status === 'loading') void datasets.load();
    return config ? (datasets.at(config.dataset_name)?.name ?? null) : null;
  }

  unindexedOf(run: string): string | null {
    const { datasets } = this.data;
    const { status } = datasets.state.value;
    const name = this.runs.followed(run)?.config?.dataset_name;
    if (status === 'loading') void datasets.load();
    if (name === undefined || status !== 'ready' || datasets.at(name)) return null;
    if (!this.#lookedFor.has(run)) {
      this.#lookedFor.add(run); // the run may have begun, and its data set with it, after the list was read
      void datasets.load();
    }
    return name;
  }

  removed(): void {
    this.removals.update((count) => count + 1);
  }

  async restore(id: string): Promise<void> {
    const { kind } = await this.connector.restoreTrash(id);
    if (kind === 'data') await this.data.datasets.load();
    this.removed();
  }

  dispose(): void {
    this.#sync.dispose();
    this.#question.dispose();
    this.runs.dispose();
    this.data.dispose();
  }

  /** Tells the tour what was done. The last step is told by the view that asks. */
  #guide(): void {
    const { runs } = this.runs.state.value;
    const { run, value } = this.selection;
    if (runs.length > 0) this.tour.reached('run');
    if (runs.some(({ step }) => step > 0)) this.tour.reached('curve');
    if (value.completion !== null) this.tour.reached('rollout');
    if (run !== null && this.rewardDrafts.of(run)) this.tour.reached('reward');
  }

  /** A question that was chosen before its data set was indexed opens once it is. */
  #nameDataset(): void {
    const { run, value } = this.selection;
    const { item, group, completion, token } = value;
    if (run === null || item === null || value.dataset !== null) return;
    const name = this.runs.followed(run)?.config?.dataset_name;
    const dataset = name === undefined ? undefined : this.data.datasets.at(name);
    if (dataset) this.selection.move({ dataset: dataset.name, item, group, completion, token });
  }

  /** Runs that are gone leave the selection; when none is left, the newest run is chosen, so that no view opens empty. */
  #tidySelection(): void {
    const { status, runs } = this.runs.state.value;
    if (status !== 'ready') return;
    const chosen = this.selection.value.runs;
    const there = chosen.filter((id) => this.runs.get(id));
    const next = there.length > 0 || runs.length === 0 ? there : [runs[0].id];
    if (next.length !== chosen.length || next[0] !== chosen[0]) this.selection.move({ runs: next });
  }
}
