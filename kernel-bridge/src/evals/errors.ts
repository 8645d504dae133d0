/** Every failure of evaluations: one constructor per case, so that code, status and remedy stand side by side. */
import { WorkbenchError } from '../protocol/errors.ts';

const make =
  (code: string, http: number, exit: 1 | 2 = 1) =>
  (message: string, remedy: string, cause?: unknown): WorkbenchError =>
    new WorkbenchError({ code, http, exit, message, remedy, cause });

const text = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

export const errors = {
  unknown: (id: string) => make('EVAL_UNKNOWN', 404)(`There is no evaluation ${JSON.stringify(id)}.`, 'medr1 evals list lists them.'),
  damaged: (dir: string, cause: unknown) =>
    make('EVAL_DAMAGED', 500)(
      `The evaluation in ${dir} cannot be read: ${text(cause)}`,
      'Copy the directory, then try `sqlite3 eval.db .recover`. Or start a new evaluation with --no-resume.',
      cause,
    ),
  format: (dir: string, seen: number, known: number) =>
    make('EVAL_FORMAT', 500)(
      `The evaluation in ${dir} has format ${seen}; this version reads ${known}.`,
      seen > known ? 'Update Med-R1 Workbench.' : 'Start a new evaluation with --no-resume.',
    ),
  locked: (id: string) =>
    make('EVAL_BUSY', 409)(`Another process works on evaluation ${id}.`, 'Wait for it, or stop it in the Evaluation view.'),
  making: () => make('EVAL_BUSY', 409)('Another process has been making an evaluation for half a minute.', 'Ask again when it is done.'),
  wrongState: (id: string, action: string, state: string, remedy: string) =>
    make('EVAL_CONFLICT', 409)(`Evaluation ${id} is ${state}: it cannot ${action}.`, remedy),
  splitChanged: (split: string, id: string, before: string, now: string) =>
    make('EVAL_SPLIT_CHANGED', 422)(
      `Split ${split} changed after evaluation ${id} began: its hash was ${before.slice(0, 12)} and is ${now.slice(0, 12)}.`,
      'Put the old data back, or evaluate the changed split in a new evaluation with --no-resume (the view: "evaluate anew").',
    ),
  modelChanged: (model: string, id: string) =>
    make('EVAL_MODEL_CHANGED', 422)(
      `The weights in ${model} changed after evaluation ${id} began.`,
      'Put the old weights back, or start a new evaluation of the changed model.',
    ),
  unfinished: (id: string, state: string) =>
    make('EVAL_CONFLICT', 409)(
      `Evaluation ${id} is ${state}: its reasoning is questioned once all its answers are there.`,
      'Resume it (medr1 eval with the same settings), then ask again.',
    ),
  noAnswer: (id: string, why: string) =>
    make('EVAL_NO_ANSWER', 422)(
      `No question of evaluation ${id} could be shown to the model: ${why}`,
      'Correct that and resume: the questions that were left out are asked then.',
    ),
  noTrainSplit: (split: string) =>
    make(
      'EVAL_TRAIN_SPLIT',
      422,
      2,
    )(`option-prior learns from training questions, but split ${split} does not say which these are`, 'Name them with --train-split.'),
  whichModel: () => make('EVAL_MODEL', 400, 2)('An evaluation takes either a model directory or a run.', 'Give one of `model` and `run`.'),
  notComparable: (why: string) =>
    make('EVAL_NOT_COMPARABLE', 409)(
      `These evaluations cannot be compared question by question: ${why}.`,
      'Compare evaluations that asked the same questions: of one split, or of splits that overlap.',
    ),
  otherTemperature: (id: string, there: number, asked: number) =>
    make('EVAL_SAMPLES', 409)(
      `Evaluation ${id} has samples at temperature ${there}; temperature ${asked} was asked for.`,
      `Ask for temperature ${there}, or evaluate anew (--no-resume, anew).`,
    ),
  noneOf: (name: string) =>
    make('EVAL_UNKNOWN', 404)(
      `${JSON.stringify(name)} is neither an evaluation nor a run that was evaluated so.`,
      'medr1 evals list lists them; medr1 eval and New evaluation make one. A run is named RUN, RUN@STEP or RUN:VARIANT.',
    ),
};
