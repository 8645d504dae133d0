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
      'Write it as a regular expression of JavaScript. A backslash before a sign means the sign itself: \\(C\\).',
      cause,
    ),
  endlessRegexp: (pattern: string, where: { run: string; step: number; row: number }, seconds: number) =>
    make('SEARCH_REGEXP_ENDLESS', 422)(
      `${short(pattern)} was stopped after ${seconds} s on one text: completion ${where.row + 1} of step ${where.step} of run ${where.run}.`,
      'A repetition inside a repetition, such as (a+)+, tries every way to cut up a text. Write it as one, a+.',
    ),
  noWords: (text: string) =>
    make(
      'SEARCH_EMPTY',
      422,
      2,
    )(
      `${short(text)} names no word to look for.`,
      'Give at least one word without a minus; a word has letters or digits. To find other signs, use a regular expression (mode "regexp", in a terminal --regexp).',
    ),
  badCursor: () => make('SEARCH_CURSOR', 422)('The cursor belongs to another search.', 'Ask for the first page again.'),
  noCompletion: ({ run, step, group, index }: { run: string; step: number; group: number; index: number }) =>
    make('COMPLETION_UNKNOWN', 404)(
      `Run ${run} holds no completion ${index} of group ${group} of step ${step}.`,
      'GET /runs/:id/groups tells which there are.',
    ),
  noQuestion: (run: string, item: string) =>
    make('QUESTION_UNKNOWN', 404)(`Run ${run} never asked question ${short(item)}.`, 'A search gives the item_id of each question.'),
  unknownSearch: (id: string) =>
    make('SEARCH_UNKNOWN', 404)(`There is no saved search ${short(id)}.`, 'Reload the list; it may have been removed elsewhere.'),
  nameTaken: (name: string) =>
    make('SEARCH_NAME', 409)(`A saved search is called ${short(name)} already.`, 'Choose another name, or remove the one that is there.'),
  savedDamaged: (file: string, cause: unknown) =>
    make('SEARCH_SAVED', 500)(
      `The saved searches in ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Mend the file, or move it away: searches are saved anew then.',
      cause,
    ),
  tooMany: (most: number) => make('SEARCH_NAME', 409)(`${most} searches are saved already.`, 'Remove some that nobody needs.'),
  busy: (most: number) => make('SEARCH_BUSY', 429)(`${most} searches wait already.`, 'Try again when some of them are done.'),
  slow: (seconds: number) => make('SEARCH_TIMEOUT', 504)(`The search took more than ${seconds} s.`, 'Search fewer steps or fewer runs.'),
  stopped: () => make('SEARCH_STOPPED', 499)('The search was cancelled.', 'Nothing to do.'),
  died: (cause: unknown) =>
    make('SEARCH_FAILED', 500)(
      `The search ended unexpectedly: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Ask again.',
      cause,
    ),
};

const short = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
