/** Every failure of searches: one constructor per case, so that code, status and remedy stand side by side. */
import { WorkbenchError } from '../protocol/errors.ts';

const make =
  (code: string, http: number, exit: 1 | 2 = 1) =>
  (message: string, remedy: string, cause?: unknown): WorkbenchError =>
    new WorkbenchError({ code, http, exit, message, remedy, cause });

export const errors = {
  badRegexp: (pattern: string, cause: unknown) =>
    make('SEARCH_REGEXP', 422, 2)(
      `${short(pattern)} is no regular expression: ${cause instanceof Error ? cause.message.replace(/^Invalid regular expression: /, '') : String(cause)}`,
      'Expressions are those of JavaScript; a backslash before a character takes it as it stands: \\(C\\).',
      cause,
    ),
  endlessRegexp: (pattern: string, where: { run: string; step: number; row: number }, seconds: number) =>
    make('SEARCH_REGEXP_ENDLESS', 422)(
      `${short(pattern)} was stopped after ${seconds} s on one text: completion ${where.row + 1} of step ${where.step} of run ${where.run}.`,
      'Repetitions inside repetitions such as (a+)+ try every way of cutting a text up: write them as one, a+.',
    ),
  noWords: (text: string) =>
    make(
      'SEARCH_EMPTY',
      422,
      2,
    )(
      `${short(text)} names no word to look for.`,
      'Words hold letters or digits, and one at least comes without a minus; regular expressions find signs: mode "regexp".',
    ),
  badCursor: () => make('SEARCH_CURSOR', 422)('The cursor is not one of this search.', 'Ask for the first page anew.'),
  noCompletion: ({ run, step, group, index }: { run: string; step: number; group: number; index: number }) =>
    make('COMPLETION_UNKNOWN', 404)(
      `Run ${run} holds no completion ${index} of group ${group} of step ${step}.`,
      'GET /runs/:id/groups tells which there are.',
    ),
  noQuestion: (run: string, item: string) =>
    make('QUESTION_UNKNOWN', 404)(`Run ${run} was never asked question ${short(item)}.`, 'A search tells the item_id of each question.'),
  busy: (most: number) => make('SEARCH_BUSY', 429)(`${most} searches wait already.`, 'Try again when some of them have been answered.'),
  slow: (seconds: number) =>
    make('SEARCH_TIMEOUT', 504)(`The search had no answer within ${seconds} s.`, 'Narrow it: fewer steps, fewer runs.'),
  stopped: () => make('SEARCH_STOPPED', 499)('The search was withdrawn.', 'Nothing to do.'),
  died: (cause: unknown) =>
    make('SEARCH_FAILED', 500)(
      `The search ended unexpectedly: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Ask again.',
      cause,
    ),
};

const short = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
