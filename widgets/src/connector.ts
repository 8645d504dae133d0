/**
 * The seam between the widgets and a backend: the client of kernel-bridge in JupyterLab, a fake in tests. Of the client's methods it has
 * those that a widget calls, with the types of the table of routes; failures reject with {code, message, remedy}.
 */
import type { MoveView, RunEvent } from '@medr1/kernel-bridge/protocol';
import type { Client, DataClient, EvalsClient, EvalsEvent, RunsEvent } from '@medr1/kernel-bridge/client';
import type { Subscribable } from './observable.ts';

export { errorBody } from '@medr1/kernel-bridge/protocol/errors';

export type {
  ErrorBody,
  Estimate,
  Crop,
  GenerateRequest,
  Generation,
  Group,
  MetricTable,
  MoveView,
  QuestionHistory,
  RewardRevision,
  RunAction,
  RunDetail,
  RunEvent,
  Rollback,
  RunSummary,
  ServerInfo,
  TrainConfig,
  View,
} from '@medr1/kernel-bridge/protocol';
export type {
  BuiltInReward,
  CheckedReward,
  CheckRewards,
  RewardReport,
  RewardSource,
  TriedRewards,
  TryRewards,
} from '@medr1/kernel-bridge/protocol';
export type { AnnotateRun, Annotations, RunTable, RunTableQuery, RunTableRow, Trashed } from '@medr1/kernel-bridge/protocol';
export type { DeviceJob, Devices, DeviceUse, QueuedJob, QueueMove } from '@medr1/kernel-bridge/protocol';
export type { Checkpoint, Completion, RunState } from '@medr1/kernel-bridge/protocol';
export type {
  Audit,
  AuditFinding,
  DataItem,
  DataPage,
  DataSample,
  DatasetSummary,
  Download,
  DownloadJob,
  ExportFormat,
  Folder,
  IndexJob,
  ItemAnswers,
  ItemPlace,
  ItemQuery,
  MakeSplit,
  RunAnswer,
} from '@medr1/kernel-bridge/protocol';
export type {
  Agreement,
  Accuracy,
  AnswerFilter,
  AnswerPage,
  Control,
  CreateEval,
  EvalAnswer,
  EvalComparison,
  EvalDetail,
  EvalMatrices,
  EvalMatrix,
  EvalReport,
  EvalState,
  EvalSummary,
  Evaluation,
  MatrixDifference,
  PublishedDifference,
  MatrixKind,
  FaithfulnessComparison,
  FaithfulnessState,
  McNemar,
  ReasoningCurve,
  ReasoningPair,
  Reading,
  Share,
  Votes,
} from '@medr1/kernel-bridge/protocol';
export type {
  Alert,
  AlertRemedy,
  AlertRule,
  AlertSettings,
  CheckedAlertRule,
  RunAlerts,
  RunAlertSettings,
} from '@medr1/kernel-bridge/protocol';
export type { DatasetDetail, EditRewards, SplitSummary } from '@medr1/kernel-bridge/protocol';
export type {
  Alternatives,
  AskAttribution,
  Attribution,
  Decision,
  ExplainTarget,
  MapCheck,
  MapMethod,
} from '@medr1/kernel-bridge/protocol';
export type {
  Families,
  Family,
  Phrase,
  Phrases,
  QuestionCurve,
  SavedQuery,
  SavedSearch,
  SearchHit,
  SearchPage,
  SearchQuery,
} from '@medr1/kernel-bridge/protocol';
export type { EvalsEvent, ImagePicture, RunsEvent } from '@medr1/kernel-bridge/client';

/** `connecting` covers the wait before a retry too; `refused` will not be tried again by itself. */
export type ConnectionState = 'connecting' | 'open' | 'polling' | 'closed' | 'refused';
/** Events come: by a websocket, or by asking every second where a proxy lets none through. */
export const isLive = (state: ConnectionState): boolean => state === 'open' || state === 'polling';
export const POLLING = 'A proxy between this page and the server lets no websocket through, so the page asks every second instead.';

export interface Subscription {
  close(): void;
}

/** Where a subscription goes on from. Without it, the topic is told from its beginning. */
export interface Resume {
  epoch: string;
  since: number;
}

/** Routes that widgets call: one more is one more name. */
type Calls = Pick<
  Client,
  | 'action'
  | 'alertRules'
  | 'alerts'
  | 'alertSettings'
  | 'annotateRun'
  | 'builtInRewards'
  | 'checkConfig'
  | 'checkRewards'
  | 'createPair'
  | 'createRun'
  | 'deleteRun'
  | 'devices'
  | 'editRewards'
  | 'editSettings'
  | 'estimate'
  | 'events'
  | 'exportUrl'
  | 'fork'
  | 'generate'
  | 'groups'
  | 'imageUrl'
  | 'importRun'
  | 'log'
  | 'metrics'
  | 'moveInQueue'
  | 'moveView'
  | 'questionHistory'
  | 'readConfig'
  | 'run'
  | 'runs'
  | 'runTable'
  | 'trash'
  | 'restoreTrash'
  | 'revert'
  | 'rollback'
  | 'settings'
  | 'emptyTrash'
  | 'schema'
  | 'server'
  | 'setAlertRules'
  | 'checkAlertRule'
  | 'tokenTexts'
  | 'tryRewards'
>;

/** Data sets: pages, samples, audits, splits, and addresses of images. */
export type DataConnector = Omit<DataClient, 'find' | 'thumb' | 'image' | 'columns'>;
/** Stored evaluations: tables, answers, comparisons, matrices. */
export type EvalsConnector = Omit<EvalsClient, 'export' | 'compareTable' | 'faithfulness'>;

export interface Connector extends Calls {
  readonly data: DataConnector;
  readonly evals: EvalsConnector;
  readonly search: Client['search'];
  readonly explain: Client['explain'];

  readonly connection: Subscribable & { readonly value: ConnectionState };

  /** Each event once and in order, across reconnects. `onReset`: the log was rewritten, read anew. */
  subscribeRun(id: string, resume: Resume, onEvent: (event: RunEvent) => void, onReset: () => void): Subscription;
  /** From now on; what happened before is in `runs()`. */
  subscribeRuns(onEvent: (event: RunsEvent) => void, onReset: () => void): Subscription;
  /** From now on; what happened before is in `evals.list()`. */
  subscribeEvals(onEvent: (event: EvalsEvent) => void, onReset: () => void): Subscription;
  /** What notebooks ask pages to look at, from now on. `onReset`: the backend is a new one and knows nothing of this page. */
  subscribeView(onMove: (move: MoveView) => void, onReset: () => void): Subscription;
}
