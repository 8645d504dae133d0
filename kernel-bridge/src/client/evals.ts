/** The evaluation routes (protocol/evals.ts, EVAL_ROUTES): `client.evals`. */
import type {
  AnswerFilter,
  AnswerPage,
  CreateEval,
  EvalAnswer,
  EvalComparison,
  EvalDetail,
  EvalMatrices,
  EvalSummary,
  MatrixKind,
  Reading,
} from '../protocol/evals.ts';
import type { Transport } from './transport.ts';

const part = encodeURIComponent;

export interface AnswersQuery {
  sight?: EvalAnswer['sight'];
  filter?: AnswerFilter;
  reading?: Reading;
  /** The evaluation that gained, lost and flips look at; its answers come along. */
  against?: string;
  /** Further evaluations whose answers come along. */
  beside?: readonly string[];
  modality?: string;
  question_type?: string;
  dataset?: string;
  limit?: number;
  offset?: number;
}

export class EvalsClient {
  private readonly to: Transport;

  constructor(transport: Transport) {
    this.to = transport;
  }

  /** Newest first. */
  list = async (): Promise<EvalSummary[]> => (await this.to.get<{ evaluations: EvalSummary[] }>('/evals')).evaluations;
  /** Queues an evaluation; a stored one with the same weights, questions and settings is taken up again. */
  start = (request: CreateEval): Promise<EvalSummary> => this.to.send('POST', '/evals', request);
  get = (id: string): Promise<EvalDetail> => this.to.get(`/evals/${part(id)}`);
  stop = (id: string): Promise<EvalSummary> => this.to.send('POST', `/evals/${part(id)}/actions`, { action: 'stop' });
  resume = (id: string): Promise<EvalSummary> => this.to.send('POST', `/evals/${part(id)}/actions`, { action: 'resume' });
  remove = (id: string): Promise<{ trash: string }> => this.to.send('DELETE', `/evals/${part(id)}`);
  answers = (id: string, query: AnswersQuery = {}): Promise<AnswerPage> =>
    this.to.get(`/evals/${part(id)}/answers`, { ...query, beside: query.beside?.join(',') });
  compare = (ids: readonly string[]): Promise<EvalComparison> => this.to.get('/evals/compare', { ids: ids.join(',') });
  /** Of all finished evaluations of checkpoints when no ids are given. */
  matrix = (kind: MatrixKind, ids?: readonly string[]): Promise<EvalMatrices> =>
    this.to.get('/evals/matrix', { kind, ids: ids?.join(',') });
  /** Address of a JSON file with every answer. */
  exportUrl = (id: string): string => this.to.url(`/evals/${part(id)}/export`);
}
