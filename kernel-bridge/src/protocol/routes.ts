/**
 * The one table of the REST routes, below `/api`. From it follow the server's routing and its checks of each request (server/mount.ts), the
 * methods of the client and their types (client/calls.ts), the connector of the widgets, docs/api.md and the constants of the Python package.
 *
 * A new route is a row here and a handler of the same name in server/; docs/develop.md has the steps.
 */
import Type, { type Static, type TObject, type TSchema } from 'typebox';
import { AlertRule, AlertSettings, CheckAlertRule, CheckedAlertRule, RaiseAlert, RunAlerts, RunAlertSettings } from './alerts.ts';
import { TrainConfig } from './config.ts';
import * as data from './data.ts';
import { Devices, QueueMove } from './devices.ts';
import * as evals from './evals.ts';
import { Alternatives, AskAlternatives, AskAttribution, Attribution, Decision, ExplainTarget } from './explain.ts';
import { Generation, GenerateRequest } from './generate.ts';
import { KernelInfo, PollKernel, KernelCall } from './kernels.ts';
import { PollReports, ReportRequest, ReportRows, ReportTaken } from './reports.ts';
import * as rest from './rest.ts';
import { SettingsInForce } from './live-settings.ts';
import { BuiltInReward, CheckedReward, CheckRewards, TriedRewards, TryRewards } from './rewards.ts';
import { EVENT_KINDS, Group, MetricTable, QuestionHistory, RewardRevision, RunDetail, RunEvent, RunSummary } from './run.ts';
import { RunTable, RunTableQuery } from './run-table.ts';
import {
  ChangeSearch,
  Families,
  FamilyQuery,
  Note,
  PhraseQuery,
  Phrases,
  QuestionCurve,
  SavedSearch,
  SaveSearch,
  SearchPage,
  SearchQuery,
  WriteNote,
} from './search.ts';
import { RolloutStatistics, STATISTIC_COLUMNS } from './statistics.ts';
import { MoveView, View } from './view.ts';
import { ServerMessage } from './ws.ts';

/** Bytes of a request's body that the relay and the backend take: room for a list of 100,000 ids. */
export const MAX_BODY_BYTES = 4 << 20;
/** Elements of lists and properties of objects that a body may hold: a route that takes more says so, each is looked at one by one. */
export const MAX_VALUES = 20_000;
/** The same where a body holds the ids of questions or of tokens, or what a machine has computed. */
const MANY = 200_000;

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

interface Row<Query extends TObject, Body extends TSchema, Answer extends TSchema, Gives> {
  /** What it does, for docs/api.md. */
  text: string;
  /** Parameters of the address. Lists are written a,b,c. */
  query?: Query;
  body?: Body;
  /** Values that its body may hold; MAX_VALUES where left out. */
  values?: number;
  /** Of JSON; a file where left out. */
  answer?: Answer;
  /** The one property of the answer that the clients give in place of the whole. */
  gives?: Gives;
  /** Media types of a route that answers with a file. */
  file?: string;
  /** HTTP status when all is well; 200 when left out. */
  status?: 201 | 202;
  /** The answer may take minutes: the relay waits. */
  slow?: true;
}

/** A row with its method, its path (`:id` is a part to fill in) and, for the compiler alone, the types of what its schemas describe. */
export interface Route<Path extends string = string, Query = unknown, Body = unknown, Answer = unknown, Gives = unknown> extends Row<
  TObject,
  TSchema,
  TSchema,
  Gives
> {
  method: Method;
  path: Path;
  readonly types?: { query: Query; body: Body; answer: Answer };
}

const route =
  (method: Method) =>
  <
    const Path extends string,
    Query extends TObject = never,
    Body extends TSchema = never,
    Answer extends TSchema = never,
    Gives extends keyof Static<Answer> | undefined = undefined,
  >(
    path: Path,
    row: Row<Query, Body, Answer, Gives>,
  ): Route<Path, Typed<Query, undefined>, Typed<Body, undefined>, Typed<Answer, Blob>, Gives> => ({ method, path, ...row });
type Typed<Schema extends TSchema, Without> = [Schema] extends [never] ? Without : Static<Schema>;

const get = route('GET');
const post = route('POST');
const patch = route('PATCH');
const remove = route('DELETE');

