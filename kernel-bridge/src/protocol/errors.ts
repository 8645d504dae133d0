/**
 * The class of every error that a user can meet: each failure a user can meet has a stable code, says what was seen and where, and names the remedy.
 * `http` is the REST status, `close` the websocket close code, `exit` the command's exit code.
 */
export interface WorkbenchErrorInit {
  code: string;
  message: string;
  remedy: string;
  http?: number;
  close?: number;
  exit?: 1 | 2;
  cause?: unknown;
}

/** What travels over REST, websockets, IPC and `--json`. */
export interface ErrorBody {
  code: string;
  message: string;
  remedy: string;
}

export class WorkbenchError extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly http: number;
  readonly close: number;
  readonly exit: 1 | 2;

  constructor(init: WorkbenchErrorInit) {
    super(init.message, { cause: init.cause });
    this.name = 'WorkbenchError';
    this.code = init.code;
    this.remedy = init.remedy;
    this.http = init.http ?? 422;
    this.close = init.close ?? 4000;
    this.exit = init.exit ?? 1;
  }

  toJSON(): ErrorBody {
    return { code: this.code, message: this.message, remedy: this.remedy };
  }
}

/** Any thrown value as an ErrorBody, in the backend and in the page: what nobody foresaw keeps its own message. */
export function errorBody(error: unknown): ErrorBody {
  const { code, message, remedy } = (error ?? {}) as Partial<ErrorBody>;
  // Who names a remedy knows the error; a bare one may have a code of its own, such as ENOENT
  if (typeof message === 'string' && typeof remedy === 'string') return { code: code ?? 'INTERNAL', message, remedy };
  return {
    code: 'INTERNAL',
    message: typeof message === 'string' ? message : String(error),
    remedy: 'Try again; if it stays, report it with what the terminal of npm start, or the log of the Jupyter server, says of it.',
  };
}