const Text = Type.Optional(Type.String());
const Whole = Type.Optional(Type.Integer({ minimum: 0 }));
const Texts = Type.Optional(Type.Array(Type.String()));
const one = <T extends string>(values: readonly T[], fallback?: T) =>
  Type.Unsafe<T>(Type.String({ enum: [...values], ...(fallback !== undefined && { default: fallback }) }));
const list = <Name extends string, S extends TSchema>(name: Name, schema: S) =>
  Type.Object({ [name]: Type.Array(schema) } as Record<Name, Type.TArray<S>>);
const Trash = Type.Object({
  trash: Type.String({ description: 'path' }),
  id: Type.String({ description: 'of the entry in the trash, to put it back by' }),
});
const Json = Type.Record(Type.String(), Type.Unknown());
const Config = Type.Object({ config: Json }, { additionalProperties: false });
const Window = { window: Type.Optional(Type.Number()), level: Type.Optional(Type.Number()) };

/** Name -> route. A dot groups: `data.page` is `client.data.page`. */
export const ROUTES = {
  // The server and configurations
  server: get('/server', { text: 'version, device, sample and presets', answer: rest.ServerInfo }),
  follow: get('/follow', {
    text: 'what a websocket would tell by now, for networks without: messages of ws.ts. topics: TOPIC@EPOCH@SEQ, or TOPIC from now on, at most 64',
    query: Type.Object({ topics: Type.Optional(Type.Array(Type.String({ maxLength: 240 }), { maxItems: 64 })) }),
    answer: Type.Object({ protocol: Type.Integer(), version: Type.String(), messages: Type.Array(ServerMessage) }),
  }),
  schema: get('/schema', { text: 'JSON Schema of TrainConfig', answer: Json }),
  checkConfig: post('/config', {
    text: 'checks a configuration and completes it; 422 names the key at fault',
    body: Config,
    answer: Type.Object({ config: TrainConfig }),
    gives: 'config',
  }),
  readConfig: post('/config/read', {
    text: 'keys that a YAML text gives, checked by name alone; what it leaves out is not filled in. 422 names the keys that are not known',
    body: rest.ReadConfig,
    answer: Type.Object({ config: Json }),
    gives: 'config',
  }),
  devices: get('/devices', { text: 'devices of the machine, who is on them, and who waits for them and why', answer: Devices }),
  estimate: post('/estimate', { text: 'memory and time that a run would take', body: Config, answer: rest.Estimate }),
  builtInRewards: get('/rewards', {
    text: 'reward functions that are built in',
    answer: list('functions', BuiltInReward),
    gives: 'functions',
  }),
  checkRewards: post('/rewards/check', {
    text: 'what reward_funcs names, tried on made-up completions; nothing is made',
    body: CheckRewards,
    answer: list('functions', CheckedReward),
    gives: 'functions',
  }),

  alertRules: get('/alerts', {
    text: 'the rules of alerts, and which of them are looked at from where on',
    answer: Type.Object({ rules: Type.Array(AlertRule), settings: AlertSettings }),
  }),
  setAlertRules: patch('/alerts', {
    text: 'rules that are off, thresholds, rules of your own and the webhook, for all runs; each key in place of what it was. 422 for a rule that does not compile',
    body: Type.Partial(AlertSettings, { additionalProperties: false }),
    answer: Type.Object({ rules: Type.Array(AlertRule), settings: AlertSettings }),
  }),

  checkAlertRule: post('/alerts/check', {
    text: 'a rule of your own, tried on a run of no steps; nothing is kept',
    body: CheckAlertRule,
    answer: CheckedAlertRule,
  }),

  // Runs
  runs: get('/runs', { text: 'newest first', answer: list('runs', RunSummary), gives: 'runs' }),
  createRun: post('/runs', { text: 'a new run, started unless `start` is false', body: rest.CreateRun, answer: RunSummary }),
  importRun: post('/runs/import', {
    text: "a run that another trainer made, from the log that it left on the server's machine: finished, with its curves and, where they were written, its completions",
    body: rest.ImportRun,
    answer: RunSummary,
    slow: true,
  }),
  runTable: get('/runs/table', {
    text: 'a page of the runs that pass `q`, with the columns asked for: facts (name, state, step, ...), config:KEY, last:METRIC, best:METRIC, mean:METRIC',
    query: RunTableQuery,
    answer: RunTable,
  }),
  annotateRun: patch('/runs/:id', {
    text: 'name, notes, tags, pin, archive and colour; nothing that is trained',
    body: rest.AnnotateRun,
    answer: RunSummary,
  }),
  createPair: post('/pairs', {
    text: 'two new runs by one configuration, the same but for their prompt variant: they see the same questions in the same order',
    body: rest.CreatePair,
    answer: list('runs', RunSummary),
    gives: 'runs',
  }),
  run: get('/runs/:id', { text: 'summary, configuration, checkpoints, rewards', answer: RunDetail }),
  deleteRun: remove('/runs/:id', { text: 'moves the run to the trash; 409 while it is active', answer: Trash }),
  action: post('/runs/:id/actions', {
    text: 'starts, pauses, resumes, stops (of a pair both), or writes a checkpoint',
    body: rest.RunActionRequest,
    answer: RunSummary,
  }),
  moveInQueue: patch('/runs/:id/queue', {
    text: 'moves a run that waits to another place of the queue, holds it or lets it go (of a pair both); 409 where it does not wait. The action stop cancels it',
    body: QueueMove,
    answer: RunSummary,
  }),
  metrics: get('/runs/:id/metrics', {
    text: 'with max_points downsampled by least and greatest value, so that spikes are kept',
    query: Type.Object({ names: Texts, from: Whole, to: Whole, max_points: Whole }),
    answer: MetricTable,
  }),
  groups: get('/runs/:id/groups', {
    text: 'rollouts of one step, or of steps from..to; `steps` are the first and last that have any. limit is 64 when left out, at most 1024',
    query: Type.Object({ step: Whole, from: Whole, to: Whole, limit: Whole, offset: Whole }),
    answer: Type.Object({ groups: Type.Array(Group), steps: Type.Tuple([Type.Integer(), Type.Integer()]) }),
  }),
  questionHistory: get('/runs/:id/history', {
    text: 'how the questions of a step were answered at every step that asked them, oldest first',
    query: Type.Object({ step: Type.Integer({ minimum: 0 }) }),
    answer: list('questions', QuestionHistory),
    gives: 'questions',
  }),
  tokenTexts: get('/runs/:id/tokens', {
    text: 'texts of the tokens of each completion of a group, special ones included',
    query: Type.Object({ step: Type.Integer({ minimum: 0 }), group: Type.Integer({ minimum: 0 }) }),
    answer: list('texts', Type.Array(Type.String())),
    gives: 'texts',
  }),
  events: get('/runs/:id/events', {
    text: 'the log after seq `since`, of these kinds only. limit is 1000 when left out, at most 10,000; a long answer ends earlier, after some 64 KiB. `more`: ask again from the last seq',
    query: Type.Object({ since: Whole, limit: Whole, kinds: Type.Optional(Type.Array(one(EVENT_KINDS))) }),
    answer: Type.Object({ epoch: Type.String(), events: Type.Array(RunEvent), more: Type.Boolean() }),
  }),
  alerts: get('/runs/:id/alerts', {
    text: 'what the rules see in the run up to its newest step, and what happened to it besides',
    answer: RunAlerts,
  }),
  raiseAlert: post('/runs/:id/alerts', {
    text: 'an alert of a rule that a client evaluates; the same rule since the same step is told once',
    body: RaiseAlert,
    answer: RunAlerts,
  }),
  alertSettings: patch('/runs/:id/alerts', {
    text: 'rules that are off, thresholds and snoozes of this run; each key in place of what it was',
    body: Type.Partial(RunAlertSettings, { additionalProperties: false }),
    answer: RunAlerts,
  }),
  rewards: get('/runs/:id/rewards', { text: 'all revisions', answer: list('revisions', RewardRevision), gives: 'revisions' }),
  editRewards: patch('/runs/:id/rewards', {
    text: 'in force from the next step; 422 when a function cannot be used, 409 when another edit came first',
    body: rest.EditRewards,
    answer: RewardRevision,
  }),
  settings: get('/runs/:id/settings', {
    text: 'what can be changed while it trains, as it is from the next step on, and why some of it cannot',
    answer: SettingsInForce,
  }),
  editSettings: patch('/runs/:id/settings', {
    text: 'in force from the next step; 422 when one cannot be changed, 409 when another edit came first',
    body: rest.EditSettings,
    answer: RewardRevision,
  }),
  revert: post('/runs/:id/revert', {
    text: 'rewards and settings of an earlier revision, from the next step on',
    body: rest.RevertRun,
    answer: RewardRevision,
  }),
  tryRewards: post('/runs/:id/rewards/try', {
    text: 'functions on the last rollouts; nothing is changed',
    body: TryRewards,
    answer: TriedRewards,
  }),
  fork: post('/runs/:id/fork', {
    text: 'a new run from the checkpoint at `step`; 404 when there is none',
    body: rest.ForkRun,
    answer: RunSummary,
  }),
  exportRun: get('/runs/:id/export', {
    text: 'csv: metrics, one row a step. jsonl: rollouts, one group a line',
    query: Type.Object({ format: one(['csv', 'jsonl']) }),
    file: 'text/csv or application/jsonl',
  }),
  rollback: post('/runs/:id/rollback', {
    text: 'drops the steps after that checkpoint; 409 while it is active',
    body: rest.RollbackRun,
    answer: RunSummary,
  }),
  image: get('/runs/:id/image', {
    text: 'image of a group; size is its longest side in pixels, 512 when left out, at most 4096',
    query: Type.Object({ path: Type.String(), size: Whole }),
    file: 'image/png',
  }),
  log: get('/runs/:id/log', {
    text: 'the last lines of the worker',
    query: Type.Object({ tail: Whole }),
    answer: list('lines', Type.String()),
    gives: 'lines',
  }),

  // Kernels of notebooks that evaluate rewards
  'kernels.list': get('/kernels', {
    text: 'kernels and scripts that serve reward functions, as they are now',
    answer: list('kernels', KernelInfo),
    gives: 'kernels',
  }),
  'kernels.poll': post('/kernels/:id/poll', {
    text: 'a kernel says what it serves, brings answers, and waits for calls',
    body: PollKernel,
    values: MANY,
    answer: list('calls', KernelCall),
    gives: 'calls',
  }),

  // Runs that other machines train
  'reports.take': post('/reports/:id', {
    text: 'rows of a run that another machine trains, as they changed; answers where the copy stands. An empty message asks just that',
    body: ReportRows,
    values: 400_000,
    answer: ReportTaken,
  }),
  'reports.poll': post('/reports/:id/poll', {
    text: 'the process that trains the run brings answers, and waits for what people want of the run',
    body: PollReports,
    answer: list('requests', ReportRequest),
    gives: 'requests',
  }),

  // The trash
  trash: get('/trash', { text: 'what was removed, newest first', answer: list('entries', rest.Trashed), gives: 'entries' }),
  restoreTrash: post('/trash/:id/restore', { text: 'puts it back; 409 when another of its name has come', answer: rest.Trashed }),
  emptyTrash: remove('/trash/:id', { text: 'deletes it for good', answer: rest.Trashed }),

  // Answers of a model, and what the browser looks at
  generate: post('/generate', {
    text: 'answers when the model has: give it minutes. 429 when too many wait',
    body: GenerateRequest,
    answer: Generation,
    slow: true,
  }),
  'explain.alternatives': post('/explain/alternatives', {
    text: 'the most probable tokens at each place of a completion, under the policy nearest to the one that said it. Nothing is stored',
    body: AskAlternatives,
    values: MANY,
    answer: Alternatives,
    slow: true,
  }),
  'explain.attribution': post('/explain/attribution', {
    text: 'where a model looked for one token: a map of the image, held against random orders, and values of the words',
    body: AskAttribution,
    values: MANY,
    answer: Attribution,
    slow: true,
  }),
  'explain.decision': post('/explain/decision', {
    text: 'the probability of each option after each sentence of the reasoning, also of one that was edited, with another image or order of options',
    body: ExplainTarget,
    values: MANY,
    answer: Decision,
    slow: true,
  }),
  view: get('/view', { text: 'what the page that was used last looks at', answer: View }),
  moveView: patch('/view', { text: 'pages follow what a notebook asks for (topic view)', body: MoveView, values: MANY, answer: View }),

  // Search over everything that runs said
  'search.find': post('/search', {
    text: 'completions of runs by words or a regular expression and by filters; 422 for an expression that would run for ever, 429 when too many wait',
    body: SearchQuery,
    answer: SearchPage,
    slow: true,
  }),
  'search.saved': get('/searches', {
    text: 'searches that were saved on this server, by name',
    answer: list('searches', SavedSearch),
    gives: 'searches',
  }),
  'search.save': post('/searches', {
    text: 'saves a search; 409 where one has that name',
    body: SaveSearch,
    answer: SavedSearch,
    status: 201,
  }),
  'search.change': patch('/searches/:id', { text: 'another name, or another search under it', body: ChangeSearch, answer: SavedSearch }),
  'search.forget': remove('/searches/:id', { text: 'removes a saved search', answer: SavedSearch }),
  'search.question': get('/runs/:id/question', {
    text: 'one question through training: how often it was answered right each time it was asked; 404 where the run never asked it',
    query: Type.Object({ item: Type.String(), dataset: Text }),
    answer: QuestionCurve,
  }),
  'search.phrases': post('/search/phrases', {
    text: 'phrases that a run says more often, or more rarely, in later steps than in earlier ones, with the false discovery rate of each',
    body: PhraseQuery,
    answer: Phrases,
    slow: true,
  }),
  'search.families': post('/search/families', {
    text: 'completions of a run that say nearly the same, as families, the largest first',
    body: FamilyQuery,
    answer: Families,
    slow: true,
  }),
  'search.statistics': get('/runs/:id/statistics', {
    text: 'distributions of the rollouts through the steps, and means by modality, question type and right letter; `columns` of steps at most (240 when left out)',
    query: Type.Object({ columns: Type.Optional(Type.Integer({ minimum: 1, maximum: STATISTIC_COLUMNS.most })) }),
    answer: RolloutStatistics,
  }),
  'search.notes': get('/runs/:id/notes', { text: 'tags and notes on completions', answer: list('notes', Note), gives: 'notes' }),
  'search.note': post('/runs/:id/notes', {
    text: 'tags and note of one completion, in place of those before; null where none is left',
    body: WriteNote,
    answer: Type.Object({ note: Type.Union([Note, Type.Null()]) }),
    gives: 'note',
  }),

  // Stored evaluations
  'evals.list': get('/evals', { text: 'newest first', answer: list('evaluations', evals.EvalSummary), gives: 'evaluations' }),
  'evals.start': post('/evals', {
    text: 'one at a time, the others wait. One that is stored already is taken up again',
    body: evals.CreateEval,
    answer: evals.EvalSummary,
    status: 202,
  }),
  'evals.compare': get('/evals/compare', {
    text:
      'two to 16 evaluations on the questions that all of them answered; 409 where there is none. `ids` names evaluations, or runs as ' +
      'RUN, RUN@STEP, RUN:VARIANT, RUN@STEP:VARIANT',
    query: Type.Object({ ids: Type.Array(Type.String()) }),
    answer: evals.EvalComparison,
  }),
  'evals.compareTable': get('/evals/compare/table', {
    text: 'the same as CSV: a row a question, with every answer to it',
    query: Type.Object({ ids: Type.Array(Type.String()) }),
    file: 'text/csv',
  }),
  'evals.matrix': get('/evals/matrix', {
    text: 'all finished evaluations of checkpoints when no ids are given',
    query: Type.Object({ kind: Type.Optional(one(evals.MATRIX_KINDS, 'modality')), ids: Texts }),
    answer: evals.EvalMatrices,
  }),
  'evals.compareFaithfulness': get('/evals/faithfulness', {
    text: 'how far the answers of one or several evaluations follow from their reasoning, and McNemar tests of each two ways of answering',
    query: Type.Object({ ids: Type.Array(Type.String()) }),
    answer: evals.FaithfulnessComparison,
  }),
  'evals.get': get('/evals/:id', { text: 'summary and tables', answer: evals.EvalDetail }),
  'evals.remove': remove('/evals/:id', { text: 'moves the evaluation to the trash; 409 while it runs', answer: Trash }),
  'evals.action': post('/evals/:id/actions', { text: 'stops it, or goes on', body: evals.EvalActionRequest, answer: evals.EvalSummary }),
  'evals.moveInQueue': patch('/evals/:id/queue', {
    text: 'moves an evaluation that waits to another place of the queue, holds it or lets it go; 409 where it does not wait. The action stop cancels it',
    body: QueueMove,
    answer: evals.EvalSummary,
  }),
  'evals.answers': get('/evals/:id/answers', {
    text:
      '`against` is the evaluation that gained, lost and flips look at; the answers of `beside` (at most 16) come along. ' +
      'limit is 50 when left out, at most 500',
    query: Type.Object({
      sight: Type.Optional(one([...evals.SIGHTS, 'option-prior'], 'image')),
      filter: Type.Optional(one(evals.ANSWER_FILTERS, 'all')),
      reading: Type.Optional(one(evals.READINGS, 'strict')),
      against: Text,
      beside: Texts,
      modality: Text,
      question_type: Text,
      dataset: Text,
      shared: Type.Optional(Type.Boolean({ description: 'only questions that every evaluation named here answered' })),
      limit: Whole,
      offset: Whole,
    }),
    answer: evals.AnswerPage,
  }),
  'evals.faithfulness': get('/evals/:id/faithfulness', {
    text: 'how far the answers follow from their reasoning, by what was tested so far',
    answer: evals.FaithfulnessState,
  }),
  'evals.testFaithfulness': post('/evals/:id/faithfulness', {
    text: 'tests that in the background, where it was left; the action stop ends it. 409 while the evaluation is not finished',
    body: evals.TestFaithfulness,
    answer: evals.FaithfulnessState,
    status: 202,
  }),
  'evals.export': get('/evals/:id/export', { text: 'summary, report and every answer', file: 'application/json' }),

  // Data sets
  'data.list': get('/data', {
    text: 'data sets that are indexed, and what is being indexed',
    answer: Type.Object({ datasets: Type.Array(data.DatasetSummary), jobs: Type.Array(data.IndexJob) }),
  }),
  'data.add': post('/data', {
    text: "indexes a folder on the server's machine, in the background",
    body: data.AddDataset,
    answer: data.IndexJob,
    status: 202,
  }),
  'data.browse': get('/data/browse', {
    text: 'folders, and files that may hold questions; the home directory when dir is left out',
    query: Type.Object({ dir: Text }),
    answer: data.Folder,
  }),
  'data.downloads': get('/data/downloads', {
    text: 'what can be fetched from the Hugging Face hub, its licence with it',
    answer: Type.Object({ known: Type.Array(data.Download), jobs: Type.Array(data.DownloadJob) }),
  }),
  'data.download': post('/data/downloads', {
    text: 'fetches, unpacks and starts to index; it goes on from what an earlier try left',
    body: data.StartDownload,
    answer: data.DownloadJob,
    status: 202,
  }),
  'data.downloadJob': get('/data/downloads/:name', { text: 'how far it is', answer: data.DownloadJob }),
  'data.stopDownload': remove('/data/downloads/:name', { text: 'stops it; what is here stays', answer: data.DownloadJob }),
  'data.get': get('/data/:name', { text: 'with facets, splits and job', answer: data.DatasetDetail }),
  'data.rename': patch('/data/:name', {
    text: 'gives it another name; runs and evaluations that know it by this one still find it. 409 where another has the name',
    body: data.RenameDataset,
    answer: data.DatasetSummary,
  }),
  'data.remove': remove('/data/:name', {
    text: 'moves index and splits to the trash, the folder stays as it is. A running job is stopped',
    answer: Type.Object({ removed: Type.String({ description: 'name' }), ...Trash.properties }),
  }),
  'data.job': get('/data/:name/job', { text: 'how far indexing is', answer: data.IndexJob }),
  'data.stop': remove('/data/:name/job', { text: 'stops indexing; what was hashed stays', answer: data.IndexJob }),
  'data.find': get('/data/:name/items', {
    text: 'as data.page; a facet is a parameter of its own name and may repeat: modality=CT&modality=MRI, run:ID=wrong',
    query: data.ItemQuery,
    answer: data.DataPage,
  }),
  'data.page': post('/data/:name/items', {
    text: 'questions that pass a filter, with counts by facet',
    body: data.ItemQuery,
    values: MANY,
    answer: data.DataPage,
  }),
  'data.columns': post('/data/:name/columns', {
    text:
      'every question that passes a filter, column by column: a line with `total`, then lines of at most 5,000 questions, each an object of lists, ' +
      'then a line with `end`, the number of questions sent; without it the answer was cut off',
    body: data.ColumnsQuery,
    values: MANY,
    file: 'application/x-ndjson',
  }),
  'data.sample': get('/data/:name/items/:id', { text: 'one question, its record and its neighbours', answer: data.DataSample }),
  'data.note': post('/data/:name/notes', {
    text: 'tags and note of the questions that pass a filter: {"query": {"ids": ["q17"]}, "add_tags": ["hard"]}',
    body: data.NoteQuestions,
    values: MANY,
    answer: Type.Object({ items: Type.Integer({ description: 'questions that passed' }) }),
  }),
  'data.notes': get('/data/:name/notes', {
    text: 'what people tagged and noted',
    answer: list('notes', data.QuestionNote),
    gives: 'notes',
  }),
  'data.place': post('/data/:name/items/:id/place', {
    text: 'where it stands among the questions of a filter; pages and groups are ignored',
    body: data.ItemQuery,
    values: MANY,
    answer: data.ItemPlace,
  }),
  'data.answers': get('/data/:name/items/:id/answers', {
    text: 'what runs on this data set said to it, each newest first; all runs when none is named',
    query: Type.Object({ runs: Texts }),
    answer: list('answers', data.ItemAnswers),
    gives: 'answers',
  }),
  'data.thumb': get('/data/:name/thumb/:hash', {
    text: "by the sha256 of the image's bytes: it never changes. size is 96, 192, 384 or 768, the next one up",
    query: Type.Object({ size: Type.Optional(Type.Number()) }),
    file: 'image/webp',
  }),
  'data.image': get('/data/:name/image', {
    text:
      'size is the longest side, at most 4096; window and level are of 16-bit and DICOM images. ' +
      'Headers X-Image-Size, -Window, -Level, -Range tell what it is',
    query: Type.Object({ path: Type.String(), size: Type.Optional(Type.Number()), ...Window }),
    file: 'image/png',
  }),
  'data.audit': get('/data/:name/audit', { text: 'leaks, shortcuts, duplicates, and what cannot be used', answer: data.Audit }),
  'data.splits': get('/data/:name/splits', {
    text: 'questions by split, and the split files that were made here',
    answer: Type.Object({ splits: Type.Record(Type.String(), Type.Integer()), files: Type.Array(data.SplitSummary) }),
  }),
  'data.makeSplit': post('/data/:name/splits', {
    text: 'draws a split, or keeps a selection',
    body: data.MakeSplit,
    values: MANY,
    answer: data.SplitSummary,
    status: 201,
  }),
  'data.split': get('/data/:name/splits/:split', { text: 'a split file whole', answer: data.SplitFile }),
  'data.export': post('/data/:name/export', {
    text: 'the questions of a filter',
    body: data.ExportItems,
    values: MANY,
    file: 'application/jsonl or application/octet-stream',
  }),
};

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
type TypesOf<Name extends RouteName> = NonNullable<Routes[Name]['types']>;
/** Parameters of the address; undefined where it takes none. */
export type QueryOf<Name extends RouteName> = TypesOf<Name>['query'];
export type BodyOf<Name extends RouteName> = TypesOf<Name>['body'];
/** Blob of a file. */
export type AnswerOf<Name extends RouteName> = TypesOf<Name>['answer'];
/** What the client gives: the answer, or the one property of it that the row names. */
export type GivenBy<Name extends RouteName> =
  Routes[Name] extends Route<string, unknown, unknown, infer Answer, infer Gives>
    ? Gives extends keyof Answer
      ? Answer[Gives]
      : Answer
    : never;

/** Names of the parts to fill in: `:name` and `:id` of /data/:name/items/:id. */
export type PartsOf<Path extends string> = Path extends `${string}:${infer Part}/${infer Rest}`
  ? Part | PartsOf<`/${Rest}`>
  : Path extends `${string}:${infer Part}`
    ? Part
    : never;
export type PathOf<Name extends RouteName> = Routes[Name]['path'];
